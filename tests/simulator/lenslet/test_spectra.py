"""What is detected is what arrives times filter and lenslet; channels share it without loss."""

from collections.abc import Callable

import numpy as np
import pytest

from iris_contract.lenslet import load_passband, wavelength_grid
from iris_simulator.lenslet.as_built import SpectrographAsBuilt
from iris_simulator.lenslet.spectra import Light, detect


def test_filter_and_lenslets(few: SpectrographAsBuilt, shine: Callable[..., Light]) -> None:
    spectra = detect(shine(4, 2.0, (2180.0, 1700.0)), few)
    passband = load_passband(few.mode.filter)
    expected = 2 * passband.transmission(spectra.wave) * few.throughput(spectra.wave)
    np.testing.assert_allclose(spectra.continuum, expected, rtol=1e-6)
    np.testing.assert_allclose(
        spectra.line_flux, 100 * passband.transmission(spectra.line_wave) * few.throughput(spectra.line_wave)
    )
    assert spectra.line_flux[0, 1] == pytest.approx(100 * 1e-4, rel=0.05)


def test_leak_is_apart_from_the_band(few: SpectrographAsBuilt, shine: Callable[..., Light]) -> None:
    """1e-4 over 0.81 to 2.5 um without the band of 0.12 um, and edges of up to 1e-3."""
    spectra = detect(shine(4), few)
    inside = (spectra.leak_wave >= spectra.wave[0]) & (spectra.leak_wave <= spectra.wave[-1])
    assert not spectra.leak[:, inside].any()
    leaked = np.trapezoid(spectra.leak[0], spectra.leak_wave)
    assert 1.5 * 0.1 < leaked < 0.2


def test_channels_keep_the_light(few: SpectrographAsBuilt, shine: Callable[..., Light]) -> None:
    spectra = detect(shine(4, 1.0, (2150.0, 2190.3)), few)
    wide = np.linspace(spectra.wave[0] - 1, spectra.wave[-1] + 1, 400)
    assert spectra.bin(wide).sum(dtype=float) == pytest.approx(spectra.flux, rel=1e-6)
    grid = wavelength_grid(few.mode)
    binned = spectra.bin(grid)
    number = int(np.argmin(np.abs(grid - 2150.0)))
    step = grid[1] - grid[0]
    assert binned[0, number] == pytest.approx(
        spectra.line_flux[0, 0] + 0.9 * step * few.throughput(2150.0)[0], rel=0.02
    )
