"""Traps give back what they took, no more, later less, and truth tells the mean rate."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from iris_contract import Exposure, Readout
from iris_contract.errors import InputError
from iris_simulator import AsBuilt, Blank, Earlier, UniformSky, observe
from iris_simulator.persistence import SHARES, TIMES, fill_traps, release

Expose = Callable[..., Exposure]


def before(exposure: Exposure, seconds: float, rate: float = 400.0) -> Earlier:
    start = exposure.start - timedelta(seconds=seconds)
    return Earlier(UniformSky(rate), replace(exposure, start=start, number=99))


def test_everything_comes_back_in_the_end() -> None:
    times = np.array([[0.0, 50.0, 1e6]])
    np.testing.assert_allclose(release(times, 1e6).sum(axis=(1, 2)), 1.0)


def test_truth_is_the_rate_that_a_noiseless_detector_shows(inner: AsBuilt, expose: Expose) -> None:
    """Rounding to 2 e- in 100 s.

    90 000 e-, ended 150 s before: 12 e- and 8.5 e- trapped, 8.2 and 0.2 left, 22 and 92 % of that in 100 s.
    """
    exposure = expose(readout=Readout.up_the_ramp(5, 25.0))
    history = [before(exposure, 250.0, 900.0)]
    ramp, truth = observe(Blank(), exposure, inner, seed=5, night=1, effects=("persistence", "flat"), history=history)
    assert truth.persistence is not None
    shown = (ramp.reads[:, :, 0, -1].astype(float) - ramp.reads[:, :, 0, 0]) * 2 / 100
    assert np.abs(shown - truth.persistence).max() < 0.021
    np.testing.assert_allclose(truth.rate_detected, truth.persistence, rtol=1e-6)
    assert abs(np.median(truth.persistence) / 0.0200 - 1) < 0.05


def test_traps_decay_and_later_light_does_not_empty_them(inner: AsBuilt, expose: Expose) -> None:
    exposure = expose(readout=Readout.up_the_ramp(3, 10.0))
    maps = inner.acting(("persistence", "flat", "saturation"))
    assert maps.traps is not None

    def held(*history: Earlier) -> np.ndarray:
        return np.asarray(fill_traps(maps.traps, maps.flat, maps.well, history, exposure, inner.detector, inner.region))

    soon, late = held(before(exposure, 100.0)), held(before(exposure, 500.0))
    np.testing.assert_allclose(late / soon, np.broadcast_to(np.exp(-400 / np.array(TIMES)), soon.shape), rtol=1e-6)
    np.testing.assert_allclose(held(before(exposure, 500.0), before(exposure, 100.0, 1e-9)), late, rtol=1e-5)
    assert np.all(held(before(exposure, 500.0), before(exposure, 100.0, 100.0)) >= late)
    full = held(before(exposure, 20.1, 1e6))
    share = 1 - np.exp(-20 / 10)
    decayed = np.array(SHARES) * 1e5 * share
    assert np.all(np.median(full, axis=(0, 1)) < 1.2 * decayed)
    assert np.all(np.median(full, axis=(0, 1)) > 0.8 * decayed)


def test_history_must_be_earlier(inner: AsBuilt, expose: Expose) -> None:
    exposure = expose()
    with pytest.raises(InputError, match="must end before"):
        observe(Blank(), exposure, inner, seed=1, night=1, history=[before(exposure, -1.0)])
