"""Smooth functions of a lenslet's place in the field and of the wavelength: products of powers, with known sizes.

A term is xi^a eta^b t^k, with xi and eta the lenslet's place in its array from the middle, in half the detector's
width, and t the designed distance along dispersion from the middle of the filter in half its length, so all lie
within about -1..1. A spectrograph is built to tolerances: each term has an a-priori size in px, below which nothing is
known of it. So a fit needs no more lines than it has, and terms that a small sub-array cannot tell apart share what it
can. The sizes [C] are some three times what alignment to a milliradian and a part in a thousand leaves. Not modelled:
structure finer than the fourth power across the field.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from iris_reduction.wavelength.protocol import Spectra

__all__ = ["DEGREES", "Place", "SmoothField", "make_place"]

Double = npt.NDArray[np.float64]
DEGREES = (4, 3, 2, 1)
"""Highest power of the place in the field, for each power of the wavelength."""
_SIZES = (20.0, 5.0, 0.5, 0.05)  # px, for each power of the wavelength
_DECAY = 2.0  # by which a further power of the place is smaller
_HALF = 2048.0  # px


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Where spectra are in the field, `xi`, `eta` (n,) of about 1; `middle` and `half` of the filter in px."""

    spectra: Spectra
    xi: Double
    eta: Double
    middle: float
    half: float

    def scale(self, wavelength: npt.ArrayLike) -> Double:
        """Return wavelengths in nm as t."""
        t: Double = (self.spectra.setting.disperse(wavelength) - self.middle) / self.half
        return t


def make_place(spectra: Spectra) -> Place:
    """Return the places of spectra in the field."""
    low, high = spectra.setting.disperse(np.array(spectra.limits))
    return Place(spectra, spectra.along / _HALF, spectra.across / _HALF, float(low + high) / 2, float(high - low) / 2)


@dataclass(frozen=True, slots=True)
class SmoothField:
    """The terms up to `degrees` of the place, one for each power of the wavelength, times `shrink` their usual size."""

    degrees: tuple[int, ...] = DEGREES
    shrink: float = 1.0

    @property
    def powers(self) -> list[tuple[int, int, int]]:
        """Powers of xi, eta and t of each term."""
        return [
            (total - b, b, k)
            for k, degree in enumerate(self.degrees)
            for total in range(degree + 1)
            for b in range(total + 1)
        ]

    @property
    def variances(self) -> Double:
        """A-priori variance in px2 of each term's coefficient (nterm,)."""
        sizes = [self.shrink * _SIZES[k] / _DECAY ** (a + b) for a, b, k in self.powers]
        return np.array(sizes) ** 2

    def evaluate(self, xi: Double, eta: Double, t: Double) -> Double:
        """Return the terms (m, nterm) at m places and wavelengths."""
        return np.stack([xi**a * eta**b * t**k for a, b, k in self.powers], axis=-1)
