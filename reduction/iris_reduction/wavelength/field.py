"""Smooth functions of a lenslet's place in the field and of the wavelength: products of powers, with known sizes.

A term is xi^a eta^b t^k, with xi and eta the lenslet's place in its array from the middle, in half the detector's
width, and t the designed distance along dispersion from the middle of the filter in half its length, so all lie
within about -1..1. A spectrograph is built to tolerances: each term has an a-priori size in px, below which nothing is
known of it. So a fit needs no more lines than it has, and terms that a small sub-array cannot tell apart share what it
can. Errors of optics are smooth in the place where light falls, whichever lenslet and wavelength it is of: a filter
that is h times half the detector long sees the power k of it times h^k, so the size of a term is that of its total
power a + b + k times h^k. Sizes [C] are, half the detector from its middle: a grating half a milliradian off; three
times what a turn by a milliradian or a scale off by a thousandth leaves, 2 px; three times an inclination by a
milliradian, 0.18 px, and what a filter off the axis has of the next; a distortion of a thousandth, 2 px; and what is
decentred of that. Not modelled: structure finer than the fourth power across the field.
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
_SIZES = (20.0, 6.0, 1.0, 2.0, 0.6)  # px half a detector from its middle, for each total power
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
    """The terms up to `degrees` of the place, one for each power of the wavelength."""

    degrees: tuple[int, ...] = DEGREES

    @property
    def powers(self) -> list[tuple[int, int, int]]:
        """Powers of xi, eta and t of each term."""
        return [
            (total - b, b, k)
            for k, degree in enumerate(self.degrees)
            for total in range(degree + 1)
            for b in range(total + 1)
        ]

    def find_variances(self, place: Place) -> Double:
        """Return the a-priori variance in px2 of each term's coefficient (nterm,)."""
        length = place.half / _HALF
        return np.array([_SIZES[a + b + k] * length**k for a, b, k in self.powers]) ** 2

    def evaluate(self, xi: Double, eta: Double, t: Double) -> Double:
        """Return the terms (m, nterm) at m places and wavelengths."""
        return np.stack([xi**a * eta**b * t**k for a, b, k in self.powers], axis=-1)
