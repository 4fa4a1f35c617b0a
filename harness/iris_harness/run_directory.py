"""The run directory: where everything of one run lives, who may use it, and what it was made from."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from iris_contract.atomic import write_json, write_text
from iris_contract.errors import RunDirectoryError
from iris_contract.exposure import Exposure
from iris_contract.lenslet import LensletMode
from iris_harness.nights import name_raw_file
from iris_harness.scenario import Scenario, load_scenario

__all__ = ["RunDirectory", "hold_run", "open_run", "read_run"]

MARK = "run.json"
LEFTOVER = re.compile(r"\.\d+\.tmp\..+")  # what `iris_contract.atomic` writes before it renames


@dataclass(frozen=True, slots=True)
class RunDirectory:
    """Paths inside one run directory."""

    root: Path

    @property
    def scenario(self) -> Path:
        """Copy of the scenario that the run was made from."""
        return self.root / "scenario.yaml"

    @property
    def manifest(self) -> Path:
        """The manifest."""
        return self.root / "manifest.json"

    @property
    def scores(self) -> Path:
        """Folder of samples, scorecard and controls."""
        return self.root / "scores"

    def cache(self, setting: str) -> Path:
        """CRDS cache of a setting: derived references for `chain`, oracle ones for `alone`."""
        return self.root / ("crds-oracle" if setting == "alone" else "crds")

    @property
    def initial_cache(self) -> Path:
        """CRDS cache without references: all that the chain's calibrations may ask."""
        return self.root / "crds-initial"

    def raw(self, setting: str, night: int, exposure: Exposure) -> Path:
        """Raw file of an exposure."""
        return self.root / "raw" / setting / f"{night:03d}" / name_raw_file(exposure)

    def truth(self, setting: str, night: int, exposure: Exposure) -> Path:
        """Truth file of an exposure."""
        name = name_raw_file(exposure).replace("_LVL0_", "_TRUTH_")
        return self.root / "truth" / setting / f"{night:03d}" / name

    def as_built(self, detector: str) -> Path:
        """As-built maps of a detector."""
        return self.root / "truth" / "as_built" / f"{detector}.fits"

    def spectrograph(self, mode: LensletMode) -> Path:
        """Spectrograph as built, in one mode."""
        parts = ["spectrograph", mode.filter, mode.grating, f"{mode.scale:g}mas", mode.mask]
        parts += [] if mode.column is None else [str(mode.column)]
        return self.root / "truth" / "as_built" / f"{'_'.join(parts)}.fits"

    def products(self, setting: str, family: str, algorithm: str, night: int) -> Path:
        """Folder of one algorithm's products of one night."""
        return self.root / "products" / setting / family / algorithm / f"{night:03d}"

    def relative(self, path: Path) -> str:
        """Return `path` relative to the root, with forward slashes."""
        return path.relative_to(self.root).as_posix()


def _check_owner(root: Path, scenario_text: str, seed: int) -> None:
    if not (root / MARK).exists():
        if any(path.name != ".lock" and not LEFTOVER.fullmatch(path.name) for path in root.iterdir()):
            raise RunDirectoryError("not empty and not a run; give a new or empty directory with --out", file=root)
        return
    try:
        mark = json.loads((root / MARK).read_text("utf-8"))
        same = (mark["scenario"], mark["seed"]) == (scenario_text, seed)
    except (OSError, ValueError, KeyError, TypeError):
        same = False
    if not same:
        raise RunDirectoryError("holds a run of another scenario or seed; give another --out", file=root)


@contextmanager
def open_run(root: Path, scenario_text: str, seed: int, nights: int) -> Iterator[RunDirectory]:
    """Create or resume a run directory and hold its lock; raise RunDirectoryError.

    A directory may be resumed with the same scenario and seed only; more nights extend it.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunDirectoryError(f"cannot create: {error.strerror}", file=root) from None
    if not os.access(root, os.W_OK):
        raise RunDirectoryError("cannot write here; give another --out", file=root)
    _check_owner(root, scenario_text, seed)
    with hold_run(root) as run:
        mark = {"schema": "iris-testbed/run/1", "scenario": scenario_text, "seed": seed, "nights": nights}
        write_json(root / MARK, mark)
        write_text(root / "scenario.yaml", scenario_text)
        yield run


@contextmanager
def hold_run(root: Path) -> Iterator[RunDirectory]:
    """Hold the lock of a run directory, cleared of what a killed process left half-written.

    Raises RunDirectoryError where another process holds it, or it cannot be written.
    """
    with _lock(root):
        _clear(root)
        yield RunDirectory(root.resolve())


def _clear(root: Path) -> None:
    """Remove temporary files and folders; nobody is writing them, since we hold the lock."""
    for path in [p for p in root.rglob(".*.tmp.*") if LEFTOVER.fullmatch(p.name)]:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


@contextmanager
def _lock(root: Path) -> Iterator[None]:
    import fcntl

    try:
        stream = open(root / ".lock", "w")  # noqa: SIM115 - the block below closes it
    except OSError as error:
        raise RunDirectoryError(f"cannot write here: {error.strerror}", file=root) from None
    with stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise RunDirectoryError("another run is using it; wait or give another --out", file=root) from None
        yield


def read_run(root: Path) -> tuple[Scenario, int, int]:
    """Return scenario, seed and nights of an existing run; raise RunDirectoryError."""
    try:
        mark = json.loads((root / MARK).read_text("utf-8"))
        seed, nights, text = int(mark["seed"]), int(mark["nights"]), str(mark["scenario"])
    except FileNotFoundError:
        raise RunDirectoryError("not a run directory; make one with `iris-testbed run`", file=root) from None
    except (OSError, ValueError, KeyError, TypeError):
        raise RunDirectoryError("cannot be read; make the run anew", file=root / MARK) from None
    scenario = load_scenario(RunDirectory(root).scenario)
    if scenario.text != text:
        problem = f"is not the scenario that the run was made from, which {MARK} holds; put that back or make a new run"
        raise RunDirectoryError(problem, file=RunDirectory(root).scenario)
    return scenario, seed, nights
