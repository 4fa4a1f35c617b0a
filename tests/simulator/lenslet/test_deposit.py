"""Continuum and lines land where they belong, whatever the band of rows."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iris_contract import Subarray
from iris_contract.lenslet import LensletMode
from iris_simulator.lenslet.as_built import SpectrographAsBuilt
from iris_simulator.lenslet.deposit import add_lines
from iris_simulator.lenslet.layout import lay_out
from iris_simulator.lenslet.optical_transfer import ILLUMINATIONS
from iris_simulator.lenslet.psflet import Psflets, build_psflets
from iris_simulator.lenslet.render import render_cores
from iris_simulator.lenslet.spectra import Light, detect


@pytest.fixture(scope="module")
def psflets(mode: LensletMode) -> Psflets:
    return build_psflets(mode, ILLUMINATIONS["sky"])


@settings(max_examples=25)
@given(x=st.floats(12, 27), y=st.floats(12, 27), soft=st.floats(0, 1), nm=st.floats(2060, 2300))
def test_a_line(psflets: Psflets, x: float, y: float, soft: float, nm: float) -> None:
    image = np.zeros((40, 40), np.float32)
    line = (np.array([value]) for value in (x, y, nm, 50.0, soft))
    add_lines(image, (0, 0), *line, psflets.wave, psflets.core, 0.9)
    total = image.sum(dtype=float)
    assert total == pytest.approx(45 * float(psflets.share_at(nm)), rel=1e-5)
    assert (image.sum(axis=0) * np.arange(40)).sum() / total == pytest.approx(x, abs=1e-3)
    assert (image.sum(axis=1) * np.arange(40)).sum() / total == pytest.approx(y, abs=1e-3)


def test_smooth_continuum_has_no_ripple(
    few: SpectrographAsBuilt, shine: Callable[..., Light], psflets: Psflets
) -> None:
    """Pixels do not see that light comes in steps of half a pixel.

    Along the trace the sum over rows is e-/s/nm times nm/px.
    """
    one = few.cut(np.array([1]))
    spectra = detect(shine(1), one)
    layout = lay_out(one, spectra, (0.0, 0.0), ())
    x, y = one.place(slice(None), 2175.0)
    region = Subarray(int(x[0]) - 40, int(y[0]) - 20, 80, 40)
    image = render_cores(layout, psflets, region, 1.0)
    columns = np.arange(region.xstart - 1, region.xstart + region.xsize)
    edges = one.wavelength_at(slice(None), columns[:, None] - 0.5)[:, 0]
    middles = (edges[1:] + edges[:-1]) / 2
    expected = np.diff(edges) * 0.9 * one.throughput(middles)[0] * psflets.share_at(middles)
    np.testing.assert_allclose(image.sum(axis=0) / expected, 1, atol=2e-3)
    # PSFlets are mixed anew every 8 px, over which they grow by 0.1 %: steps of some 1e-4 are left of that
    ripple = np.diff(image.sum(axis=0), 2) / expected[1:-1]
    assert np.abs(ripple).max() < 4e-4


def test_emission_and_absorption_stay_where_they_are(few: SpectrographAsBuilt, psflets: Psflets) -> None:
    """A feature 3 nm wide in the continuum has the centroid of its own wavelength's place."""
    one = few.cut(np.array([2]))

    def bump(nm: np.ndarray) -> np.ndarray:
        return np.exp(-0.5 * ((nm - 2171.3) / 1.3) ** 2)[None, :]

    spectra = detect(Light(bump, np.empty(0), np.empty((1, 0)), np.ones(1)), one)
    x, y = one.place(slice(None), 2171.3)
    region = Subarray(int(x[0]) - 50, int(y[0]) - 20, 100, 40)
    image = render_cores(lay_out(one, spectra, (0.0, 0.0), ()), psflets, region, 1.0)
    columns = np.arange(region.xstart - 1, region.xstart - 1 + region.xsize)
    assert (image.sum(axis=0) * columns).sum() / image.sum(dtype=float) == pytest.approx(x[0], abs=0.02)


def test_no_light_in_a_band_beside(psflets: Psflets) -> None:
    image = np.zeros((20, 20), np.float32)
    line = [np.array([value]) for value in (10.0, 60.0, 2150.0, 50.0, 0.5)]
    add_lines(image, (0, 0), *line, psflets.wave, psflets.core, 1.0)
    assert not image.any()
