import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iris_reduction.kernels.persistence import Afterimage, fill_traps, find_slopes, release_charge

CONSTANTS = np.array([40.0, 400.0])


@given(st.floats(0.5, 2.0), st.floats(0, 1e5), st.floats(0, 1000))
def test_one_exposure_in_closed_form(power, charge, delay):
    held = fill_traps([Afterimage(np.full((1, 1), charge), delay)], CONSTANTS, 5e4, power)
    np.testing.assert_allclose(held[0, 0], 5e4 * (charge / 5e4) ** power * np.exp(-delay / CONSTANTS), rtol=1e-5)


def test_traps_take_no_more_than_is_left_to_fill():
    """A bright exposure before a faint one counts where it left more, separately for each kind of trap."""
    bright, faint = Afterimage(np.full((1, 1), 8e4), 300.0), Afterimage(np.full((1, 1), 2e4), 0.0)
    held = fill_traps([bright, faint], CONSTANTS, 1e5, 1.0)[0, 0]
    np.testing.assert_allclose(held, [2e4, 8e4 * np.exp(-300 / 400)], rtol=1e-5)
    assert np.array_equal(held, fill_traps([faint, bright], CONSTANTS, 1e5, 1.0)[0, 0])
    assert (fill_traps([Afterimage(np.full((1, 1), -50.0), 0.0)], CONSTANTS, 1e5, 1.5) == 0).all()


def test_all_is_released_in_the_end_once():
    times = np.array([[0.0, 50.0, 100.0]] * 200)
    seen = release_charge(times, 100.0, CONSTANTS)
    assert (seen[:, :, 0] == 0).all()
    np.testing.assert_allclose(seen[:, :, -1].sum(axis=1), 1.0)


def test_a_line_sees_less_of_what_fades_than_the_mean():
    times = np.linspace(0, 190, 20)[None]
    mean, line = (find_slopes(times, 190.0, CONSTANTS, straight) for straight in (False, True))
    np.testing.assert_allclose(mean, -np.expm1(-190 / CONSTANTS) / 190)
    fitted = [np.polyfit(times[0], release_charge(times, 190.0, CONSTANTS)[j, 0], 1)[0] for j in (0, 1)]
    np.testing.assert_allclose(line, fitted)
    assert line[0] < 0.8 * mean[0]
    steady = find_slopes(times, 190.0, np.array([1e7]), True)
    assert steady == pytest.approx(1e-7, rel=1e-3)
