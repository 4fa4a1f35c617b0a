"""Progress of long work: bars on a terminal, one plain line per stage in a pipe. Writes to stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Progress", "Stage"]


@dataclass(slots=True)
class Stage:
    """One stage of a run; `step()` after each finished task."""

    name: str
    total: int
    bar: Any = None
    bar_id: Any = None
    done: int = 0

    def step(self, count: int = 1) -> None:
        """Count finished tasks."""
        self.done += count
        if self.bar is not None:
            self.bar.advance(self.bar_id, count)


@dataclass(slots=True)
class Progress:
    """Collects how long each stage took; shows it unless `quiet`."""

    quiet: bool = False
    timings: list[dict[str, Any]] = field(default_factory=list)

    def say(self, line: str) -> None:
        """Show a line unless `quiet`."""
        if not self.quiet:
            print(line, file=sys.stderr, flush=True)

    @contextmanager
    def stage(self, name: str, total: int) -> Iterator[Stage]:
        """Show one stage with `total` tasks and record its seconds."""
        start = time.monotonic()
        stage = Stage(name, total)
        with self._bar(stage):
            yield stage
        seconds = time.monotonic() - start
        self.timings.append({"stage": name, "seconds": round(seconds, 2), "tasks": total})
        if not self.quiet:
            print(f"{name:<10} {stage.done:>4} of {total:<4} {seconds:7.1f} s", file=sys.stderr, flush=True)

    @contextmanager
    def _bar(self, stage: Stage) -> Iterator[None]:
        if self.quiet or not sys.stderr.isatty():
            yield
            return
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
        from rich.progress import Progress as RichProgress

        columns = (TextColumn("{task.description:<10}"), BarColumn(), MofNCompleteColumn())
        with RichProgress(
            *columns, TimeElapsedColumn(), TimeRemainingColumn(), console=Console(stderr=True), transient=True
        ) as bar:
            stage.bar, stage.bar_id = bar, bar.add_task(stage.name, total=stage.total)
            yield
