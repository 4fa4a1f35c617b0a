"""Memory: what one worker process needs at most, and so how many of them may run at once.

A process holds one exposure at a time: the raw reads, the corrected ones beside them, their flags, and planes
of references, products and sums. Measured on the full format: 4.5 GB for 20 reads of 4096 x 4096 pixels.
"""

from __future__ import annotations

import os
from pathlib import Path

from iris_harness.scenario import Scenario

__all__ = ["estimate_peak", "limit_jobs", "measure_available"]

LIBRARIES, PER_READ, PER_PIXEL = 4e8, 7, 150  # bytes of a process, per pixel-read, per pixel
LEAST, PER_CORE = 8e9, 2e9  # bytes that a run may take: this, or so much per core where that is more


def estimate_peak(scenario: Scenario) -> float:
    """Return the bytes that a process needs at most."""
    pixels = scenario.region.xsize * scenario.region.ysize
    reads = max(spec.readout.ramps * spec.readout.reads for spec in scenario.exposures.values())
    return LIBRARIES + pixels * (PER_READ * reads + PER_PIXEL)


def measure_available() -> float:
    """Return the bytes that new processes can have; infinite where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
        return float(next(line.split()[1] for line in lines if line.startswith("MemAvailable:"))) * 1024
    except (OSError, ValueError, StopIteration):
        pass
    try:
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, OSError, ValueError):
        return float("inf")


def limit_jobs(jobs: int, peak: float, cores: int, available: float) -> tuple[int, str]:
    """Return how many of `jobs` processes of `peak` bytes may run at once, and a line about it where that is fewer.

    >>> limit_jobs(2, 6e9, 2, 20e9)
    (1, 'one process needs up to 6.0 GB: running 1 job with 2 threads')
    >>> limit_jobs(2, 0.5e9, 2, 20e9)
    (2, '')
    """
    fitting = max(1, int(min(available, max(LEAST, cores * PER_CORE)) / peak))
    if fitting >= jobs:
        return jobs, ""
    count = f"{fitting} job{'s' * (fitting > 1)}"
    return fitting, f"one process needs up to {peak / 1e9:.1f} GB: running {count} with {cores // fitting} threads"
