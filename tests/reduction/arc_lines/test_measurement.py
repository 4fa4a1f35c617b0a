"""Lines of a strip of the detector found from the design alone, however it was built."""

from dataclasses import replace

import numpy as np
import pytest

from iris_contract.errors import InputError
from iris_contract.lenslet import load_passband
from iris_reduction.arc_lines.measurement import measure_arcs
from iris_reduction.arc_lines.pattern import list_lines, predict_points
from iris_reduction.arc_lines.registration import register

LAMPS = ("ARGON", "KRYPTON", "XENON")


def find_errors(built, measured):
    """Errors in px (k,) of the lines that agreed, along and across."""
    nm, which = np.unique(measured.points.wavelength, return_inverse=True)
    x, y = built.place(nm)
    spectrum, agreed = measured.points.spectrum, measured.agreed
    return ((measured.centroids.x - x[spectrum, which])[agreed], (measured.centroids.y - y[spectrum, which])[agreed])


def measure(built, lamps=LAMPS, **options):
    return measure_arcs([built.take(lamp, **options) for lamp in lamps], built.mode, built.mode.to_header())


@pytest.mark.parametrize(
    ("shift", "turn", "stretch"),
    [((8.5, 2.0), 9e-4, 1e-3), ((-8.5, -3.0), -9e-4, -1e-3), ((0.0, 0.0), 0.0, 0.0)],
)
def test_lines_are_found_wherever_the_spectrograph_was_built(build, shift, turn, stretch):
    """Shifts of three standard deviations of the tilt; no line is taken for another, none is a tenth of a pixel off."""
    built = build(shift=shift, turn=turn, stretch=stretch)
    along, across = find_errors(built, measured := measure(built))
    assert measured.agreed.sum() > 650
    assert np.abs(along).max() < 0.1
    assert np.abs(across).max() < 0.1
    assert abs(along.mean()) < 2e-3


def test_flexure_of_exposures_is_found(build):
    """Krypton is taken 0.06 px to the right and 0.04 px lower; list errors hold its two lines to 0.005 px and 5 %."""
    still, moved = build(shift=(6.3, -1.8)), build(shift=(6.36, -1.84))
    images = [still.take("ARGON"), moved.take("KRYPTON")]
    shifts = measure_arcs(images, still.mode, still.mode.to_header()).places.shifts
    np.testing.assert_allclose(shifts.sum(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(shifts[1] - shifts[0], [0.06, -0.04], atol=0.01)


def test_errors_of_lines_are_as_stated(build):
    """Pulls of 680 lines: width 1 within a tenth, or less for bright lines, whose 1 % of the model is not there."""
    built = build(seed=2)
    measured = measure(built)
    along, across = find_errors(built, measured)
    error = measured.centroids.x_error[measured.agreed]
    faint = error > 0.01
    assert (along / error)[faint].std() == pytest.approx(1, abs=0.12)
    assert 0.6 < (along / error)[~faint].std() < 1.1
    assert (across / measured.centroids.y_error[measured.agreed])[faint].std() == pytest.approx(1, abs=0.12)


def test_what_disturbs_is_not_measured(build, spot):
    """Lines in no list, cosmic rays, lines that are missing, a dark lenslet; nothing used is a fifth of a pixel off."""
    built = build(seed=3)
    rng = np.random.default_rng(4)
    ny, nx = built.region.shape
    extra = np.zeros((ny, nx))
    for x, y in zip(rng.uniform(10, nx - 10, 60), rng.uniform(10, ny - 10, 60), strict=True):
        spot(extra, x, y, 200.0, built.sigma)
    extra[rng.integers(0, ny, 200), rng.integers(0, nx, 200)] += 300.0
    missing = max(built.lines["ARGON"])
    del built.lines["ARGON"][missing]
    lit = np.ones(2048, bool)
    x, y = built.place([2150.0])
    dark = np.flatnonzero((y[:, 0] > 1950) & (y[:, 0] < 2000))[3]
    lit[dark] = False
    measured = measure(built, extra=extra, lit=lit)
    along, across = find_errors(built, measured)
    assert measured.agreed.sum() > 500
    assert np.abs(along).max() < 0.2
    assert np.abs(across).max() < 0.2
    used = measured.points.take(measured.agreed)
    assert missing not in used.wavelength
    assert dark not in used.spectrum


def test_registration_decides_the_shift_of_the_whole(build):
    """From the design alone, 8.5 and -3 px of shift to half a pixel."""
    built = build(shift=(8.5, -3.0))
    image, lines = built.take("ARGON"), list_lines("ARGON", load_passband("KN3"))
    plain = build(shift=(0.0, 0.0), turn=0.0, stretch=0.0, scatter=0.0)
    x, y = plain.place(lines.wavelength)

    def place(spectrum, wavelength):
        line = np.searchsorted(lines.wavelength, wavelength)
        return x[spectrum, line], y[spectrum, line]

    designed = predict_points([image], [lines], 2048, place)
    moved = register([image], designed).move(designed.x, designed.y)
    true = built.place(lines.wavelength)
    assert np.abs(moved[0] - true[0][designed.spectrum, designed.line]).max() < 0.8
    assert np.abs(moved[1] - true[1][designed.spectrum, designed.line]).max() < 0.8


def test_saturated_lines_are_left_out_and_a_lamp_of_only_such_is_told(build):
    """The brightest line of krypton is full, the other is not."""
    built = build(seed=5)
    measured = measure_arcs(
        [built.take("ARGON"), built.take("KRYPTON", saturated_above=20.0)], built.mode, built.mode.to_header()
    )
    bright = max(built.lines["KRYPTON"], key=built.lines["KRYPTON"].get)
    assert bright not in measured.points.wavelength[measured.agreed]
    with pytest.raises(InputError, match=r"krypton.fits: CALLAMP='KRYPTON': all lines.*saturated"):
        measure_arcs(
            [built.take("ARGON"), built.take("KRYPTON", saturated_above=2.0)], built.mode, built.mode.to_header()
        )


def test_a_frame_that_is_saturated_everywhere_is_told(build):
    built = build(seed=5)
    full = built.take("KRYPTON", saturated_above=-1e9)
    with pytest.raises(InputError, match=r"krypton.fits: CALLAMP='KRYPTON': most pixels are saturated"):
        measure_arcs([built.take("ARGON"), full], built.mode, built.mode.to_header())


def test_a_lamp_that_was_off_is_told_even_if_hits_are_there(build):
    """Forty hits of three pixels are spots: enough for light, none of them a line of most spectra."""
    built = build(seed=5)
    lamp = built.take("KRYPTON")
    rng = np.random.default_rng(3)
    dark = rng.normal(0, np.sqrt(lamp.floor)).astype(np.float32)
    for y, x in rng.integers(5, np.array(dark.shape) - 5, (40, 2)):
        dark[y - 1 : y + 2, x - 1 : x + 2] += np.float32(200 * np.sqrt(lamp.floor[y, x]))
    off = replace(lamp, rate=dark)
    with pytest.raises(InputError, match=r"krypton.fits: CALLAMP='KRYPTON': (no line of this lamp|.*leave the exp)"):
        measure_arcs([built.take("ARGON"), off], built.mode, built.mode.to_header())


def test_an_element_without_lines_in_the_filter_is_told():
    with pytest.raises(InputError, match=r"CALLAMP='FLAT'"):
        list_lines("FLAT", load_passband("KN3"))


def test_strengths_are_those_that_the_filter_passes():
    lines = list_lines("ARGON", load_passband("KN3"))
    assert lines.strength.max() == 1.0
    assert (lines.strength > 1e-3).all()
    low, high = load_passband("KN3").support()
    assert ((lines.wavelength > low) & (lines.wavelength < high)).all()
