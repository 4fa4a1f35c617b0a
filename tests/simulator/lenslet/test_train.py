"""The rays: as designed on the plane of symmetry, curved off it, and inverted to rounding."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iris_contract.lenslet import LensletMode, load_grating_setting, load_passband
from iris_simulator.lenslet.as_built import build_spectrograph
from iris_simulator.lenslet.rotation import turn_axes
from iris_simulator.lenslet.train import OpticalTrain

MODES = [("4000-Z", "Z"), ("4000-K", "KN1"), ("8000-H", "H"), ("10000-K", "K"), ("4000-HK", "Kbb")]


def perfect(grating: str) -> OpticalTrain:
    train = build_spectrograph(LensletMode(4.0, "FINE_MASK", grating, "K"), None, 1).train
    focal, straight = load_grating_setting(grating).focal, turn_axes(0, 0, 0)
    ideal = {"collimator": focal, "camera": focal, "distortion": 0.0, "grating": straight, "detector": straight}
    return replace(train, centre=(0.0, 0.0), **ideal)  # type: ignore[arg-type]


@pytest.mark.parametrize(("grating", "filter_name"), MODES)
def test_is_the_design_where_nothing_is_wrong(grating: str, filter_name: str) -> None:
    wave = np.linspace(*load_passband(filter_name).support(1e-3), 7)
    x, y = perfect(grating).place(np.zeros(7), np.zeros(7), wave)
    np.testing.assert_allclose(x, load_grating_setting(grating).disperse(wave), atol=1e-8)
    np.testing.assert_allclose(y, 0, atol=1e-9)


@pytest.mark.parametrize(("grating", "predicted"), [("4000-K", 28.6), ("8000-K", 57.1), ("10000-K", 71.4)])
def test_smile(grating: str, predicted: float) -> None:
    """By hand.

    F G lambda (1 / cos(gamma) - 1) / cos(beta), gamma = 2000 px / f; next order in gamma^2 is 1e-2 of it.
    """
    setting, train = load_grating_setting(grating), perfect(grating)
    gamma = np.arctan(2000 / setting.focal)
    sines = np.sin(setting.incidence) + np.sin(setting.diffraction)
    by_hand = setting.focal * sines * (1 / np.cos(gamma) - 1) / np.cos(setting.diffraction)
    assert by_hand == pytest.approx(predicted, abs=0.2)
    for side in (-2000.0, 2000.0):
        assert train.place(np.zeros(1), np.array([side]), setting.centre)[0][0] == pytest.approx(by_hand, rel=0.02)


def test_narrows_by_the_anamorphism() -> None:
    setting = load_grating_setting("8000-K")
    x, _ = perfect("8000-K").place(np.array([-32.0, 32.0]), np.zeros(2), setting.centre)
    assert (x[1] - x[0]) / 64 == pytest.approx(setting.anamorphism, rel=1e-5)


@settings(max_examples=15)
@given(seed=st.integers(0, 10**6), which=st.sampled_from(MODES), x=st.floats(0, 4095))
def test_inverse(seed: int, which: tuple[str, str], x: float) -> None:
    built = build_spectrograph(LensletMode(9.0, "FINE_MASK", *which), None, seed)
    some = np.array([0, 5, 1000, 2047])
    wave = built.wavelength_at(some, x)
    assert np.abs(built.place(some, wave)[0] - x).max() < 1e-9
    assert np.all(built.wavelength_at(some, x + 1) > wave)


def test_no_such_ray() -> None:
    x, _ = perfect("4000-K").place(np.zeros(1), np.zeros(1), 20000.0)
    assert np.isnan(x[0])
