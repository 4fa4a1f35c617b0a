"""Telegraph pixels switch as often and as high as their maps say, and truth marks those that did."""

from collections.abc import Callable

import numpy as np

from iris_contract import Exposure, Readout
from iris_contract.dq import has
from iris_simulator import AsBuilt, Blank, observe
from iris_simulator.telegraph import FRACTION, HEIGHTS, SWITCHING

Expose = Callable[..., Exposure]


def test_share_and_heights(inner: AsBuilt) -> None:
    """Binomial, within 4.4 standard errors."""
    heights = inner.telegraph
    assert heights is not None
    chosen = heights > 0
    assert abs(chosen.mean() - FRACTION) < 4.4 * np.sqrt(FRACTION / chosen.size)
    assert HEIGHTS[0] <= heights[chosen].min() < heights[chosen].max() <= HEIGHTS[1]


def test_reads_take_two_levels_and_truth_marks_who_switched(inner: AsBuilt, expose: Expose) -> None:
    exposure = expose(readout=Readout.up_the_ramp(12, 5.0, ramps=2))
    ramp, truth = observe(Blank(), exposure, inner, seed=5, night=1, effects=("telegraph", "bad_pixels"))
    assert inner.telegraph is not None
    level = ramp.reads.astype(float) * 2 - 10_000
    switched = np.any(np.ptp(level, axis=-1) > 0, axis=-1)
    np.testing.assert_array_equal(switched, has(truth.cause, "TELEGRAPH"))
    heights = np.broadcast_to(inner.telegraph[:, :, None, None], level.shape)
    assert np.all(np.minimum(np.abs(level), np.abs(level - heights)) <= 1.01)
    flips = np.diff(level[inner.telegraph > 0], axis=-1) != 0
    assert abs(flips.mean() - SWITCHING) < 4.4 * np.sqrt(SWITCHING * (1 - SWITCHING) / flips.size)
