"""Which spectrum each pixel belongs to, and the wavelength there, by an `arc` reference.

Along every column a pixel belongs to the spectrum whose trace passes nearest, within a pixel: traces of neighbouring
columns of lenslets are 2 px apart. A spectrum reaches from half to half of the filter's transmission; where those that
follow each other on a line of pixels overlap, the nearer trace has the pixel. Not modelled: that a pixel holds light of
several spectra, which only an extraction takes apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from numpy.polynomial.legendre import legvander

from iris_contract import Subarray
from iris_contract.dq import has

__all__ = ["NO_LENSLET", "map_pixels"]

NO_LENSLET = -1
"""Number of the lenslet of pixels that belong to none."""
_REACH = 1.0  # px from a trace

Double = npt.NDArray[np.float64]


def map_pixels(
    solution: Mapping[str, npt.NDArray[Any]], limits: tuple[float, float], region: Subarray
) -> tuple[Double, npt.NDArray[np.int32]]:
    """Return wavelength nm and number of the lenslet, from 0 in the rows of `solution`, of each pixel (ny, nx).

    `solution` is the content of an `arc` reference, `limits` nm (2,) between which a spectrum reaches. Pixels of no
    spectrum have NaN and NO_LENSLET, as have those of lenslets flagged DO_NOT_USE.
    """
    wavelength = np.full(region.shape, np.nan)
    lenslet = np.full(region.shape, NO_LENSLET, dtype=np.int32)
    distance = np.full(region.shape, np.inf, dtype=np.float32)
    for n in np.flatnonzero(~has(solution["DQ"], "DO_NOT_USE")).tolist():
        column, row, nm = _trace(solution, n, limits, region)
        below = np.floor(row).astype(np.intp)
        for y in (below, below + 1):
            off = np.abs(row - y)
            seen = (y >= 0) & (y < region.ysize) & (off <= _REACH)
            at = y[seen], column[seen]
            nearer = off[seen] < distance[at]
            at = at[0][nearer], at[1][nearer]
            distance[at], wavelength[at], lenslet[at] = off[seen][nearer], nm[seen][nearer], n
    return wavelength, lenslet


def _trace(
    solution: Mapping[str, npt.NDArray[Any]], n: int, limits: tuple[float, float], region: Subarray
) -> tuple[npt.NDArray[np.intp], Double, Double]:
    """Return columns and rows px of the region along the trace of a lenslet, and the wavelengths nm there, all (m,)."""
    ends = np.asarray(solution["DOMAIN"][n])
    corner = region.xstart - 1, region.ystart - 1
    first, last = (int(np.clip(end - corner[0], -1, region.xsize)) for end in (np.ceil(ends[0]), np.floor(ends[1])))
    column = np.arange(max(first, 0), min(last, region.xsize - 1) + 1)
    u = (2 * (column + corner[0]) - ends.sum()) / np.ptp(ends)
    nm = legvander(u, solution["COEFFS"].shape[1] - 1) @ solution["COEFFS"][n]
    row = legvander(u, solution["TRACE"].shape[1] - 1) @ solution["TRACE"][n] - corner[1]
    lit = (nm >= limits[0]) & (nm <= limits[1])
    return column[lit], row[lit], nm[lit]
