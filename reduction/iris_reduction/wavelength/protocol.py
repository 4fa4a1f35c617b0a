"""What solves for the wavelength, and what it takes and returns.

The solution of a spectrum is a Legendre series in nm of u = (2 x - x_first - x_last) / (x_last - x_first), x the
detector's column counted from 0, over its domain (x_first, x_last), where its filter passes light.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from iris_contract.lenslet import GratingSetting, trace_rays
from iris_reduction.plugin import Mismatch, compare_array, describe

__all__ = ["ArcLines", "Spectra", "WavelengthSolution", "WavelengthSolver", "compare_result"]

Double = npt.NDArray[np.float64]


class ArcLines(NamedTuple):
    """Measured lines (m,): number of the spectrum, vacuum nm, column in px, its standard error in px, and exposure.

    Exposures are numbered from 0; flexure moves all lines of one together. The same line of a spectrum may be measured
    several times. All are expected to be what they are called, but for a few that a solver has to find out.
    """

    spectrum: npt.NDArray[np.int64]
    wavelength: Double
    x: Double
    error: Double
    exposure: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Spectra:
    """The n spectra of a mode, as designed but for their domain, which the measurement of lines has found out.

    `along`, `across` px (n,): the lenslets' places in their array (`Lattice`); `limits` nm: between which the filter
    passes light; `domain` px (n, 2): the columns of these.
    """

    setting: GratingSetting
    along: Double
    across: Double
    limits: tuple[float, float]
    domain: Double

    def trace(self, spectrum: npt.NDArray[np.int64], wavelength: Double) -> tuple[Double, Double]:
        """Return columns and rows (k,) where the design puts wavelengths in nm (k,) of spectra (k,)."""
        return trace_rays(self.setting, self.along[spectrum], self.across[spectrum], wavelength)


@dataclass(frozen=True, slots=True, eq=False)
class WavelengthSolution:
    """Legendre coefficients in nm (n, ncoeff), their covariance in nm2 (n, ncoeff, ncoeff), and what they come of.

    `span` px (n, 2): first and last column between lines used, twice the middle of the domain where there are none;
    `rms` px (n,) of the lines used, 0 without; `nlines` (n,); `dq` uint32 (n,): UNRELIABLE_WS where offset or scale
    come of neighbours, also DO_NOT_USE where not even they could tell; `used` bool (m,): lines used. `common` nm2
    (ncoeff, ncoeff): the part of the covariance that is an error of all spectra together; None where nothing is said.
    """

    coeffs: Double
    covariance: Double
    span: Double
    rms: Double
    nlines: npt.NDArray[np.int32]
    dq: npt.NDArray[np.uint32]
    used: npt.NDArray[np.bool_]
    common: Double | None = None


class WavelengthSolver(Protocol):
    """A function that solves for the wavelength of every spectrum; raises InputError where the lines do not suffice."""

    def __call__(self, lines: ArcLines, spectra: Spectra) -> WavelengthSolution:
        """Solve for every spectrum."""
        ...


def compare_result(found: Any, like: tuple[int, int]) -> Mismatch:
    """Tell where a result is no WavelengthSolution of `like`: numbers of spectra and of lines."""
    if not isinstance(found, WavelengthSolution):
        return describe(found), "a WavelengthSolution"
    (number, lines), terms = like, np.shape(found.coeffs)[1:]
    if len(terms) != 1:
        return f"coeffs as {describe(found.coeffs)}", f"float64 {(number, 'ncoeff')}"
    parts: dict[str, tuple[Any, tuple[int, ...]]] = {
        "coeffs": (np.float64, (number, *terms)),
        "covariance": (np.float64, (number, *terms, *terms)),
        "span": (np.float64, (number, 2)),
        "rms": (np.float64, (number,)),
        "nlines": (np.int32, (number,)),
        "dq": (np.uint32, (number,)),
        "used": (np.bool_, (lines,)),
    }
    if found.common is not None:
        parts["common"] = np.float64, (*terms, *terms)
    compared = (compare_array(name, getattr(found, name), *wanted) for name, wanted in parts.items())
    return next(filter(None, compared), None)
