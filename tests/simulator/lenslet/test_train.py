"""The rays: as designed where nothing is wrong, near the design otherwise, and inverted to rounding."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iris_contract import Subarray
from iris_contract.lenslet import LensletMode, load_grating_setting, load_lattice, load_passband, trace_rays
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
    """Vectors here, angles in the contract: two ways to the same ray, all over the wide field."""
    setting, lattice = load_grating_setting(grating), load_lattice("SERRATED_WIDE")
    along, across = lattice.along[::97, None], lattice.across[::97, None]
    wave = np.linspace(*load_passband(filter_name).support(1e-3), 7)
    design, found = trace_rays(setting, along, across, wave), perfect(grating).place(along, across, wave)
    for place, middle in zip(design, found, strict=True):
        np.testing.assert_allclose(place - 2047.5, middle, atol=1e-7)


@pytest.mark.parametrize("grating", ["4000-K", "8000-H", "10000-J"])
def test_instruments_scatter_about_the_design(grating: str) -> None:
    """Their mean is the design, from the middle of the field to its corners, where it is 50 to 120 px off paraxial.

    One instrument is 3.9 px rms off at most (grating, detector, focal length, distortion), the mean of 64 by 0.5 px;
    five sigma of 12 numbers and three gratings are false alarms in 1e-4 of cases.
    """
    setting, mode = load_grating_setting(grating), LensletMode(4.0, "FINE_MASK", grating, "K")
    field = [axis.ravel() for axis in np.meshgrid([-1700.0, 0.0, 1700.0], [0.0, 1950.0])]
    trains = [build_spectrograph(mode, Subarray(1, 1, 8, 8), seed).train for seed in range(64)]
    mean = np.mean([train.place(*field, setting.centre) for train in trains], axis=0)
    assert np.abs(mean - trace_rays(setting, *field, setting.centre)).max() < 5 * 3.9 / 8


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
