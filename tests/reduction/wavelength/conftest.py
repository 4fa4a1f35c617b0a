"""A spectrograph of the tests' own: its grating stands wrong, its field is turned, stretched and bent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from iris_contract.lenslet import load_grating_setting
from iris_reduction.wavelength import ArcLines, Spectra

LIMITS = (2089.5, 2266.8)  # KN3 to a thousandth of its transmission
LINES = np.array([2099.18, 2117.13, 2138.4, 2154.01, 2190.85, 2208.32, 2218.1])


TILT, HALF, FOCAL = np.deg2rad(10.3), np.pi / 8, 23666.67
NARROW = np.cos(TILT + HALF) / np.cos(TILT - HALF)


def place(along, across, wavelength, sideways=0.0, stretch=0.0):
    """Column of wavelengths in nm of lenslets at px in their array: rays as vectors, the design is not asked."""
    ray = np.stack(np.broadcast_arrays(FOCAL, along, across, 0.0 * wavelength)[:3])
    ray = ray / np.sqrt((ray**2).sum(axis=0))
    incidence = TILT + 1e-4 + HALF
    # along grooves, across them and normal to the grating
    across = np.sin(incidence) * ray[0] - np.cos(incidence) * ray[1]
    left = wavelength * 151e-6 - across
    normal = np.sqrt(1 - left**2 - ray[2] ** 2)
    axis = TILT - HALF
    deep, wide = np.cos(axis) * normal + np.sin(axis) * left, np.cos(axis) * left - np.sin(axis) * normal
    column, row = FOCAL * 1.0008 * wide / deep, FOCAL * ray[2] / deep
    turned = 1.0007 * column - 8e-4 * row + 0.3 * (row / 2048) ** 3
    return 2047.5 + turned + stretch * (column - NARROW * along) + sideways


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
        return place(s.along[:, None], s.across[:, None], wavelength, self.sideways[:, None], self.stretch[:, None])


def make_lines(
    number=120, noise=0.02, own=0.05, stretch=2e-5, wavelengths=LINES, seed=1, size=4000.0, shifts=(0.0,), wrong=0.0
) -> Made:
    """Return lines of `number` spectra over the field, with `own` px and `stretch` of each one's own.

    Line k is of exposure k modulo their number, moved by `shifts` px; lines are `wrong` nm rms beside the list.
    """
    rng = np.random.default_rng(seed)
    along, across = rng.uniform(-size / 2, size / 2, (2, number)) / np.array([[NARROW], [1]])
    sideways, stretches = own * rng.standard_normal(number), stretch * rng.standard_normal(number)
    domain = np.stack([place(along, across, edge) for edge in LIMITS], axis=1) + 0.7
    spectra = Spectra(load_grating_setting("4000-K"), along, across, LIMITS, domain)
    group = np.repeat(np.arange(number), len(wavelengths))
    wavelength = np.tile(wavelengths, number)
    error = np.full(len(group), max(noise, 1e-5))
    column = place(along[group], across[group], wavelength, sideways[group], stretches[group])
    column += noise * rng.standard_normal(len(group))
    exposure = np.tile(np.arange(len(wavelengths)) % len(shifts), number)
    column += np.array(shifts)[exposure]
    column += np.tile(wrong * rng.standard_normal(len(wavelengths)) / 0.2735, number)
    return Made(ArcLines(group, wavelength, column, error, exposure), spectra, sideways, stretches)


@pytest.fixture(scope="session")
def make():
    return make_lines
