"""Which spectra are complete, how long they are and how they follow each other: derived by hand, then compared."""

import numpy as np
import pytest

from iris_contract import Subarray
from iris_contract.errors import InputError
from iris_contract.instrument import load_instrument
from iris_contract.lenslet import (
    LensletMode,
    find_complete,
    find_ends,
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
        ("KN1", "SERRATED_WIDE", 12754),
        ("YN4", "SERRATED_WIDE", 11691),
        ("KN3", "FINE_MASK", 2036),
        ("Kbb", "FINE_MASK", 2036),
    ],
)
def test_complete_sets_are_frozen(name, mask, complete):
    assert find_complete(make_mode(name, mask)).sum() == complete


def test_reference_rows_take_twelve_spectra_of_the_narrow_field():
    """Rows 4..4091 lie within 2043.5 px of the middle; 2032 + 2 i does not for i = 6..11, at the top and the bottom.

    Rays move ends there by less than 1.2 px outwards, which takes none of the lenslets of i = 5, at 2042 px.
    """
    lattice = load_lattice("FINE_MASK")
    lost = ~find_complete(make_mode("Kbb", "FINE_MASK"))
    assert np.array_equal(lost, np.abs(2 * lattice.i + 32 * lattice.j) > 2043.5)
    assert lost.sum() == 12


def find_wavelengths(mode, columns):
    """Nm that each lenslet of a mode sends to columns: directions as vectors, from the detector backwards."""
    setting, lattice = load_grating_setting(mode.grating), load_lattice(mode.mask)
    u, v, f = lattice.along, lattice.across, setting.focal
    length = np.sqrt(u**2 + v**2 + f**2)
    arrives = (f * np.sin(setting.incidence) - u * np.cos(setting.incidence)) / length
    w = (
        columns - 2047.5
    )  # the row that the component along the grooves asks for: y / sqrt(y^2 + w^2 + f^2) = v / length
    y = v * np.sqrt((w**2 + f**2) / (u**2 + f**2))
    leaves = f * np.sin(setting.diffraction) + w * np.cos(setting.diffraction)
    return (arrives + leaves / np.sqrt(w**2 + y**2 + f**2)) / setting.line_density * 1e6, 2047.5 + y


@pytest.mark.parametrize(("name", "resolution"), [("KN1", 4000), ("YN4", 4000), ("HN3", 8000), ("KN5", 10000)])
def test_complete_is_what_has_both_ends_on_light_sensitive_pixels(name, resolution):
    """Written the other way round: wavelengths of the first and last sensitive column of each lenslet."""
    mode = make_mode(name, resolution=resolution)
    low, high = load_passband(name).half
    whole = (find_wavelengths(mode, 4)[0] <= low) & (find_wavelengths(mode, 4091)[0] >= high)
    x, _ = find_ends(mode)
    for end, wavelength in zip(x.T, (low, high), strict=True):
        back, rows = find_wavelengths(mode, end)
        assert back == pytest.approx(np.full(len(back), wavelength), rel=1e-12)
        whole &= np.abs(rows - 2047.5) <= 2043.5
    assert np.array_equal(find_complete(mode), whole)


def test_in_a_region_those_are_complete_that_it_holds():
    """Rows within 100 px of the middle, and one column too few for the spectrum that ends last."""
    mode = make_mode("KN3", "FINE_MASK")
    x, y = find_ends(mode)
    inner = np.abs(y - 2047.5).max(axis=1) < 100
    last = int(np.ceil(x[inner, 1].max()))  # from 0: the first column that none needs
    region = Subarray(1, 1949, last, 200)
    held = find_complete(mode, region)
    assert np.array_equal(held, ((y >= 1948) & (y <= 2147)).all(axis=1) & (x[:, 1] <= last - 1))
    assert np.flatnonzero(inner & ~held).tolist() == [np.flatnonzero(inner)[x[inner, 1].argmax()]]
    assert np.array_equal(find_complete(mode, Subarray(1, 1, 4096, 4096)), find_complete(mode))


@pytest.mark.parametrize(("name", "won"), [("YN4", -87), ("KN1", 49)])
def test_rays_take_spectra_on_the_right_and_give_some_on_the_left(name, won):
    """By hand 4.64 lenslets to a px of columns, times the shift of the end that is cut, to second order.

    That is the mean smile over rows, curvature and change of the anamorphism with the angle theta of that end: in all
    18.8 and 10.6 px. A straight cut goes in steps of 8 lenslets, and third order is 2 of them.
    """
    mode = make_mode(name)
    setting, lattice, (low, high) = load_grating_setting(mode.grating), load_lattice(mode.mask), find_spectrum(mode)
    end, side = (high, 1) if name == "YN4" else (low, -1)
    theta = np.arctan(end / setting.focal)
    beta = setting.diffraction + theta
    slope = np.cos(setting.incidence) / np.cos(beta)
    bend = (np.sin(setting.incidence) + slope**2 * np.sin(beta)) / np.cos(beta) + 2 * np.tan(theta) * slope**2
    cone = (np.sin(setting.incidence) + np.sin(beta)) / np.cos(beta) * (2048 / setting.focal) ** 2 / 3
    psi = side * (2043.5 - side * end) / setting.anamorphism / setting.focal
    shift = (slope / np.cos(theta) ** 2 - setting.anamorphism) * psi + (bend * psi**2 + cone) / 2 / np.cos(theta) ** 2
    by_hand = -side * 2 * 2048 / (32**2 + 2**2) / setting.anamorphism * setting.focal * shift
    narrowed = setting.anamorphism * lattice.along
    paraxial = (narrowed + low >= -2043.5) & (narrowed + high <= 2043.5) & (np.abs(lattice.across) <= 2043.5)
    assert find_complete(mode).sum() - paraxial.sum() == pytest.approx(by_hand, abs=12)
    assert by_hand == pytest.approx(won, abs=1)


@pytest.mark.parametrize(
    ("band", "complete", "loss"),
    [("Z", 0, 0.115), ("Y", 0, 0.130), ("J", 108, 0.095), ("H", 357, 0.085), ("K", 328, 0.086)],
)
def test_broad_bands_at_10000_overfill_the_detector(band, complete, loss):
    """What all hold is 4088 px less the field, 2 * 166, and the smile, some 80: 3680 of 4018 to 4227, shifted."""
    mode = make_mode(f"{band}bb", "FINE_MASK", 10000)
    assert find_complete(mode).sum() == complete
    low, high = load_passband(mode.filter).half
    shared = min(high, find_wavelengths(mode, 4091)[0].min()) - max(low, find_wavelengths(mode, 4)[0].max())
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
