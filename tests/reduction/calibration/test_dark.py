import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from iris_contract.dq import DQ, has
from iris_reduction.calibration import RateFrame, combine_darks


def frame(rate, error, dq=0):
    return RateFrame(np.full((3, 3), rate, "f4"), np.full((3, 3), error, "f4"), np.full((3, 3), dq, "u4"))


@given(st.lists(st.tuples(st.floats(-1, 1), st.floats(0.01, 1)), min_size=1, max_size=5))
def test_inverse_variance_mean(values):
    result = combine_darks([frame(*value) for value in values])
    rates, errors = np.array(values, "f4").astype(float).T
    weights = errors**-2
    assert np.allclose(result.rate, (weights * rates).sum() / weights.sum(), atol=1e-5)
    assert np.allclose(result.error, weights.sum() ** -0.5, rtol=1e-5)


def test_one_frame_passes_and_flags_of_the_exposure_do_not():
    result = combine_darks([frame(0.5, 0.1, DQ["JUMP_DET"] | DQ["SATURATED"] | DQ["WARM"])])
    assert (result.rate == np.float32(0.5)).all()
    assert (result.dq == DQ["WARM"]).all()


def test_unmeasured_and_unreliable_pixels():
    one = frame(0.1, 0.01)
    one.error[0, 0], one.error[1, 1], one.rate[0, 0] = 0, 0.05, 3
    result = combine_darks([one])
    assert (result.rate[0, 0], result.error[0, 0]) == (0, 0)
    assert np.argwhere(has(result.dq, "DO_NOT_USE")).tolist() == [[0, 0]]
    assert np.argwhere(has(result.dq, "UNRELIABLE_DARK")).tolist() == [[1, 1]]
    both = combine_darks([one, frame(0.1, 0.01)])
    assert not has(both.dq, "DO_NOT_USE").any()
