"""Where a wavelength of a lenslet truly falls: the truth's nodes, joined by cubic splines over the wavelength.

A solution is judged by asking where the wavelength that it gives for a column falls in truth: the distance from that
column is its error in px, exactly and without dividing by a dispersion. Beyond the nodes, where the filter passes less
than a thousandth, the last cubics go on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from scipy.interpolate import CubicSpline

from iris_contract.lenslet import SpectrographTruth

__all__ = ["TruePlaces"]

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class TruePlaces:
    """Splines of n lenslets between the nodes `wave` nm (nnode,), moved by `shift` px in x and y (2,).

    `cubics` (4, nnode - 1, n, 2): coefficients of x and y in each piece, highest power first.
    """

    wave: Array
    cubics: Array
    shift: Array

    @classmethod
    def of(cls, truth: SpectrographTruth, shift: npt.ArrayLike) -> Self:
        """Join the nodes of `truth`; `shift` px (2,) is the flexure of the moment that is meant."""
        spline = CubicSpline(truth.wave, np.stack([truth.x, truth.y], axis=-1), axis=1)
        return cls(truth.wave, spline.c, np.asarray(shift, dtype=np.float64))

    def find(self, lenslet: npt.NDArray[Any] | int, wavelength: Array) -> tuple[Array, Array]:
        """Return x and y px (m,) of wavelengths nm (m,) of lenslets, numbers (m,) or one for all."""
        place, _ = self._evaluate(lenslet, wavelength)
        return place[:, 0], place[:, 1]

    def trace(self, lenslet: int, wavelength: Array) -> tuple[Array, Array, Array]:
        """Return x and y px (m,) of wavelengths nm (m,) of one lenslet, and how x grows with them, px/nm."""
        place, growth = self._evaluate(lenslet, wavelength)
        return place[:, 0], place[:, 1], growth[:, 0]

    def _evaluate(self, lenslet: npt.NDArray[Any] | int, wavelength: Array) -> tuple[Array, Array]:
        piece = np.clip(np.searchsorted(self.wave, wavelength, side="right") - 1, 0, len(self.wave) - 2)
        t = (wavelength - self.wave[piece])[:, None]
        c3, c2, c1, c0 = self.cubics[:, piece, lenslet]
        return ((c3 * t + c2) * t + c1) * t + c0 + self.shift, (3 * c3 * t + 2 * c2) * t + c1
