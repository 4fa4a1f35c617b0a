"""Which spectra are complete, how long they are and how they follow each other: derived by hand, then compared."""

import numpy as np
import pytest

from iris_contract.errors import InputError
from iris_contract.instrument import load_instrument
from iris_contract.lenslet import (
    LensletMode,
    find_complete,
    find_spectrum,
    load_grating_setting,
    load_lattice,
    load_passband,
    wavelength_grid,
)

FILTERS = load_instrument().filters
NARROW = [name for name, f in FILTERS.items() if f.kind == "narrow5"]
CLEARANCES = {"YN4": -35, "HN5": 9, "ZN4": 12, "KN5": 13, "JN4": 17, "KN1": 72}
CENTRES = {"KN1": -652, "YN4": 797}


def make_mode(name, mask="SERRATED_WIDE", resolution=4000):
    return LensletMode(4.0, mask, f"{resolution}-{name[0]}", name)


def measure_clearance(name):
    """Px between the end of one spectrum and the beginning of the next on the same line of pixels."""
    low, high = find_spectrum(make_mode(name))
    return 514 * load_grating_setting(f"4000-{name[0]}").anamorphism - (high - low)


@pytest.mark.parametrize("name", CLEARANCES)
def test_clearances_end_to_end(name):
    assert measure_clearance(name) == pytest.approx(CLEARANCES[name], abs=0.6)


def test_one_five_percent_filter_overlaps_and_the_others_clear_by_17_to_72_px():
    found = {name: measure_clearance(name) for name in NARROW}
    assert [name for name, clearance in found.items() if clearance < 0] == ["YN4"]
    others = [clearance for name, clearance in found.items() if name not in {"YN4", "HN5", "ZN4", "KN5"}]
    assert (min(others), max(others)) == pytest.approx((17, 72), abs=0.6)


def test_no_five_percent_filter_clears_at_a_thousandth():
    """A logistic edge falls from 1/2 to 1e-3 of 0.9 within 1.5 % of the wavelength, 114 to 141 px on either side."""
    for name in NARROW:
        half, thousandth = find_spectrum(make_mode(name)), find_spectrum(make_mode(name), 1e-3)
        assert 113 < half[0] - thousandth[0] < thousandth[1] - half[1] < 142
        assert thousandth[1] - thousandth[0] > 442


@pytest.mark.parametrize("name", CENTRES)
def test_bands_lie_off_the_centre(name):
    f, setting = FILTERS[name], load_grating_setting(f"4000-{name[0]}")
    assert float(setting.disperse(500 * (f.cut_on + f.cut_off))) == pytest.approx(CENTRES[name], abs=0.6)


@pytest.mark.parametrize("name", NARROW)
def test_spectra_are_370_to_477_px_long(name):
    low, high = find_spectrum(make_mode(name))
    assert 369 < high - low < 477.5


@pytest.mark.parametrize(
    ("name", "mask", "complete"),
    [
        ("KN3", "SERRATED_WIDE", 14246),
        ("KN1", "SERRATED_WIDE", 12695),
        ("YN4", "SERRATED_WIDE", 11782),
        ("KN3", "FINE_MASK", 2036),
        ("Kbb", "FINE_MASK", 2036),
    ],
)
def test_complete_sets_are_frozen(name, mask, complete):
    assert find_complete(make_mode(name, mask)).sum() == complete


def test_reference_rows_take_twelve_spectra_of_the_narrow_field():
    """Rows 4..4091 lie within 2043.5 px of the middle; 2032 + 2 i does not for i = 6..11, at the top and the bottom."""
    lattice = load_lattice("FINE_MASK")
    lost = ~find_complete(make_mode("Kbb", "FINE_MASK"))
    assert np.array_equal(lost, np.abs(2 * lattice.i + 32 * lattice.j) > 2043.5)
    assert lost.sum() == 12


@pytest.mark.parametrize("name", ["KN1", "YN4", "HN3"])
def test_complete_is_what_has_both_ends_on_light_sensitive_pixels(name):
    """Written the other way round: wavelengths of the first and last sensitive column of each lenslet."""
    mode = make_mode(name)
    setting, (low, high) = load_grating_setting(mode.grating), load_passband(name).half
    x, y = load_lattice(mode.mask).lay_out(setting.anamorphism)
    whole = (setting.invert(4 - x) <= low) & (setting.invert(4091 - x) >= high) & (np.abs(y - 2047.5) <= 2043.5)
    assert np.array_equal(find_complete(mode), whole)


@pytest.mark.parametrize(
    ("band", "complete", "loss"),
    [("Z", 0, 0.096), ("Y", 0, 0.112), ("J", 142, 0.076), ("H", 421, 0.065), ("K", 405, 0.066)],
)
def test_broad_bands_at_10000_overfill_the_detector(band, complete, loss):
    """What all lenslets hold is 4088 px less the width of the field, 2 * 166: 3756 of 4018 to 4227, and shifted."""
    mode = make_mode(f"{band}bb", "FINE_MASK", 10000)
    assert find_complete(mode).sum() == complete
    low, high = find_spectrum(mode)
    x, _ = load_lattice("FINE_MASK").lay_out(load_grating_setting(mode.grating).anamorphism)
    shared = min(high, (4091 - x).min()) - max(low, (4 - x).max())
    assert 1 - shared / (high - low) == pytest.approx(loss, abs=6e-4)


def test_a_filter_of_another_band_gives_no_spectra():
    assert not find_complete(LensletMode(4.0, "FINE_MASK", "10000-Z", "KN3")).any()


@pytest.mark.parametrize("name", ["KN3", "YN4", "Kbb"])
def test_grid_is_linear_at_the_designed_step_and_fills_the_band(name):
    mode = make_mode(name, "FINE_MASK")
    grid, (low, high) = wavelength_grid(mode), load_passband(name).half
    step = float(load_grating_setting(mode.grating).dispersion((low + high) / 2))
    assert np.diff(grid) == pytest.approx(np.full(len(grid) - 1, step))
    assert low <= grid[0] < low + step
    assert high - step < grid[-1] <= high
    assert grid.mean() == pytest.approx((low + high) / 2)
    first, last = find_spectrum(mode)
    assert len(grid) == pytest.approx(last - first, rel=5e-3)


def test_grid_needs_light():
    with pytest.raises(InputError, match="FILTER='dark'"):
        wavelength_grid(LensletMode(4.0, "FINE_MASK", "4000-K", "dark"))
