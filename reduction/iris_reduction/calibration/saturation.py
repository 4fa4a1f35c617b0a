"""Level from which a pixel's raw DN no longer follow the light, from flats that fill the wells.

A ramp has reached its plateau where its last read rises by less than a twentieth of its steepest
step. The median over such ramps of the last reads is the plateau of the pixel; the level lies five
standard deviations of a single read below it (reset, read and common noise together, one number for
all from the scatter between ramps), so that hardly a full pixel is missed, at the price of 0.3 % of
the well. A pixel without plateau gets a low level: the 1 % quantile of those of its output.

Exposures are looked at one by one; of each ramp only the last read is kept, 2 bytes.

Not modelled: a response that bends before the plateau (the linearity correction's), light on the
pixel alone, which plateaus lower by what its neighbours take (see `kernels.saturation`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from iris_contract.errors import InputError
from iris_reduction.blocks import map_rows

__all__ = ["find_plateaus", "measure_levels"]

Float = npt.NDArray[np.float32]
Plateaus = npt.NDArray[np.uint16]
_FLAT = 0.05  # of the steepest step
_STEEP = 100.0  # DN, below which a ramp has no slope to compare with
_MARGIN = 5.0  # standard deviations
_LOW = 0.01  # quantile


def find_plateaus(reads: Plateaus) -> Plateaus:
    """Return the last read of each ramp in DN (ny, nx, ngroups), 0 where it lies on no plateau.

    `reads` raw DN (ny, nx, ngroups, nreads).
    """
    return np.concatenate(map_rows(lambda rows: _find(reads[rows]), reads.shape))


def _find(reads: Plateaus) -> Plateaus:
    steps = np.diff(reads.astype(np.float32), axis=-1)
    steepest = np.median(steps.max(axis=-1), axis=-1)[:, :, None]  # over ramps, against cosmic rays
    full = (steps[..., -1] < _FLAT * steepest) & (steepest > _STEEP)
    return np.where(full, reads[..., -1], np.uint16(0))


def measure_levels(
    plateaus: Sequence[Plateaus], usable: npt.NDArray[np.bool_], outputs: npt.NDArray[np.int64]
) -> tuple[Float, npt.NDArray[np.bool_]]:
    """Return the level of each pixel in DN and where it was measured, (ny, nx).

    `plateaus` (ny, nx, ngroups) of each exposure as found; `usable` (ny, nx) leaves out reference pixels;
    `outputs` (nx,) is the output of each column. Raises InputError where less than half of the usable
    pixels reach a plateau, or none twice.
    """
    shape = (*usable.shape, sum(part.shape[2] for part in plateaus))
    level, scatter = np.zeros(usable.shape, np.float32), np.full(usable.shape, np.nan, np.float32)

    def measure(rows: slice) -> None:
        level[rows], scatter[rows] = _measure(np.concatenate([part[rows] for part in plateaus], axis=2))

    map_rows(measure, shape)
    measured = usable & (level > 0)
    scatter = scatter[measured & np.isfinite(scatter)]
    if 2 * np.count_nonzero(measured) < np.count_nonzero(usable) or not scatter.size:
        raise InputError("less than half of the pixels saturate: needs brighter or longer flats", key="CALLAMP")
    level[measured] -= np.float32(_MARGIN * np.sqrt(np.median(scatter)))
    for output in np.unique(outputs):
        mine = (outputs == output)[None, :]
        known = level[measured & mine]
        level[~measured & mine] = np.quantile(known if known.size else level[measured], _LOW)
    return level, measured


def _measure(plateaus: Plateaus) -> tuple[Float, Float]:
    """Return the median over the ramps that reach a plateau, 0 without, and their variance DN^2, NaN below two.

    The variance is such that its median over pixels is that of a single read: over the median of chi-square.
    """
    values = np.sort(plateaus, axis=2).astype(np.float64)  # those without a plateau come first
    number = np.count_nonzero(values, axis=2)
    last = values.shape[2] - 1
    places = (last - number // 2, last - (np.maximum(number, 1) - 1) // 2)
    low, high = (np.take_along_axis(values, place[:, :, None], axis=2)[:, :, 0] for place in places)
    found = values > 0
    several = np.where(number > 1, number, np.nan)
    mean = values.sum(axis=2) / several
    variance = (found * (values - mean[:, :, None]) ** 2).sum(axis=2) / (several - 1)
    typical = (1 - 2 / (9 * (several - 1))) ** 3  # median over mean of chi-square: Wilson & Hilferty 1931
    return np.where(number > 0, (low + high) / 2, 0.0).astype(np.float32), (variance / typical).astype(np.float32)
