"""A spectrograph of the tests' own: its grating stands wrong, its field is turned, stretched and bent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from iris_contract.lenslet import load_grating_setting
from iris_reduction.wavelength import ArcLines, Spectra

LIMITS = (2089.5, 2266.8)  # KN3 to a thousandth of its transmission
LINES = np.array([2099.18, 2117.13, 2138.4, 2154.01, 2190.85, 2208.32, 2218.1])


def place(x, y, wavelength, sideways=0.0, stretch=0.0):
    """Column of wavelengths in nm of lenslets designed to stand at x, y; written down again, from the angles."""
    tilt, focal = np.deg2rad(10.3) + 1e-4, 23667.0 * 1.0008
    diffraction = np.arcsin(wavelength * 151e-6 - np.sin(tilt + np.deg2rad(22.5)))
    along = focal * np.tan(diffraction - (np.deg2rad(10.3) - np.deg2rad(22.5)))
    across = (y - 2047.5) / 2048
    turned = 1.0007 * (x - 2047.5) - 8e-4 * (y - 2047.5) + 0.3 * across**3
    return 2047.5 + turned + along * (1 + stretch) + 0.8 * across**2 + sideways


@dataclass
class Made:
    """Lines drawn from `place`, and what is true of the spectra."""

    lines: ArcLines
    spectra: Spectra
    sideways: np.ndarray
    stretch: np.ndarray

    def columns(self, wavelength):
        """True columns (n, k) of wavelengths (k,)."""
        s = self.spectra
        return place(s.x[:, None], s.y[:, None], wavelength, self.sideways[:, None], self.stretch[:, None])


def make_lines(number=120, noise=0.02, own=0.05, stretch=2e-5, wavelengths=LINES, seed=1, size=4000.0) -> Made:
    """Return lines of `number` spectra over the field, with `own` px and `stretch` of each one's own."""
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(-size / 2, size / 2, (2, number)) + 2047.5
    sideways, stretches = own * rng.standard_normal(number), stretch * rng.standard_normal(number)
    domain = np.stack([place(x, y, edge) for edge in LIMITS], axis=1) + 0.7
    spectra = Spectra(load_grating_setting("4000-K"), x, y, LIMITS, domain)
    group = np.repeat(np.arange(number), len(wavelengths))
    wavelength = np.tile(wavelengths, number)
    error = np.full(len(group), max(noise, 1e-5))
    column = place(x[group], y[group], wavelength, sideways[group], stretches[group])
    column += noise * rng.standard_normal(len(group))
    return Made(ArcLines(group, wavelength, column, error), spectra, sideways, stretches)


@pytest.fixture(scope="session")
def make():
    return make_lines
