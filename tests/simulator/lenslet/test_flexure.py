"""Flexure drifts slowly, alike whatever is asked first."""

import numpy as np

from iris_simulator.lenslet.flexure import flex


def test_drift_is_slow() -> None:
    """60 nights of 20 steps in two directions: rms known to 1.5 %, limits 5 sigma."""
    shifts = np.array([[flex(3, night, exposure) for exposure in range(21)] for night in range(60)])
    assert 0.027 < np.diff(shifts, axis=1).std() < 0.033
    assert 0.08 < shifts[:, 0].std() < 0.12
    assert abs(np.corrcoef(shifts[:, 0].ravel(), shifts[:, 1].ravel())[0, 1]) > 0.9


def test_depends_on_night_and_seed_only() -> None:
    np.testing.assert_array_equal(flex(1, 2, 7), flex(1, 2, 7))
    assert not np.allclose(flex(1, 2, 7), flex(1, 3, 7))
    assert not np.allclose(flex(1, 2, 7), flex(2, 2, 7))
