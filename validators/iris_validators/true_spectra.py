"""Spectra as they truly lie on the detector at one moment, and which of them a region holds whole.

A lenslet is judged where its spectrum, as built and moved by flexure, lies between half transmissions on
light-sensitive pixels of the region, with a pixel to spare: one on the brink is complete by the toss of the noise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from iris_contract import Subarray, load_instrument
from iris_contract.frames import read_region
from iris_contract.lenslet import LensletMode, SpectrographTruth, load_passband
from iris_validators.evidence import Window, describe_window
from iris_validators.true_places import TruePlaces

__all__ = ["TrueSpectra", "match_lenslets"]

TO_SPARE = 1.0
"""How far in px inside the edge a spectrum must end to be judged."""
_NODES = 129  # along a spectrum, whose row bends by less than 5e-4 px between two of them
_FEW = 9  # of them, which tell where a spectrum leaves the region between its ends

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)  # no slots, for what is computed once
class TrueSpectra:
    """The n lenslets of `truth`, `places` at one moment, seen in `region`; only what lies in `window` counts."""

    mode: LensletMode
    truth: SpectrographTruth
    places: TruePlaces
    region: Subarray
    window: Subarray | None = None

    @property
    def condition(self) -> str:
        """The condition that samples are of: all that selection tells settings apart by."""
        mode = self.mode
        parts = [f"filter={mode.filter}", f"grating={mode.grating}", f"scale={mode.scale:g}", f"mask={mode.mask}"]
        return " ".join(parts if mode.column is None else [*parts, f"column={mode.column}"])

    def cut(self, window: Window) -> Self:
        """Return those of a part of the region: lenslets whose spectra have their middle there."""
        return replace(self, window=read_region(describe_window(self.region, window)))

    @cached_property
    def ends(self) -> tuple[Array, Array]:
        """True x and y px (n, 2) of half transmission at both ends of each spectrum."""
        limits, lenslets = load_passband(self.mode.filter).half, np.arange(len(self.truth.column))
        found = [self.places.find(lenslets, np.full(len(lenslets), end)) for end in limits]
        x, y = (np.stack(pair, axis=1) for pair in zip(*found, strict=True))
        return x, y

    @cached_property
    def good(self) -> Mask:
        """Lenslets (n,) that are judged."""
        x, y = self.ends
        detector = load_instrument().detector("IFU")
        border, last = detector.reference_border, detector.size - 1 - detector.reference_border
        left, right = max(self.region.xstart - 1, border), min(self.region.xstart + self.region.xsize - 2, last)
        low, high = max(self.region.ystart - 1, border), min(self.region.ystart + self.region.ysize - 2, last)
        whole = (x[:, 0] >= left + TO_SPARE) & (x[:, 1] <= right - TO_SPARE)
        whole &= ((y >= low + TO_SPARE) & (y <= high - TO_SPARE)).all(axis=1)
        for wavelength in self._between(_FEW):
            row = self.places.find(np.arange(len(whole)), np.full(len(whole), wavelength))[1]
            whole &= (row >= low + TO_SPARE) & (row <= high - TO_SPARE)
        return whole & self.lies_within(x.mean(axis=1), y.mean(axis=1))

    def lies_within(self, x: Array, y: Array) -> Mask:
        """Tell which places px (m,) lie in the window; without one, all do, even those that are NaN."""
        if self.window is None:
            return np.ones(x.shape, dtype=bool)
        left, low = self.window.xstart - 1.5, self.window.ystart - 1.5  # where its first pixel begins
        across, up = x - left, y - low
        return (across >= 0) & (across < self.window.xsize) & (up >= 0) & (up < self.window.ysize)

    def find_rows(self, lenslet: int, column: Array) -> Array:
        """Return the rows px (m,) in which the trace of a lenslet passes columns (m,) between its ends."""
        x, y = self.places.find(lenslet, self._nodes)
        return np.interp(column, x, y)

    @cached_property
    def _nodes(self) -> Array:
        return self._between(_NODES)

    def _between(self, number: int) -> Array:
        return np.linspace(*load_passband(self.mode.filter).half, number)

    def find_lenslets(self, column: npt.NDArray[Any], row: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
        """Return the number in truth (m,) of lenslets, -1 where truth has none there."""
        return match_lenslets(self.truth.column, self.truth.row, column, row)


def match_lenslets(
    columns: npt.NDArray[Any], rows: npt.NDArray[Any], column: npt.NDArray[Any], row: npt.NDArray[Any]
) -> npt.NDArray[np.intp]:
    """Return where in a list of lenslets, `columns` and `rows`, each of others stands, -1 where it does not."""
    width = 1 + int(max(columns.max(initial=0), column.max(initial=0)))
    have, want = (r.astype(np.int64) * width + c for c, r in ((columns, rows), (column, row)))
    order = np.argsort(have, kind="stable")
    at = np.minimum(np.searchsorted(have[order], want), len(have) - 1)
    return np.where(have[order][at] == want, order[at], -1)
