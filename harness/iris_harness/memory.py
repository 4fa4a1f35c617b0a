"""Memory: what one worker process needs at most, and so how many of them may run at once.

A process holds one exposure at a time: the reads before and after a Step, 4 bytes each, their flags, and planes
of references, products and sums. Measured on the full format: 4.5 GB for 20 reads of 4096 x 4096 pixels. The most
is needed for `persist`, 9 n + 124 bytes a pixel for n reads (measured on 1024 x 1024 and 2048 x 1024 pixels).
PSFlets of the lenslet spectrograph are tables of up to 0.75 GB. Not reckoned: lines and solutions of its arcs, which
grow with the number of lenslets.
"""

from __future__ import annotations

import os
from pathlib import Path

from iris_contract.errors import InputError
from iris_harness.cgroups import measure_cgroups
from iris_harness.scenario import Scenario

__all__ = ["check_memory", "estimate_peak", "limit_jobs", "measure_memory"]

LIBRARIES, PER_READ, PER_PIXEL = 4e8, 9, 130  # bytes of a process, per pixel-read, per pixel
PSFLETS = 0.75e9  # bytes of the tables that light of lenslets is rendered with
LEAST, PER_CORE = 8e9, 2e9  # bytes that a run may take: this, or so much per core where that is more


def estimate_peak(scenario: Scenario) -> float:
    """Return the bytes that a process needs at most."""
    needs = [
        scenario.find_region(spec.detector).xsize
        * scenario.find_region(spec.detector).ysize
        * (PER_READ * spec.readout.ramps * spec.readout.reads + PER_PIXEL)
        for spec in scenario.exposures.values()
    ]
    return LIBRARIES + max(needs) + (PSFLETS if scenario.lenslet_modes else 0)


def measure_memory() -> tuple[float, float]:
    """Return the bytes that this machine or container has, and those that new processes can have now.

    Infinite where the system does not say.
    """
    limit, room = measure_cgroups()
    total, available = _measure_machine()
    return min(total, limit), min(available, room)


def _measure_machine() -> tuple[float, float]:
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
        fields = {line.split(":")[0]: float(line.split()[1]) * 1024 for line in lines}
        return fields["MemTotal"], fields["MemAvailable"]
    except (OSError, ValueError, LookupError):
        pass
    try:
        total = float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, OSError, ValueError):
        total = float("inf")
    return total, total


def check_memory(peak: float, total: float) -> None:
    """Raise InputError where a process of `peak` bytes does not fit into the `total` there is."""
    if peak > total:
        problem = f"one process needs up to {_show(peak)}, and there are {_show(total)}"
        raise InputError(f"{problem}; take a smaller region or fewer reads, or allow more memory")


def limit_jobs(jobs: int, peak: float, cores: int, available: float) -> tuple[int, str]:
    """Return how many of `jobs` processes of `peak` bytes may run at once, at least one, and a line about it.

    The line is empty where all of them fit.

    >>> limit_jobs(2, 6e9, 2, 20e9)
    (1, 'one process needs up to 6.0 GB: running 1 job with 2 threads')
    >>> limit_jobs(2, 0.5e9, 2, 20e9)
    (2, '')
    """
    fitting = max(1, int(min(available, max(LEAST, cores * PER_CORE)) / peak))
    free = f", of which {_show(available)} are free" if peak > available else ""
    if fitting >= jobs and not free:
        return jobs, ""
    fitting = min(fitting, jobs)
    count = f"{fitting} job{'s' * (fitting > 1)}"
    return fitting, f"one process needs up to {_show(peak)}{free}: running {count} with {cores // fitting} threads"


def _show(size: float) -> str:
    return f"{size / 1e9:.1f} GB"
