"""The sky is as bright as it was measured, band by band."""

import numpy as np
import pytest

from iris_contract import load_instrument
from iris_simulator.lenslet.as_built import SpectrographAsBuilt
from iris_simulator.lenslet.night_sky import NightSky, atmosphere, collect
from iris_simulator.lenslet.planck import photon_radiance

BANDS = ["Y", "J", "H", "Ks"]


def count(few: SpectrographAsBuilt, name: str, strength: float) -> float:
    """Photons per s, m2 and arcsec2 above the telescope within a band, without what mirrors glow."""
    band = load_instrument().filter(name)
    light = NightSky(strength).illuminate(few)
    wave = np.linspace(1000 * band.cut_on, 1000 * band.cut_off, 20_000)
    area = (few.mode.scale / 1000) ** 2
    inside = (light.line_wave > wave[0]) & (light.line_wave < wave[-1])
    lines = (light.line_flux[0, inside] / collect(light.line_wave[inside])).sum()
    values = load_instrument().values
    mirrors = 0.09 * photon_radiance(wave, 275.0) / values["telescope.throughput"]
    optics = 0.01 * photon_radiance(wave, 243.0) / values["telescope.throughput"]
    optics /= np.where(wave < 1000, 0.6, 0.8)
    smooth = np.trapezoid(light.continuum(wave)[0] / collect(wave) / area - mirrors - optics, wave)
    return float(lines / area + smooth)


@pytest.mark.parametrize("name", BANDS)
def test_photons_of_a_band(few: SpectrographAsBuilt, name: str) -> None:
    """filters.ecsv, to 25 %: the scale is interpolated between bands, and in K the air's heat comes on top."""
    assert count(few, name, 1.0) == pytest.approx(load_instrument().filter(name).sky, rel=0.25)


def test_heat_of_mirrors() -> None:
    """1492 ph/s/m2/arcsec2 in K and 1.3 in H of telescope and NFIRAOS by FACTS; the telescope's glow alone, to 20 %."""
    for low, high, known in ((2000, 2400, 1492), (1485, 1781, 1.3)):
        wave = np.linspace(low, high, 4000)
        glow = np.trapezoid(0.09 * photon_radiance(wave, 275.0) + 0.01 * photon_radiance(wave, 243.0), wave)
        assert glow == pytest.approx(known, rel=0.2)


def test_strength_is_of_lines_only(few: SpectrographAsBuilt) -> None:
    light, twice = NightSky().illuminate(few), NightSky(2.0).illuminate(few)
    wave = np.array([2150.0])
    np.testing.assert_array_equal(light.continuum(wave), twice.continuum(wave))
    np.testing.assert_allclose(2 * light.line_flux, twice.line_flux)


def test_what_is_collected() -> None:
    """At 2200 nm.

    630 m2 * 0.91 * 0.8 * 0.49 = 224.7 e- for a photon per m2; at 900 nm 630 * 0.91 * 0.6 * 0.42 = 144.5.
    """
    np.testing.assert_allclose(collect(np.array([2200.0, 900.0])), (224.73, 144.47), rtol=1e-4)


def test_atmosphere() -> None:
    wave = np.linspace(850, 2400, 500)
    once, twice = atmosphere(wave, 1.0), atmosphere(wave, 2.0)
    np.testing.assert_allclose(once**2, twice)
    assert np.all((once >= 0) & (once <= 1))
    assert once[0] == 1
