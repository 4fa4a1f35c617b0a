"""Where the lines of every spectrum fall: the designed places, and what has been measured of them so far.

Columns are those of the model that the physical solver holds (a smooth field, an offset and a scale of each spectrum's
own on the designed rays); rows have a smooth field too, and of each spectrum's own an offset and an inclination.
Exposures are moved against each other by flexure, and lines are off their place in the list (`shared_errors`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from iris_reduction.wavelength.field import Place, SmoothField
from iris_reduction.wavelength.mixed import MixedFit, Observations, fit_mixed
from iris_reduction.wavelength.shared_errors import SharedErrors, list_shared_errors

__all__ = ["LinePlaces", "Measured", "fit_places"]

Double = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]
_FIELD = SmoothField()


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """Measured lines (k,): spectrum, wavelength in nm, column, row and their errors in px, number of the exposure."""

    spectrum: Index
    wavelength: Double
    x: Double
    y: Double
    x_error: Double
    y_error: Double
    exposure: Index


@dataclass(frozen=True, slots=True, eq=False)
class LinePlaces:
    """Models of columns and rows, each with what lines share; `place` are the spectra in the field.

    `shifts` px (nimage, 2): flexure of each exposure along and across, against the mean of those with lines, for which
    alone it is not NaN. `listed` nm (nline,), rising: the lines whose errors are the last terms along.
    """

    place: Place
    along: MixedFit
    across: MixedFit
    shared: tuple[SharedErrors, SharedErrors]
    shifts: Double
    listed: Double

    def predict(self, spectrum: Index, wavelength: Double) -> tuple[Double, Double]:
        """Return columns and rows (k,) of wavelengths in nm of spectra, in the mean of the exposures."""
        fixed, own = _make_terms(self.place, spectrum, wavelength)
        x, y = self.place.spectra.trace(spectrum, wavelength)
        along, across = (
            fit.propagate(spectrum, shared.add_mean(fixed), own)[0]
            for fit, shared in zip((self.along, self.across), self.shared, strict=True)
        )
        return x + along, y + across

    def predict_in(self, image: Index, spectrum: Index, wavelength: Double) -> tuple[Double, Double]:
        """Return columns and rows (k,) as `predict`, with flexure of the images (k,) and errors of listed lines."""
        x, y = self.predict(spectrum, wavelength)
        shift, errors = np.nan_to_num(self.shifts)[image], self.along.beta[-len(self.listed) :]
        at = np.minimum(np.searchsorted(self.listed, wavelength), len(self.listed) - 1)
        return x + shift[:, 0] + np.where(self.listed[at] == wavelength, errors[at], 0.0), y + shift[:, 1]

    @property
    def agreed(self) -> npt.NDArray[np.bool_]:
        """Lines (k,) that agree with both models."""
        return self.along.used & self.across.used


def fit_places(place: Place, lines: Measured, number: int) -> LinePlaces:
    """Return the models from lines of `number` exposures; raise InputError where there are no lines."""
    spectra, group = place.spectra, lines.spectrum
    fixed, own = _make_terms(place, group, lines.wavelength)
    x, y = spectra.trace(group, lines.wavelength)

    shared = tuple(list_shared_errors(lines.exposure, nm, spectra.setting) for nm in (lines.wavelength, None))

    def fit(value: Double, error: Double, besides: SharedErrors) -> MixedFit:
        terms = np.concatenate([fixed, besides.terms], axis=1)
        variances = np.concatenate([_FIELD.find_variances(place), besides.variances])
        return fit_mixed(Observations(value, error, group, len(spectra.along), terms, variances, own, besides.groups))

    along, across = fit(lines.x - x, lines.x_error, shared[0]), fit(lines.y - y, lines.y_error, shared[1])
    shifts = _find_shifts(number, lines, (along, across), shared[1])
    return LinePlaces(place, along, across, (shared[0], shared[1]), shifts, np.unique(lines.wavelength))


def _find_shifts(number: int, lines: Measured, fits: tuple[MixedFit, MixedFit], shared: SharedErrors) -> Double:
    """Return the shifts (number, 2) of exposures against their mean, which the terms after the field's are."""
    first = len(_FIELD.powers)
    found = np.stack([fit.beta[first : first + shared.exposures] for fit in fits], axis=1)
    shifts = np.full((number, 2), np.nan)
    shifts[np.unique(lines.exposure)] = found - found.mean(axis=0)
    return shifts


def _make_terms(place: Place, spectrum: Index, wavelength: Double) -> tuple[Double, Double]:
    """Return terms of the field (k, p) and of spectra (k, 2)."""
    t = place.scale(wavelength)
    fixed = _FIELD.evaluate(place.xi[spectrum], place.eta[spectrum], t)
    return fixed, np.stack([np.ones_like(t), t], axis=1)
