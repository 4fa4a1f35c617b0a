"""Sources shine on the lenslets that they are in front of."""

import numpy as np
import pytest

from iris_contract.errors import InputError
from iris_contract.lenslet import load_lattice
from iris_simulator.lenslet.as_built import SpectrographAsBuilt
from iris_simulator.lenslet.night_sky import atmosphere, collect
from iris_simulator.lenslet.sources import POINT_SHIFT, CubeSource, LineSource, Star

WAVE = np.array([2100.0, 2200.0, 2300.0])


@pytest.fixture(scope="module")
def cube(few: SpectrographAsBuilt) -> np.ndarray:
    return np.random.default_rng(1).random((3, *load_lattice(few.mode.mask).shape))


def test_cube(few: SpectrographAsBuilt, cube: np.ndarray) -> None:
    light = CubeSource(WAVE, cube, on_sky=False).illuminate(few)
    np.testing.assert_allclose(light.continuum(WAVE), cube[:, few.row, few.column].T)
    middle = light.continuum(np.array([2125.0]))[:, 0]
    np.testing.assert_allclose(middle, (0.75 * cube[0] + 0.25 * cube[1])[few.row, few.column])
    sky = CubeSource(WAVE, cube, airmass=1.5).illuminate(few)
    np.testing.assert_allclose(sky.continuum(WAVE) / light.continuum(WAVE), [collect(WAVE) * atmosphere(WAVE, 1.5)] * 4)


def test_uneven_light_moves_psflets(few: SpectrographAsBuilt) -> None:
    """Brightness that grows by 10 % from one lenslet to the next: (1.1 - 1/1.1) / (1.1 + 1/1.1) of the most."""
    shape = load_lattice(few.mode.mask).shape
    steep = np.broadcast_to(1.1 ** np.arange(shape[1]), (3, *shape))
    shift = CubeSource(WAVE, steep).illuminate(few).shift
    assert shift is not None
    np.testing.assert_allclose(shift[:, 0], POINT_SHIFT * (1.21 - 1) / (1.21 + 1))
    np.testing.assert_allclose(shift[:, 1], 0, atol=1e-12)


def test_star(built: SpectrographAsBuilt) -> None:
    """At 4 mas half of the light within 15 mas, the pattern's core, of strehl 0.5: the peak is in front of the star."""
    light = Star(int(built.column[100]), int(built.row[100]), lambda nm: np.full(len(nm), 2.0)).illuminate(built)
    flux = light.continuum(np.array([2180.0]))[:, 0]
    assert np.argmax(flux) == 100
    assert flux[100] < 2 * collect(np.array([2180.0]))[0]
    assert light.illumination == "point"


def test_lines(few: SpectrographAsBuilt, cube: np.ndarray) -> None:
    light = LineSource(WAVE, cube).illuminate(few)
    expected = cube[:, few.row, few.column].T * collect(WAVE) * atmosphere(WAVE, 1.0)
    np.testing.assert_allclose(light.line_flux, expected)
    assert not light.continuum(WAVE).any()


def test_sizes_are_checked(few: SpectrographAsBuilt) -> None:
    with pytest.raises(InputError, match="cube"):
        CubeSource(WAVE, np.ones((3, 4, 5))).illuminate(few)
    with pytest.raises(InputError, match="maps"):
        LineSource(WAVE, np.ones((3, 4, 5))).illuminate(few)
