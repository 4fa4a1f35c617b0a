"""The reset anomaly is in the first reads, as high as the map says, and gone after some time constants."""

from collections.abc import Callable

import numpy as np

from iris_contract import Exposure, Readout
from iris_simulator import AsBuilt, Blank, observe
from iris_simulator.settling import CONSTANT, HEIGHT

Expose = Callable[..., Exposure]


def test_settling(inner: AsBuilt, expose: Expose) -> None:
    exposure = expose(readout=Readout("UTR", 2, (0.0, CONSTANT, 30 * CONSTANT)))
    ramp, _ = observe(Blank(), exposure, inner, seed=5, night=1, effects=("settling",))
    level = ramp.reads.astype(float) * 2 - 10_000
    assert inner.settling is not None
    assert np.abs(level[..., 0] - inner.settling[:, :, None]).max() <= 1.01
    assert np.abs(level[..., 1] - inner.settling[:, :, None] / np.e).max() <= 1.01
    assert not level[..., 2].any()
    assert abs(inner.settling.mean() - HEIGHT) < 60
