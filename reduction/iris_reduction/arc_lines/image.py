"""What the lines of a lamp are measured on: a rate image, lamp off subtracted, with its noise and flags.

Noise: photons make the variance of a rate grow with the rate, by one slope for all pixels, from a floor that read noise
leaves. Weights follow the variance of the *model*, floor + slope x model, since a pixel's own error follows its own
noise and would bias. A pixel whose stated variance is twice that keeps its stated one as floor: it was measured with
fewer reads. Not modelled: covariance of neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.ndimage import label, maximum_filter

from iris_contract import Subarray
from iris_contract.dq import has
from iris_reduction.calibration.frame import RateFrame

__all__ = ["ArcImage", "make_arc_image"]

Float = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Index = npt.NDArray[np.int64]
Spots = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]
_BRIGHT = 10.0  # significance of a spot
_SPREAD = 0.1  # of the peak that a pixel beside it has at least: a PSFlet of 1.2 px FWHM has 0.15
_RING = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], dtype=bool)


@dataclass(frozen=True, eq=False)
class ArcImage:
    """Light of one lamp: `rate` e-/s (ny, nx), `floor` and `slope` of its variance, pixels `usable` and `saturated`.

    `name` is the file in messages; `corner` (x, y) the column and row of the first pixel, from 0.
    """

    name: str
    lamp: str
    rate: Float
    floor: Float
    slope: float
    usable: Mask
    saturated: Mask
    corner: tuple[int, int]

    @cached_property
    def significance(self) -> Float:
        """Rate over its error (ny, nx), between -3 and 30; 30 where saturated, 0 where not usable."""
        error = np.sqrt(self.floor + np.float32(self.slope) * np.maximum(self.rate, 0))
        ratio = np.where(self.usable, np.clip(self.rate / error, -3, 30), 0)
        return np.where(self.saturated, np.float32(30), ratio).astype(np.float32)

    @cached_property
    def spots(self) -> Spots:
        """Columns, rows and brightness e-/s (k,) of bright spots; saturated ones are as bright as any.

        The significance of bright lines is capped, so a flat top is one spot. What lights one pixel alone is a hit.
        """
        shown = self.significance
        tops, number = label((shown >= _BRIGHT) & (shown == maximum_filter(shown, 3)), np.ones((3, 3)))
        row, column = np.nonzero(tops)
        spot = tops[row, column] - 1
        light = np.where(self.saturated, self.rate.max(), self.rate)
        beside = maximum_filter(light, footprint=_RING)
        heights, shoulders = np.zeros(number), np.zeros(number)
        np.maximum.at(heights, spot, light[row, column])
        np.maximum.at(shoulders, spot, beside[row, column])
        count = np.bincount(spot, minlength=number)
        x, y = (np.bincount(spot, place, number) / count for place in (column, row))
        spread = shoulders > _SPREAD * heights
        return x[spread] + self.corner[0], y[spread] + self.corner[1], heights[spread]

    def list_near(self, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> tuple[Index, Index]:
        """Return columns and rows (9, k) of the image in the 3 x 3 pixels about places on the detector px (k,)."""
        places = ((v - c, size) for v, c, size in zip((x, y), self.corner, self.rate.shape[::-1], strict=True))
        column, row = (np.clip(np.rint(v).astype(np.int64), 1, size - 2) for v, size in places)
        step = np.array([-1, 0, 1])
        return column + np.repeat(step, 3)[:, None], row + np.tile(step, 3)[:, None]

    def show_near(self, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> Float:
        """Return the largest significance (k,) in the 3 x 3 pixels about places px (k,)."""
        column, row = self.list_near(x, y)
        shown: Float = self.significance[row, column].max(axis=0)
        return shown

    def contains(self, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64], margin: float) -> Mask:
        """Tell which places on the detector lie in the image, `margin` px from its edges."""
        ny, nx = self.rate.shape
        column, row = x - self.corner[0], y - self.corner[1]
        inside: Mask = (column >= margin) & (column <= nx - 1 - margin) & (row >= margin) & (row <= ny - 1 - margin)
        return inside


def make_arc_image(name: str, lamp: str, on: RateFrame, off: RateFrame, region: Subarray) -> ArcImage:
    """Return what the lamp adds to `off`; a pixel without a measurement in either is not usable."""
    dq = on.dq | off.dq
    saturated = has(on.dq, "SATURATED") & ~has(dq, "REFERENCE_PIXEL", "NON_SCIENCE")
    usable = (on.error > 0) & (off.error > 0) & ~has(dq, "DO_NOT_USE", "NON_SCIENCE", "SATURATED", "REFERENCE_PIXEL")
    rate = np.where(usable, on.rate - off.rate, np.float32(0))
    variance = np.where(usable, on.error**2 + off.error**2, np.float32(1))
    level, slope = _describe_noise(rate[usable], variance[usable])
    expected = level + slope * np.maximum(rate, 0)
    floor = np.where(variance > 2 * expected, variance, np.float32(level)).astype(np.float32)
    return ArcImage(name, lamp, rate, floor, slope, usable, saturated, (region.xstart - 1, region.ystart - 1))


def _describe_noise(rate: Float, variance: Float) -> tuple[float, float]:
    """Return floor and slope of the variance against the rate."""
    if len(rate) == 0:
        return 1.0, 0.0
    faint = np.abs(rate) < 3 * np.sqrt(variance)
    level = float(np.median(variance[faint] if faint.any() else variance))
    bright = rate > 20 * np.sqrt(level)
    slope = float(np.median((variance[bright] - level) / rate[bright])) if bright.any() else 0.0
    return level, max(slope, 0.0)
