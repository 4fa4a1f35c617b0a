"""Read noise per output: noisy pixels are right on average in the square, 2 % fails."""

import numpy as np
import pytest

from iris_contract import DQ, Subarray

REGION = Subarray(1, 1, 128, 300)
FREEDOM = 190


def judge_noises(bench, factor, **true):
    built = bench.as_built(REGION, **true)
    rows = []
    for night in range(1, 9):
        square = np.random.default_rng(night).chisquare(FREEDOM, REGION.shape) / FREEDOM
        rows.append(
            bench.reference("readnoise", night, REGION, "read_noise", DATA=built.read_noise * np.sqrt(square) * factor)
        )
    return bench.verdicts(rows)


@pytest.mark.parametrize(("factor", "word"), [(1.0, "PASS"), (0.98, "FAIL"), (1.02, "FAIL"), (2**0.5, "FAIL")])
def test_verdicts(bench, factor, word):
    verdicts = judge_noises(bench, factor)
    assert verdicts == {("read_noise.relative_error", f"output={n}"): word for n in (0, 1)}


def test_reference_pixels_and_flags_are_left_out(bench):
    built = bench.as_built(REGION)
    data, dq = built.read_noise.copy(), np.zeros(REGION.shape)
    data[:4] = data[:, :4] = 500.0
    data[100], dq[100] = np.nan, DQ["DO_NOT_USE"]
    row = bench.reference("readnoise", 1, REGION, "read_noise", DATA=data, DQ=dq)
    assert [s.value for s in bench.sample([row])] == pytest.approx([0, 0], abs=1e-6)


def test_without_read_noise_it_does_not_apply(bench):
    verdicts = judge_noises(bench, 1.0, read_noise=np.zeros(REGION.shape))
    assert set(verdicts.values()) == {"NOT_APPLICABLE"}
