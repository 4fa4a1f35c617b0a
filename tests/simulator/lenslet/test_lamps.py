"""Lamps shine as their lists say, roughly, and as bright as they are asked to."""

import numpy as np
import pytest

from iris_contract.errors import InputError
from iris_contract.lenslet import LensletMode, load_passband
from iris_contract.spectral_data import LAMPS, load_arc_lines
from iris_simulator.lenslet.as_built import SpectrographAsBuilt, build_spectrograph
from iris_simulator.lenslet.lamps import COLD, LIST_ERROR, UNLISTED_RANGE, ArcLamp, WhiteLamp
from iris_simulator.lenslet.spectra import detect


@pytest.mark.parametrize("name", LAMPS)
def test_brightest_line_of_the_band(few: SpectrographAsBuilt, name: str) -> None:
    """1000 e-/s times throughput and field, both within 15 %."""
    spectra = detect(ArcLamp(name, 1000.0).illuminate(few), few)
    low, high = load_passband(few.mode.filter).half
    inside = (spectra.line_wave > low) & (spectra.line_wave < high)
    assert np.abs(spectra.line_flux[:, inside].max(axis=1) / 1000 - 1).max() < 0.15
    listed = load_arc_lines(name)[0]
    assert np.abs(spectra.line_wave[: len(listed)] - listed).max() < 5 * LIST_ERROR


def test_unlisted_lines_are_weak_and_can_be_off(few: SpectrographAsBuilt) -> None:
    """0.03 per nm over 1770 nm: 53, by chance 24 to 88 at 4 sigma."""
    listed = load_arc_lines("XENON")[0]
    more, none = (ArcLamp("XENON", 1.0, effects=on).illuminate(few) for on in (("unlisted_lines",), ()))
    np.testing.assert_array_equal(none.line_wave, listed)
    np.testing.assert_array_equal(none.line_flux, more.line_flux[:, : len(listed)])
    assert 24 < len(more.line_wave) - len(listed) < 88
    assert more.line_flux[0, len(listed) :].max() <= UNLISTED_RANGE[1]


def test_lines_shine_beside_their_places_in_the_list(few: SpectrographAsBuilt) -> None:
    """Errors of 0.002 nm rms, to 4/sqrt(2 n): false alarm 1e-4; as bright as without, the same whenever it is lit."""
    listed, _ = load_arc_lines("ARGON")
    lamp = ArcLamp("ARGON", 1.0, effects=("listed_errors",))
    light, again, true = lamp.illuminate(few), lamp.illuminate(few), ArcLamp("ARGON", 1.0, effects=()).illuminate(few)
    np.testing.assert_array_equal(true.line_wave, listed)
    np.testing.assert_array_equal(light.line_flux, true.line_flux)
    np.testing.assert_array_equal(light.line_wave, again.line_wave)
    assert np.std(light.line_wave - listed) == pytest.approx(LIST_ERROR, rel=4 / np.sqrt(2 * len(listed)))


def test_the_lamp_is_the_same_in_every_filter(few: SpectrographAsBuilt) -> None:
    other = build_spectrograph(LensletMode(4.0, "FINE_MASK", "4000-J", "J"), None, few.seed).cut(np.arange(3))
    here, there = (ArcLamp("NEON", 1.0, effects=()).illuminate(b).line_flux[0] for b in (few, other))
    np.testing.assert_allclose(here / here[0], there / there[0])


def test_warming_up(few: SpectrographAsBuilt) -> None:
    cold, late, off = (
        WhiteLamp(5.0, age, effects).illuminate(few).brightness
        for age, effects in ((0.0, ("warm_up",)), (1e6, ("warm_up",)), (0.0, ()))
    )
    np.testing.assert_allclose(cold / late, 1 - COLD)
    np.testing.assert_array_equal(late, off)


def test_white_light(few: SpectrographAsBuilt) -> None:
    light = WhiteLamp(5.0).illuminate(few)
    middle = np.array([sum(load_passband(few.mode.filter).half) / 2])
    assert light.continuum(middle)[0, 0] == pytest.approx(5)
    assert light.illumination == "lamp"


def test_lamps_are_checked(few: SpectrographAsBuilt) -> None:
    with pytest.raises(InputError, match="MERCURY"):
        ArcLamp("MERCURY", 1.0).illuminate(few)
    with pytest.raises(InputError, match="fog"):
        ArcLamp("NEON", 1.0, effects=("fog",)).illuminate(few)
