"""Level from which a pixel's raw DN no longer follow the light, from flats that fill the wells.

A ramp has reached its plateau where its last read rises by less than a twentieth of its steepest
step. The median over such ramps of the last reads is the plateau of the pixel; the level lies five
standard deviations of a single read below it (reset, read and common noise together, one number for
all from the scatter between ramps), so that hardly a full pixel is missed, at the price of 0.3 % of
the well. A pixel without plateau gets a low level: the 1 % quantile of those of its output.

Not modelled: a response that bends before the plateau (the linearity correction's), light on the
pixel alone, which plateaus lower by what its neighbours take (see `kernels.saturation`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from iris_contract.errors import InputError
from iris_reduction.blocks import split_rows

__all__ = ["find_plateaus", "measure_levels"]

Float = npt.NDArray[np.float32]
_FLAT = 0.05  # of the steepest step
_STEEP = 100.0  # DN, below which a ramp has no slope to compare with
_MARGIN = 5.0  # standard deviations
_LOW = 0.01  # quantile


def find_plateaus(reads: npt.NDArray[np.uint16]) -> Float:
    """Return the last read of each ramp in DN (ny, nx, ngroups), NaN where it lies on no plateau.

    `reads` raw DN (ny, nx, ngroups, nreads).
    """
    return np.concatenate([_find(reads[rows].astype(np.float32)) for rows in split_rows(reads.shape)])


def _find(reads: Float) -> Float:
    steps = np.diff(reads, axis=-1)
    steepest = np.median(steps.max(axis=-1), axis=-1)[:, :, None]  # over ramps, against cosmic rays
    full = (steps[..., -1] < _FLAT * steepest) & (steepest > _STEEP)
    return np.where(full, reads[..., -1], np.float32(np.nan))


def measure_levels(
    plateaus: Sequence[Float], usable: npt.NDArray[np.bool_], outputs: npt.NDArray[np.int64]
) -> tuple[Float, npt.NDArray[np.bool_]]:
    """Return the level of each pixel in DN and where it was measured, (ny, nx).

    `plateaus` DN (ny, nx, ngroups) of each exposure; `usable` (ny, nx) leaves out reference pixels;
    `outputs` (nx,) is the output of each column. Raises InputError where less than half of the usable
    pixels reach a plateau, or none twice.
    """
    values = np.concatenate(plateaus, axis=2)
    number = np.isfinite(values).sum(axis=2)
    measured = usable & (number > 0)
    if 2 * np.count_nonzero(measured) < np.count_nonzero(usable) or not (number[measured] > 1).any():
        raise InputError("less than half of the pixels saturate: needs brighter or longer flats", key="CALLAMP")
    level = np.zeros(usable.shape, np.float32)
    level[measured] = np.nanmedian(values[measured], axis=1)
    several = measured & (number > 1)
    typical = (1 - 2 / (9 * (number[several] - 1))) ** 3  # median over mean of chi-square: Wilson & Hilferty 1931
    variance = np.median(np.nanvar(values[several], axis=1, ddof=1) / typical)
    level -= np.float32(_MARGIN * np.sqrt(variance))
    for output in np.unique(outputs):
        mine = (outputs == output)[None, :]
        known = level[measured & mine]
        level[~measured & mine] = np.quantile(known if known.size else level[measured], _LOW)
    return level, measured
