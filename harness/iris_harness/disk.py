"""Disk space: what a run will need, whether it is there, and raw frames that nobody needs any more.

The estimate counts the arrays of raw frames, truth and products; headers, caches and scores are small
beside them. With `keep` products, raw frames are discarded once they have been used and hashed, those
of calibrations before science is simulated, so that at any time only one of the two lots is there.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from iris_contract.errors import RunDirectoryError
from iris_harness.calibrate import CALIBRATIONS
from iris_harness.matching import find_match
from iris_harness.reduce import LEVEL2_FAMILIES
from iris_harness.run_directory import RunDirectory
from iris_harness.scenario import Scenario
from iris_harness.simulate import list_settings

__all__ = ["KEEP", "check_space", "discard", "estimate_bytes", "find_use", "has_raw", "is_whole"]

KEEP = ("all", "products")
RAW, TRUTH, AS_BUILT, IMAGE = 2, 6 * 4, 25 * 4, 6 * 4  # bytes per pixel-read, and per pixel of one file
SPARE = 1.1  # for what is small, and for what is written before the old is gone


def find_use(scenario: Scenario, role: str) -> str:
    """Return what the exposures of `role` are for: calibration, science, or both."""
    users = {name for name, family in scenario.families.items() if role in family.exposures}
    if users <= set(CALIBRATIONS):
        return "calibration"
    return "both" if users & set(CALIBRATIONS) else "science"


def estimate_bytes(scenario: Scenario, nights: int, keep: str = "all") -> int:
    """Return the bytes that a run of `scenario` occupies at most."""
    sizes = {name: scenario.find_region(name) for name in scenario.detectors}
    pixels = {name: region.xsize * region.ysize for name, region in sizes.items()}
    raw = {"calibration": 0, "both": 0, "science": 0}
    rest = AS_BUILT * sum(pixels.values())
    for spec in scenario.exposures.values():
        settings = len(list_settings(scenario, spec.role))
        reads = spec.readout.ramps * spec.readout.reads * spec.count
        raw[find_use(scenario, spec.role)] += RAW * pixels[spec.detector] * reads * settings * nights
        rest += TRUTH * pixels[spec.detector] * spec.count * settings * nights
    for name, family in scenario.families.items():
        made = sum(pixels[detector] for detector in _list_products(scenario, name))
        delivered = 2 if name in CALIBRATIONS else 1
        rest += IMAGE * made * delivered * len(family.algorithms) * len(family.settings) * nights
    most = raw["both"] + max(raw["calibration"], raw["science"])
    return int(SPARE * (rest + (most if keep == "products" else sum(raw.values()))))


def _list_products(scenario: Scenario, family: str) -> list[str]:
    """Return the detector of every product that an algorithm of a family makes in a night and setting."""
    specs = [scenario.exposures[role] for role in scenario.families[family].exposures]
    if family in CALIBRATIONS:
        return [match[0][1] for match in {find_match(CALIBRATIONS[family][0], spec) for spec in specs}]
    return [spec.detector for spec in specs for _ in range(spec.count * (2 if family in LEVEL2_FAMILIES else 1))]


def check_space(root: Path, needed: int) -> str:
    """Return one line about the disk; raise RunDirectoryError where `needed` bytes cannot be had.

    What the run directory holds already counts as had.
    """
    held = sum(path.stat().st_size for path in root.rglob("*") if path.is_file())
    free = shutil.disk_usage(root).free
    if needed > held + free:
        problem = f"needs up to {needed / 1e9:.1f} GB and the disk has {free / 1e9:.1f} GB free"
        raise RunDirectoryError(f"{problem}; give another --out, fewer --nights or --keep products", file=root)
    return f"disk: up to {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB free"


def has_raw(run: RunDirectory, night: int | None = None) -> bool:
    """Tell whether any raw frames are there, of any night or of one."""
    return any(run.root.glob(f"raw/*/{'*' if night is None else f'{night:03d}'}/*.fits"))


def is_whole(run: RunDirectory, nights: int) -> bool:
    """Tell whether the scores are there and raw frames of the last of the nights: nothing much is to be written."""
    return (run.scores / "scorecard.json").is_file() and has_raw(run, nights)


def discard(run: RunDirectory, raw: Iterable[str]) -> None:
    """Remove raw frames; their hashes stay in the manifest."""
    for name in raw:
        (run.root / name).unlink(missing_ok=True)
