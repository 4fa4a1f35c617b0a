"""Where the lines of every spectrum fall: the designed places, and what has been measured of them so far.

Columns are those of the model that the physical solver holds (a smooth field, an offset and a scale of each spectrum's
own on the designed rays); rows have a smooth field too, and of each spectrum's own an offset and an inclination.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from iris_reduction.wavelength.field import Place, SmoothField
from iris_reduction.wavelength.mixed import MixedFit, Observations, fit_mixed

__all__ = ["LinePlaces", "Measured", "fit_places"]

Double = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]
_FIELD = SmoothField()


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """Measured lines (k,): spectrum, wavelength in nm, column, row and their errors in px."""

    spectrum: Index
    wavelength: Double
    x: Double
    y: Double
    x_error: Double
    y_error: Double


@dataclass(frozen=True, slots=True, eq=False)
class LinePlaces:
    """Models of columns and rows; `place` are the spectra in the field."""

    place: Place
    along: MixedFit
    across: MixedFit

    def predict(self, spectrum: Index, wavelength: Double) -> tuple[Double, Double]:
        """Return columns and rows (k,) of wavelengths in nm of spectra."""
        fixed, own = _make_terms(self.place, spectrum, wavelength)
        x, y = self.place.spectra.trace(spectrum, wavelength)
        along, across = (fit.propagate(spectrum, fixed, own)[0] for fit in (self.along, self.across))
        return x + along, y + across

    @property
    def agreed(self) -> npt.NDArray[np.bool_]:
        """Lines (k,) that agree with both models."""
        return self.along.used & self.across.used


def fit_places(place: Place, lines: Measured) -> LinePlaces:
    """Return the models; raise InputError where there are no lines."""
    spectra, group = place.spectra, lines.spectrum
    fixed, own = _make_terms(place, group, lines.wavelength)
    x, y = spectra.trace(group, lines.wavelength)

    def fit(value: Double, error: Double) -> MixedFit:
        return fit_mixed(Observations(value, error, group, len(spectra.x), fixed, _FIELD.variances, own))

    return LinePlaces(place, fit(lines.x - x, lines.x_error), fit(lines.y - y, lines.y_error))


def _make_terms(place: Place, spectrum: Index, wavelength: Double) -> tuple[Double, Double]:
    """Return terms of the field (k, p) and of spectra (k, 2)."""
    t = place.scale(wavelength)
    fixed = _FIELD.evaluate(place.xi[spectrum], place.eta[spectrum], t)
    return fixed, np.stack([np.ones_like(t), t], axis=1)
