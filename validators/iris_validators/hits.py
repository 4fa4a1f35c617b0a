"""Cosmic ray hits in truth: where they fall in the ramp and how much they stand out.

The significance of a hit is its charge over sigma of the one read difference that holds it, at the
pixel's true rate, noise and gain. A 4.5-sigma test must find hits beyond `SURE`: the guard of 2.5
sigma leaves it a chance of 1 - Phi(2.5) = 0.6 % at most to miss one, and a chance below 0.1 % to
place it one read off. Several hits of one pixel in one difference count as one. Charge that arrived
before the first read is in the pedestal and no hit; nor is what arrived before the first read that a product
says it has used (FIRSTRD), of the two at most that settling takes; nor what hit one of the eight neighbours
of a pixel that is saturated in truth, as about the core of a snowball, where reads are left out with it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from iris_contract import DQ
from iris_validators.cramer_rao import difference_sigma, read_variance
from iris_validators.evidence import ImageEvidence

__all__ = ["SURE", "Hits", "find_first_read", "find_hits"]

SURE = 7.0
SETTLING = 2  # reads; who leaves out more has to find the hits in them

Index = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Hits:
    """Hits of pixels that have no other defect in truth.

    `shape` is (ny, nx, ngroups, nreads); `places` (4, nhits) are y, x, group and read from 0, the hit
    lying between read - 1 and read; `significance` (nhits,).
    """

    shape: tuple[int, int, int, int]
    places: Index
    significance: npt.NDArray[np.float64]

    @property
    def pixels(self) -> Mask:
        """Pixels (ny, nx) that are hit."""
        mask = np.zeros(self.shape[:2], dtype=bool)
        mask[self.places[0], self.places[1]] = True
        return mask

    @property
    def omitted(self) -> Mask:
        """Differences that hold a hit, (npix, ngroups, nreads-1), of the hit pixels in their order."""
        y, x, group, read = self.places
        _, pixel = np.unique(y * self.shape[1] + x, return_inverse=True)
        out = np.zeros((int(pixel.max(initial=-1)) + 1, self.shape[2], self.shape[3] - 1), dtype=bool)
        out[pixel, group, read - 1] = True
        return out

    @property
    def weakest(self) -> npt.NDArray[np.float64]:
        """Significance of each pixel's weakest hit (ny, nx), infinite where there is none."""
        plane = np.full(self.shape[:2], np.inf)
        np.minimum.at(plane, (self.places[0], self.places[1]), self.significance)
        return plane


def find_first_read(evidence: ImageEvidence) -> int:
    """Return the first read, from 0, that the product says it used; 0 where it leaves out more than settling takes."""
    first = evidence.image.header.get("FIRSTRD", 0)
    return first if isinstance(first, int) and 0 <= first <= SETTLING else 0


def find_hits(evidence: ImageEvidence) -> Hits:
    """Return the hits of one exposure."""
    truth, times = evidence.truth, evidence.times
    ny, nx = truth.cause.shape
    events, first = truth.events, find_first_read(evidence)
    judged = truth.cause == DQ["JUMP_DET"]
    if evidence.near_full is not None:
        judged &= ~evidence.near_full
    seen = (events["READ"] > first) & judged[events["Y"], events["X"]]
    rows = np.stack([events[name][seen].astype(np.intp) for name in ("Y", "X", "GROUP", "READ")], axis=1)
    unique, inverse = np.unique(rows, axis=0, return_inverse=True)
    charge = np.bincount(inverse.ravel(), weights=events["ELECTRONS"][seen], minlength=len(unique))
    y, x, group, read = unique.T
    interval = times[group, read] - times[group, read - 1]
    variance = read_variance(truth.read_noise[y, x], truth.gain[y, x])
    sigma = difference_sigma(truth.rate_detected[y, x], variance, interval)
    return Hits((ny, nx, times.shape[0], times.shape[1]), unique.T, charge / sigma)
