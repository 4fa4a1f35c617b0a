import numpy as np
import pytest

from iris_contract.dq import DQ, has
from iris_contract.errors import InputError
from iris_reduction.calibration import RateFrame, combine_flats

SHAPE = (60, 60)


def observe(rng, level, response, error):
    noise = error * rng.standard_normal(SHAPE)
    return RateFrame((level * response + noise).astype("f4"), np.full(SHAPE, error, "f4"), np.zeros(SHAPE, "u4"))


def test_pulls_have_unit_width():
    """Two levels of unequal error and a noisy common off frame: 3600 pulls, width within 5 sigma (6e-7)."""
    rng = np.random.default_rng(1)
    response = rng.uniform(0.9, 1.1, SHAPE)
    response /= np.median(response)
    lit = [observe(rng, 500.0, response, 3.0), observe(rng, 2000.0, response, 4.0)]
    result = combine_flats(lit, observe(rng, 0.0, response, 2.0))
    pulls = (result.rate - response) / result.error
    assert abs(pulls.std() - 1) < 5 / np.sqrt(2 * pulls.size)
    assert np.median(result.rate) == pytest.approx(1, abs=1e-6)
    lever = 500 * 500 / 9 + 2000 * 2000 / 16
    of_off = 2.0 * (500 / 9 + 2000 / 16) / lever
    assert np.median(result.error) == pytest.approx(np.hypot(lever**-0.5, of_off), rel=0.01)


def test_flags_and_unmeasured_pixels():
    rng = np.random.default_rng(2)
    response = np.ones(SHAPE)
    response[3, 3] = 0.01
    on, off = observe(rng, 2000.0, response, 4.0), observe(rng, 0.0, response, 1.0)
    on.error[1, 1] = 0
    on.dq[2, 2], off.dq[4, 4] = DQ["JUMP_DET"] | DQ["WARM"], DQ["NON_SCIENCE"] | DQ["DO_NOT_USE"]
    result = combine_flats([on], off)
    assert (result.rate[1, 1], result.error[1, 1]) == (1, 0)
    assert has(result.dq, "DO_NOT_USE")[1, 1]
    assert result.dq[2, 2] == DQ["WARM"]
    assert has(result.dq, "UNRELIABLE_FLAT")[3, 3]
    assert (result.rate[4, 4], result.error[4, 4]) == (1, 0)


def test_refusals():
    rng = np.random.default_rng(3)
    off = observe(rng, 0.0, np.ones(SHAPE), 1.0)
    with pytest.raises(InputError, match="lamp adds no light"):
        combine_flats([observe(rng, -5.0, np.ones(SHAPE), 0.1)], off)
    off.dq[:] = DQ["DO_NOT_USE"]
    with pytest.raises(InputError, match="no pixel"):
        combine_flats([observe(rng, 5.0, np.ones(SHAPE), 0.1)], off)
