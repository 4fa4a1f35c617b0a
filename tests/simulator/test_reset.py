"""Reset noise is one value per pixel and ramp."""

from collections.abc import Callable

import numpy as np

from iris_contract import Detector, Exposure, Readout
from iris_simulator import AsBuilt, Blank, observe

Expose = Callable[..., Exposure]


def test_reset_shifts_whole_ramps(inner: AsBuilt, expose: Expose, detector: Detector) -> None:
    """Equal reads within a ramp; between ramps and pixels independent and of 35 e-, within 4.4 standard errors."""
    exposure = expose(readout=Readout.up_the_ramp(4, 5.0, ramps=3))
    ramp, _ = observe(Blank(), exposure, inner, seed=5, night=1, effects=("reset_noise",))
    assert np.all(np.ptp(ramp.reads, axis=-1) == 0)
    pedestal = 2 * (ramp.reads[..., 0].astype(float) - 5000)
    variance = detector.ktc_noise**2 + 2.0**2 / 12
    assert abs(pedestal.mean()) < 4.4 * np.sqrt(variance / pedestal.size)
    assert abs(np.mean(pedestal**2) / variance - 1) < 4.4 * np.sqrt(2 / pedestal.size)
    correlation = np.corrcoef(pedestal.reshape(-1, 3).T)[np.triu_indices(3, 1)]
    assert np.all(np.abs(correlation) < 4.4 / np.sqrt(pedestal.size / 3))
