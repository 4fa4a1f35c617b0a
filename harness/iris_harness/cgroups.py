"""Memory limits of Linux control groups, under which containers and batch jobs run; versions 1 and 2.

A process is in one group, and the limits of all groups above it hold as well. Pages that only cache
files count as use, but the system takes them back; they are free here. Where a container sees its own
group as the root, the path that the process is told does not exist there: such levels are left out.

Not modelled: swap, `memory.high` (which slows down and does not kill). Source: the Linux kernel's
admin guide, "Control Group v2" and "Memory Resource Controller" (version 1).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

__all__ = ["measure_cgroups"]

ROOT, OWN = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
VERSION_1 = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_")
VERSION_2 = ("memory.max", "memory.current", "")


def measure_cgroups(root: Path = ROOT, own: Path = OWN) -> tuple[float, float]:
    """Return the bytes that this process's groups allow, and how many of these are free; infinite without a limit.

    `root` is where groups are mounted, `own` the file that says which ones are this process's.
    """
    limits, rooms = [float("inf")], [float("inf")]
    for folder, (limit, usage, prefix) in _list_groups(root, own):
        most, used = _read_number(folder / limit), _read_number(folder / usage)
        if most is None or used is None:
            continue
        limits.append(most)
        rooms.append(max(0.0, most - used + _count_file_cache(folder / "memory.stat", prefix)))
    return min(limits), min(rooms)


def _list_groups(root: Path, own: Path) -> Iterator[tuple[Path, tuple[str, str, str]]]:
    """Yield the folder of each group that the process is in, up to the root, and how its files are called."""
    try:
        entries = [line.split(":", 2) for line in own.read_text("utf-8").splitlines()]
    except (OSError, ValueError):
        return
    for _, controllers, path in (entry for entry in entries if len(entry) == 3):
        if controllers and "memory" not in controllers.split(","):
            continue
        top, names = (root / "memory", VERSION_1) if controllers else (root, VERSION_2)
        group = top / path.lstrip("/")
        yield from ((folder, names) for folder in (group, *group.parents) if folder.is_relative_to(top))


def _read_number(path: Path) -> float | None:
    """Return the bytes that a file states; None where there is no such file, or it says that there is no limit."""
    try:
        return float(int(path.read_text("ascii")))
    except (OSError, ValueError):
        return None


def _count_file_cache(path: Path, prefix: str) -> float:
    try:
        fields = dict(line.split(" ", 1) for line in path.read_text("ascii").splitlines())
        return sum(float(fields[f"{prefix}{name}"]) for name in ("active_file", "inactive_file"))
    except (OSError, ValueError, KeyError):
        return 0.0
