"""Shapes of hits: a cosmic ray crosses several pixels, a snowball floods a disc of them.

Track: the charge of a hit lies evenly along a straight line that begins in the pixel hit; its length
is exponential, its direction any. Snowball: full wells within a core, around it a halo that falls
with the cube of the distance (compare Green & Olszewski 2020 and Regan et al. 2023, JWST technical
reports). Charge beyond the region is lost, and so is what falls on reference pixels.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from iris_contract import Detector, Subarray
from iris_simulator.cosmic_rays import HIT
from iris_simulator.seeds import ExposureSeeds, derive_key

__all__ = ["draw_snowballs", "draw_tracks"]

LENGTH = 1.2
"""Mean length of a track in pixels [C]."""
SAMPLES = 16  # points of a track among which its charge is shared
SNOWBALLS = 0.01  # [C] snowballs per cosmic ray
CORE, FULL, HALO = (2.0, 7.0), 150_000.0, 2_000.0  # [C] radius in pixels; e- in the core, and at its edge
REACH = 4.0  # radii out to which a halo is followed; 1/64 of its charge at the edge is left there
SMALLEST = 1.0  # e-


def draw_tracks(
    hits: npt.NDArray[np.void], detector: Detector, region: Subarray, seeds: ExposureSeeds
) -> npt.NDArray[np.void]:
    """Return the pixels (dtype HIT, ordered) among which `hits` share their charge."""
    if not len(hits):
        return hits
    length, angle = _draw_details(hits, region, seeds, "cosmic_rays shape")
    reach = np.linspace(0.0, 1.0, SAMPLES) * -LENGTH * np.log(length)[:, None]
    y = np.rint(hits["Y"][:, None] + reach * np.sin(2 * np.pi * angle)[:, None]).astype(np.int64)
    x = np.rint(hits["X"][:, None] + reach * np.cos(2 * np.pi * angle)[:, None]).astype(np.int64)
    spread = np.repeat(hits, SAMPLES)
    spread["Y"], spread["X"] = y.ravel(), x.ravel()
    spread["ELECTRONS"] /= SAMPLES
    return _gather(spread, detector, region)


def draw_snowballs(
    hits: npt.NDArray[np.void], detector: Detector, region: Subarray, seeds: ExposureSeeds
) -> npt.NDArray[np.void]:
    """Return the pixels (dtype HIT, ordered) of the few `hits` that are snowballs, none of their own charge."""
    chance, size = _draw_details(hits, region, seeds, "snowballs")
    found = [np.zeros(0, HIT)]
    for hit, radius in zip(
        hits[chance < SNOWBALLS], CORE[0] + (CORE[1] - CORE[0]) * size[chance < SNOWBALLS], strict=True
    ):
        span = int(np.ceil(REACH * radius))
        dy, dx = np.mgrid[-span : span + 1, -span : span + 1]
        distance = np.hypot(dy, dx) / radius
        near = distance <= REACH
        ball = np.repeat(hit[None], near.sum())
        ball["Y"], ball["X"] = hit["Y"] + dy[near], hit["X"] + dx[near]
        ball["ELECTRONS"] = np.where(distance <= 1, FULL, HALO / np.maximum(distance, 1) ** 3)[near]
        found.append(ball)
    return _gather(np.concatenate(found), detector, region)


def _draw_details(
    hits: npt.NDArray[np.void], region: Subarray, seeds: ExposureSeeds, name: str
) -> npt.NDArray[np.float64]:
    """Return two numbers in (0, 1) per hit, (2, hits), that depend on nothing but the hit itself."""
    numbers = [
        derive_key(
            int(seeds.stream(name).key),
            int(h["Y"]) + region.ystart,
            int(h["X"]) + region.xstart,
            int(h["GROUP"]),
            int(h["READ"]),
            int(h["ELECTRONS"]),
        )
        for h in hits
    ]
    keys = np.array(numbers, dtype=np.uint64).reshape(-1)
    halves = np.stack([keys >> np.uint64(32), keys & np.uint64(0xFFFFFFFF)])
    return (halves.astype(np.float64) + 0.5) / 2.0**32


def _gather(spread: npt.NDArray[np.void], detector: Detector, region: Subarray) -> npt.NDArray[np.void]:
    """Sum the charge that falls on one light-sensitive pixel between the same reads; order as hits are."""
    inside = (spread["Y"] >= 0) & (spread["X"] >= 0) & (spread["Y"] < region.ysize) & (spread["X"] < region.xsize)
    spread = spread[inside]
    spread = spread[~region.reference_pixels(detector)[spread["Y"], spread["X"]]]
    places, number = np.unique(spread[["Y", "GROUP", "READ", "X"]], return_inverse=True)
    total = np.bincount(number, weights=spread["ELECTRONS"], minlength=len(places))
    gathered = np.zeros(len(places), HIT)
    for name in ("Y", "GROUP", "READ", "X"):
        gathered[name] = places[name]
    gathered["ELECTRONS"] = np.rint(total)
    return gathered[gathered["ELECTRONS"] >= SMALLEST]
