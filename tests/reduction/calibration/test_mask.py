import numpy as np
import pytest

from iris_contract import load_instrument
from iris_contract.dq import DQ, describe
from iris_reduction.calibration import classify_pixels, find_bad_reference_pixels

IMG1 = load_instrument().detector("IMG1")


@pytest.mark.parametrize(
    ("dark", "dark_dq", "response", "response_dq", "classes"),
    [
        (0.005, 0, 1.0, 0, []),
        (0.21, 0, 1.0, 0, ["WARM"]),
        (1.01, 0, 1.0, 0, ["HOT"]),
        (0.0, 0, 0.49, 0, ["LOW_QE"]),
        (0.0, 0, 0.09, 0, ["DEAD"]),
        (0.0, 0, -0.01, 0, ["DEAD"]),
        (2.0, 0, 0.3, 0, ["HOT", "LOW_QE"]),
        (0.0, DQ["DO_NOT_USE"] | DQ["SATURATED"], 1.0, 0, ["HOT"]),
        (0.0, DQ["DO_NOT_USE"], 1.0, 0, []),
        (0.0, 0, 0.0, DQ["DO_NOT_USE"], []),
        (9.0, DQ["NON_SCIENCE"], 0.0, 0, []),
    ],
)
def test_limits(dark, dark_dq, response, response_dq, classes):
    planes = np.full((1, 1), dark, "f4"), np.full((1, 1), dark_dq, "u4"), np.full((1, 1), response, "f4")
    bits = classify_pixels(*planes, np.full((1, 1), response_dq, "u4"), IMG1)
    assert sorted(describe(int(bits[0, 0]))) == sorted(classes)


def make_border(rng, ramps=10, reads=20):
    level = 5000 + 15 * rng.standard_normal((4, 128, 1, 1)) + 17 * rng.standard_normal((4, 128, ramps, 1))
    return level + 5.5 * rng.standard_normal((4, 128, ramps, reads))


def test_bad_reference_pixels_by_noise_level_and_drift():
    rng = np.random.default_rng(5)
    reads = make_border(rng)
    reads[0, 3] += 20 * rng.standard_normal((10, 20))
    reads[1, 70] += 400
    reads[2, 90] += 2 * np.arange(20)
    found = find_bad_reference_pixels(reads.astype(np.float32), np.ones((4, 128), bool), np.arange(128) // 64)
    assert sorted(map(tuple, np.argwhere(found).tolist())) == [(0, 3), (1, 70), (2, 90)]


def test_healthy_reference_pixels_pass():
    """Five borders of 512 pixels, three scores each at 6 robust sigma: false alarm below 1e-4."""
    rng = np.random.default_rng(6)
    for _ in range(5):
        assert not find_bad_reference_pixels(make_border(rng), np.ones((4, 128), bool), np.arange(128) // 64).any()
