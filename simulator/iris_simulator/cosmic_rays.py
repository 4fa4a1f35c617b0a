"""Cosmic rays: hits arrive at random in time and place, and each leaves its charge in one pixel.

Hits of one row of pixels in each interval between reads are a Poisson number; column and amplitude
are drawn for each hit, the amplitude uniform in its logarithm between 50 and 5000 e-. A hit between
reads r-1 and r is held by read r and all later ones of the ramp. Reference pixels are never hit.
Not modelled: tracks over several pixels, charge sharing between neighbours, spectra of real hits.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from iris_contract import Detector, Subarray
from iris_simulator.draws import Cube, add_arrivals, draw_uniform
from iris_simulator.seeds import ExposureSeeds

__all__ = ["AMPLITUDES", "HIT", "add_hits", "draw_hits"]

Index = npt.NDArray[np.int64]

AMPLITUDES = (50.0, 5000.0)
"""Smallest and largest charge of a hit in e- [C]."""

HIT = np.dtype([("Y", "i4"), ("X", "i4"), ("GROUP", "i4"), ("READ", "i4"), ("ELECTRONS", "f4")])
"""One hit: pixel and ramp from 0; READ is the first read, from 0, that holds the charge."""


def draw_hits(
    detector: Detector, region: Subarray, times: Cube, seeds: ExposureSeeds, boost: float = 1.0
) -> npt.NDArray[np.void]:
    """Return the hits (dtype HIT, in order of Y, GROUP, READ) of an exposure of `region`.

    `times` s (ramps, reads). The rate is the detector's design times `boost`.
    """
    rows, columns = _light_sensitive(detector, region)
    if not len(rows) or not len(columns):
        return np.zeros(0, HIT)
    per_row = boost * detector.cosmic_ray_rate / 60 * len(columns) * (detector.pixel_pitch * 1e-4) ** 2
    arrived = np.zeros((len(rows), 1, *times.shape), dtype=np.float32)
    first = region.ystart - 1 + int(rows[0])
    add_arrivals(arrived, np.full((len(rows), 1), per_row), times, seeds.stream("cosmic_rays", first))
    counts = np.diff(arrived[:, 0], axis=-1, prepend=0).astype(np.int64)
    row, ramp, read = np.nonzero(counts)
    repeats = counts[row, ramp, read]
    hits = np.zeros(repeats.sum(), HIT)
    hits["Y"], hits["GROUP"], hits["READ"] = (np.repeat(a, repeats) for a in (rows[row], ramp, read))
    where, amplitude = _draw_details(row, ramp, read, repeats, arrived.shape, seeds, first)
    hits["X"] = columns[(where * len(columns)).astype(np.int64)]
    hits["ELECTRONS"] = np.rint(AMPLITUDES[0] * (AMPLITUDES[1] / AMPLITUDES[0]) ** amplitude)
    return hits


def _light_sensitive(detector: Detector, region: Subarray) -> tuple[Index, Index]:
    light = ~region.reference_pixels(detector)
    return np.flatnonzero(light.any(axis=1)), np.flatnonzero(light.any(axis=0))


def _draw_details(
    row: Index, ramp: Index, read: Index, repeats: Index, shape: tuple[int, ...], seeds: ExposureSeeds, first: int
) -> npt.NDArray[np.float64]:
    """Two uniform numbers per hit, shape (2, hits), which depend only on its row, ramp, read and rank there."""
    rank = np.arange(repeats.sum()) - np.repeat(np.cumsum(repeats) - repeats, repeats)
    interval = np.repeat(np.arange(len(repeats)), repeats)
    details = np.empty((2, len(rank)))
    for n in range(repeats.max(initial=0)):
        numbers = draw_uniform((shape[0], 2, shape[2], shape[3]), seeds.stream(f"cosmic_rays hit {n}", first))
        of_rank = interval[rank == n]
        details[:, rank == n] = numbers[row[of_rank], :, ramp[of_rank], read[of_rank]].T
    return details


def add_hits(charge: Cube, hits: npt.NDArray[np.void], tile: tuple[slice, slice]) -> None:
    """Add `hits` to `charge` e- (rows, columns, ramps, reads) of `tile`, in place."""
    low, high = np.searchsorted(hits["Y"], (tile[0].start, tile[0].stop))
    mine = hits[low:high]
    mine = mine[(mine["X"] >= tile[1].start) & (mine["X"] < tile[1].stop)]
    for y, x, ramp, read, electrons in mine.tolist():
        charge[y - tile[0].start, x - tile[1].start, ramp, read:] += electrons
