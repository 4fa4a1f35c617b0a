"""What solves for the wavelength, and what it takes and returns.

The solution of a spectrum is a Legendre series in nm of u = (2 x - x_first - x_last) / (x_last - x_first), x the
detector's column counted from 0, over its domain (x_first, x_last), where its filter passes light.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from iris_contract.lenslet import GratingSetting

__all__ = ["ArcLines", "Spectra", "WavelengthSolution", "WavelengthSolver"]

Double = npt.NDArray[np.float64]


class ArcLines(NamedTuple):
    """Measured lines (m,): number of the spectrum, vacuum nm, column in px, and its standard error in px.

    The same line of a spectrum may be measured several times. All are expected to be what they are called, but for a
    few that a solver has to find out.
    """

    spectrum: npt.NDArray[np.int64]
    wavelength: Double
    x: Double
    error: Double


@dataclass(frozen=True, slots=True, eq=False)
class Spectra:
    """The n spectra of a mode, as designed but for their domain, which the measurement of lines has found out.

    `x`, `y` px (n,): the lenslets' places at the central wavelength of `setting`; `limits` nm: between which the
    filter passes light; `domain` px (n, 2): the columns of these.
    """

    setting: GratingSetting
    x: Double
    y: Double
    limits: tuple[float, float]
    domain: Double


@dataclass(frozen=True, slots=True, eq=False)
class WavelengthSolution:
    """Legendre coefficients in nm (n, ncoeff), their covariance in nm2 (n, ncoeff, ncoeff), and what they come of.

    `span` px (n, 2): first and last column between lines used, twice the middle of the domain where there are none;
    `rms` px (n,) of the lines used, 0 without; `nlines` (n,); `dq` uint32 (n,): UNRELIABLE_WS where offset or scale
    come of neighbours, also DO_NOT_USE where not even they could tell; `used` bool (m,): lines used.
    """

    coeffs: Double
    covariance: Double
    span: Double
    rms: Double
    nlines: npt.NDArray[np.int32]
    dq: npt.NDArray[np.uint32]
    used: npt.NDArray[np.bool_]


class WavelengthSolver(Protocol):
    """A function that solves for the wavelength of every spectrum; raises InputError where the lines do not suffice."""

    def __call__(self, lines: ArcLines, spectra: Spectra) -> WavelengthSolution:
        """Solve for every spectrum."""
        ...
