"""Images keep all light, for every geometry; a region is the cut of a larger one; effects can be switched off."""

from collections.abc import Callable
from dataclasses import replace

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iris_contract import Subarray
from iris_contract.lenslet import LensletMode, load_passband
from iris_simulator.lenslet.as_built import SpectrographAsBuilt, build_spectrograph
from iris_simulator.lenslet.far_light import stray_shares
from iris_simulator.lenslet.layout import Layout, lay_out
from iris_simulator.lenslet.optical_transfer import ILLUMINATIONS
from iris_simulator.lenslet.psflet import build_psflets
from iris_simulator.lenslet.render import render, render_cores, render_far_light
from iris_simulator.lenslet.spectra import Light, Spectra, detect
from iris_simulator.lenslet.traces import FIRST, LAST

WIDE, FINE, FULL = "SERRATED_WIDE", "FINE_MASK", "FULL_OPEN"
GEOMETRIES = [
    LensletMode(4.0, WIDE, "4000-K", "KN1"),
    LensletMode(9.0, WIDE, "4000-Y", "YN4"),
    LensletMode(4.0, FINE, "4000-Z", "Z"),
    LensletMode(9.0, FINE, "4000-HK", "Kbb"),
    LensletMode(4.0, FINE, "8000-J", "JN2"),
    LensletMode(4.0, FINE, "10000-H", "H"),
    LensletMode(9.0, FULL, "4000-H", "HN3"),
    LensletMode(4.0, "FINE_MASK_CALIBRATION", "4000-J", "J", 11),
]


def light_on_the_detector(built: SpectrographAsBuilt, spectra: Spectra, layout: Layout) -> float:
    """e-/s of one lenslet within its channels, by the exact map and not by the traces; lines between FIRST and LAST."""
    edges = 0.5 * layout.channels.ends[0] + (-0.25, 0.25)
    low, high = built.wavelength_at(slice(None), edges[:, None])[:, 0]
    fine = np.linspace(max(low, spectra.wave[0]), min(high, spectra.wave[-1]), 40 * len(spectra.wave))
    x = built.place(slice(None), spectra.line_wave[:, None])[0][:, 0]
    lines = spectra.line_flux[0, (x > FIRST) & (x < LAST)].sum()
    return float(np.trapezoid(np.interp(fine, spectra.wave, spectra.continuum[0]), fine) + lines)


@settings(max_examples=5)
@given(mode=st.sampled_from(GEOMETRIES), pick=st.integers(0, 10**6), seed=st.integers(0, 50), on=st.booleans())
def test_all_light_is_kept(mode: LensletMode, pick: int, seed: int, on: bool) -> None:
    """To 1e-4, wherever the spectrum lies, with and without strays. What leaks beyond the band is left out here."""
    whole = build_spectrograph(mode, None, seed)
    built = whole.cut(np.array([pick % len(whole)]))
    middle = load_middle(mode)
    light = Light(
        lambda nm: 1 + 0.5 * np.sin(nm)[None, :], np.array([middle, middle + 1.234]), np.full((1, 2), 40.0), np.ones(1)
    )
    spectra = replace(detect(light, built), leak=np.zeros((1, 2), np.float32), leak_wave=np.array([500.0, 501.0]))
    effects = ("scattered_light", "ghost") if on else ()
    layout, psflets = lay_out(built, spectra, (0.0, 0.0), effects), build_psflets(mode, ILLUMINATIONS["sky"])
    low, high = layout.span_rows()
    region = Subarray(int(FIRST) - 20, int(low.min()) - 15, int(LAST - FIRST) + 60, int(high.max() - low.min()) + 50)
    cores = render_cores(layout, psflets, region, 1 - sum(stray_shares(effects))).sum(dtype=float)
    far = render_far_light(layout, psflets, built.train.centre, effects).sum()
    assert cores + far == pytest.approx(light_on_the_detector(built, spectra, layout), rel=1e-4)


def load_middle(mode: LensletMode) -> float:
    return float(np.mean(load_passband(mode.filter).half))


def test_region_is_the_cut(built: SpectrographAsBuilt, shine: Callable[..., Light], region: Subarray) -> None:
    spectra = detect(shine(len(built), 1.0, (2150.0, 2195.3)), built)
    image = render(built, spectra, region, (0.1, 0.2))
    part = Subarray(region.xstart + 31, region.ystart + 7, 40, 30)
    np.testing.assert_array_equal(render(built, spectra, part, (0.1, 0.2)), image[7:37, 31:71])


def test_threads_do_not_matter(built: SpectrographAsBuilt, shine: Callable[..., Light], region: Subarray) -> None:
    spectra, threads = detect(shine(len(built), 1.0, (2150.0,)), built), numba.get_num_threads()
    tall = replace(region, ysize=150)
    image = render(built, spectra, tall)
    try:
        numba.set_num_threads(1)
        np.testing.assert_array_equal(render(built, spectra, tall), image)
    finally:
        numba.set_num_threads(threads)


def test_flexure_moves_the_image(few: SpectrographAsBuilt, shine: Callable[..., Light]) -> None:
    """A whole pixel moves all cores by one pixel, to interpolation."""
    spectra = detect(shine(4, 0.0, (2150.0,)), few)
    x, y = few.place(slice(None), 2150.0)
    region = Subarray(int(x[0]) - 20, int(y[0]) - 20, 42, 42)
    still, moved = (render(few, spectra, region, shift, ()) for shift in ((0.0, 0.0), (1.0, -1.0)))
    np.testing.assert_allclose(moved[:-1, 1:], still[1:, :-1], atol=2e-3 * still.max())


def test_effects_are_absent_when_off(built: SpectrographAsBuilt, shine: Callable[..., Light], region: Subarray) -> None:
    spectra = replace(detect(shine(len(built), 1.0, (2150.0,)), built), illumination="lamp")
    whole, none = render(built, spectra, region), render(built, spectra, region, effects=())
    lamp = render(built, spectra, region, effects=("illumination",))
    sky = render(built, replace(spectra, illumination="sky"), region, effects=())
    np.testing.assert_array_equal(none, sky)
    assert not np.array_equal(lamp, none)
    beside = Subarray(region.xstart, region.ystart + 500, 32, 32)
    dim = render(built, spectra, beside, effects=("scattered_light", "ghost"))
    assert not render(built, replace(spectra, leak=0 * spectra.leak), beside, effects=()).max() > 1e-6
    assert dim.min() > 0
    assert whole.shape == region.shape
    assert whole.min() > 0
