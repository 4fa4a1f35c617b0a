"""A raw exposure beside its truth, in electrons, output by output.

Gain, defects, hits and rates are the true ones: the simulator is judged, not a calibration. Signals
are measured against the reference pixels, as an observatory would.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from iris_contract import DQ, Ramp, Truth
from iris_contract.dq import has
from iris_contract.errors import LayoutError, ManifestError
from iris_contract.manifest import ManifestRow

__all__ = ["RawEvidence", "read_evidence", "read_raw"]

Cube = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

EVEN = 1.5  # an exposure is evenly lit where the brightest scene rate is below this multiple of the faintest
DEFECTS = sum(DQ[name] for name in ("DEAD", "HOT", "WARM", "LOW_QE", "TELEGRAPH"))


@dataclass(frozen=True, slots=True)
class RawEvidence:
    """The reads of one exposure and what is true of them; planes (ny, nx)."""

    row: ManifestRow
    ramp: Ramp
    truth: Truth

    @property
    def times(self) -> npt.NDArray[np.float64]:
        """Seconds from each reset, (ramps, reads)."""
        return self.ramp.times

    @property
    def light(self) -> Mask:
        """Light-sensitive pixels."""
        return np.asarray(~self.ramp.region().reference_pixels(self.ramp.detector))

    @property
    def good(self) -> Mask:
        """Light-sensitive pixels without defect, hit or saturation."""
        return np.asarray(np.equal(self.truth.cause, 0))

    @property
    def sound(self) -> Mask:
        """Good pixels and those that are only saturated, in some read."""
        return np.asarray((self.truth.cause & ~np.uint32(DQ["SATURATED"])) == 0)

    @property
    def defective(self) -> Mask:
        """Light-sensitive pixels with a defect that stays, or that switched."""
        return np.asarray(self.light & ((self.truth.cause & np.uint32(DEFECTS)) != 0))

    @property
    def is_dark(self) -> bool:
        """Whether no light fell on the detector."""
        return not self.truth.rate_scene.any()

    @property
    def is_even(self) -> bool:
        """Whether the whole region was lit, evenly."""
        lit = self.truth.rate_scene[self.light]
        return bool(lit.size and lit.min() > 0 and lit.max() < EVEN * lit.min())

    def outputs(self) -> Iterator[slice]:
        """Yield the columns of each output that the region crosses."""
        numbers = self.ramp.region().output_of_column(self.ramp.detector)
        edges = [0, *(np.flatnonzero(np.diff(numbers)) + 1), len(numbers)]
        for low, high in pairwise(edges):
            yield slice(int(low), int(high))

    def electrons(self, columns: slice, rows: slice = slice(None)) -> Cube:
        """Return e- (rows, columns, ramps, reads) above an arbitrary level of each pixel's own."""
        gain = self.truth.gain[rows, columns, None, None]
        return np.asarray(self.ramp.reads[rows, columns] * gain, dtype=np.float32)

    def average(self, weights: npt.NDArray[np.float64], mask: Mask) -> npt.NDArray[np.float64]:
        """Return the signal e- per pixel (ny, nx) that `weights` (reads), of sum 0, make of the mean ramp.

        The level of the reference pixels is taken out; outside `mask` the signal is NaN.
        """
        signal = np.full(mask.shape, np.nan)
        for columns in self.outputs():
            signal[:, columns] = (self.electrons(columns) @ weights.astype(np.float32)).mean(axis=-1)
        return np.where(mask, signal - self._find_levels(signal), np.nan)

    def _find_levels(self, signal: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return the level e- of each column (nx,) that its output's reference pixels show.

        Side columns see the same rows as light does, but belong to one output or two; by how much another
        output differs, the rows above or below tell, where the noise that all have in common cancels.
        """
        border = ~self.light & ~has(self.truth.cause, "BAD_REF_PIXEL")
        in_rows, in_columns = np.any(self.light, axis=1), np.any(self.light, axis=0)
        side, rows = border & in_rows[:, None] & ~in_columns[None, :], border & ~in_rows[:, None]
        shared = side.any()
        levels = np.full(len(in_columns), signal[side].mean() if shared else 0.0)
        known = [(columns, rows[:, columns], side[:, columns].any()) for columns in self.outputs()]
        if all(mine.any() for _, mine, _ in known):
            own = [signal[:, columns][mine].mean() for columns, mine, _ in known]
            origin = np.mean([level for level, (*_, beside) in zip(own, known, strict=True) if beside]) if shared else 0
            for level, (columns, *_) in zip(own, known, strict=True):
                levels[columns] += level - origin
        return levels


def read_raw(run: Path, row: ManifestRow, number: int = 0) -> tuple[Ramp, str]:
    """Read the raw file `number` of a row and return it with its SHA-256; raises LayoutError or ManifestError."""
    path = (run / row.raw[number]).resolve()
    if not path.is_relative_to(run.resolve()):
        raise ManifestError("path leaves the run directory", file=run, key="raw", value=row.raw[number])
    return Ramp.read(path), row.raw_sha256[number]


def read_evidence(run: Path, row: ManifestRow) -> RawEvidence:
    """Read a raw exposure and its truth; raises LayoutError or ManifestError."""
    (ramp, digest), truth = read_raw(run, row), Truth.read(row.path(run, "truth"))
    if truth.raw_sha256 != digest:
        raise ManifestError("truth belongs to another raw file", file=row.truth, key="RAWSHA", value=truth.raw_sha256)
    if truth.cause.shape != ramp.reads.shape[:2]:
        raise LayoutError(
            f"truth has the shape {truth.cause.shape}", file=row.raw[0], key="DATA", value=ramp.reads.shape
        )
    return RawEvidence(row, ramp, truth)
