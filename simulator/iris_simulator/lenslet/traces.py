"""Wavelength and row along the columns of each spectrum, quick to evaluate: Chebyshev series of the exact map.

The exact map (`iris_simulator.lenslet.train`) is inverted at Chebyshev nodes over the whole detector and a little
more; the series through them agree with it to 1e-9 nm and 1e-8 px. They are a matter of speed and no model: nothing
of them is written. Source: Trefethen, Approximation Theory and Approximation Practice, 3.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from numba import njit

from iris_simulator.lenslet.as_built import SpectrographAsBuilt

__all__ = ["FIRST", "LAST", "Traces", "evaluate", "trace_spectra"]

Float = npt.NDArray[np.float64]

FIRST, LAST = -96.0, 4192.0
"""Columns between which light is followed; what falls beyond is lost on the walls."""
_NODES = 14


@dataclass(frozen=True, slots=True, eq=False)
class Traces:
    """Chebyshev coefficients (n, ncoeff) of `wavelength` nm and `row` px; u goes from -1 at FIRST to 1 at LAST."""

    wavelength: Float
    row: Float


@lru_cache(maxsize=4)
def trace_spectra(built: SpectrographAsBuilt) -> Traces:
    """Return the traces of all lenslets, without flexure."""
    angle = np.pi * (np.arange(_NODES) + 0.5) / _NODES
    x = FIRST + (LAST - FIRST) * (1 + np.cos(angle)) / 2
    wavelength = built.wavelength_at(slice(None), x[:, None])
    row = built.place(slice(None), wavelength)[1]
    transform = 2 / _NODES * np.cos(np.arange(_NODES)[:, None] * angle)
    transform[0] /= 2
    return Traces(np.ascontiguousarray((transform @ wavelength).T), np.ascontiguousarray((transform @ row).T))


@njit(nogil=True)
def evaluate(coefficients, x):  # type: ignore[no-untyped-def]
    """Return one series (ncoeff,) at column x: Clenshaw's recurrence."""
    u = (2 * x - FIRST - LAST) / (LAST - FIRST)
    b1 = b2 = 0.0
    for k in range(coefficients.size - 1, 0, -1):
        b1, b2 = 2 * u * b1 - b2 + coefficients[k], b1
    return u * b1 - b2 + coefficients[0]
