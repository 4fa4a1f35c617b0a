"""What measures the linearity of pixels, and what it returns.

A pixel of a linear detector would show S_lin = S * (1 + sum_k c_k (S/S0)^(k+1)) DN where this one
shows S DN above the pedestal of its ramp. The c_k are its coefficients; S0, the norm, is common to
all pixels. The correction tends to 1 at low signal, where the conversion gain is defined.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from iris_reduction.plugin import Mismatch, compare_array, describe

__all__ = ["FlatRamps", "LinearityFit", "LinearityFitter", "compare_result"]

Float32: TypeAlias = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class FlatRamps:
    """Ramps of one exposure under light that is constant within each ramp.

    `reads` uint16 or float32 DN (ny, nx, ngroups, nreads), `times` s (ngroups, nreads) from the reset;
    `read_dq` uint8 like `reads` or None: reads with DO_NOT_USE are left out, so are all of a ramp from
    the first one with SATURATED.
    """

    reads: npt.NDArray[np.uint16] | npt.NDArray[np.float32]
    times: npt.NDArray[np.float64]
    read_dq: npt.NDArray[np.uint8] | None = None


@dataclass(frozen=True, slots=True)
class LinearityFit:
    """Coefficients and their standard errors, float32 (ny, nx, ncoeff), and flags, uint32 (ny, nx).

    NONLINEAR is set where a pixel could not be measured; its coefficients are then the best guess.
    """

    coeffs: Float32
    errors: Float32
    dq: npt.NDArray[np.uint32]


class LinearityFitter(Protocol):
    """A function that measures linearity; raises InputError where nothing can be measured.

    exposures: one or more of the same region; may be gone through more than once, and each is made anew then:
    keep none where they are many and large. usable: bool (ny, nx), pixels that may be measured;
    others get coefficients 0. norm: S0 in DN, the largest signal for which the result must hold.
    """

    def __call__(self, exposures: Iterable[FlatRamps], usable: npt.NDArray[np.bool_], *, norm: float) -> LinearityFit:
        """Measure every usable pixel."""
        ...


def compare_result(fit: Any, shape: tuple[int, int]) -> Mismatch:
    """Tell where a result is no LinearityFit of an image of `shape` (ny, nx)."""
    if not isinstance(fit, LinearityFit):
        return describe(fit), "a LinearityFit"
    terms = np.shape(fit.coeffs)[2:]
    if len(terms) != 1:
        return f"coeffs as {describe(fit.coeffs)}", f"float32 {(*shape, 'ncoeff')}"
    planes = (("coeffs", np.float32, terms), ("errors", np.float32, terms), ("dq", np.uint32, ()))
    found = (compare_array(name, getattr(fit, name), dtype, (*shape, *more)) for name, dtype, more in planes)
    return next(filter(None, found), None)
