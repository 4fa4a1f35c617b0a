"""Dark current is a Poisson stream of its own."""

from collections.abc import Callable

import numpy as np

from iris_contract import DQ, Exposure, Readout
from iris_contract.dq import has
from iris_simulator import AsBuilt, Blank, UniformSky, observe

Expose = Callable[..., Exposure]
LONG = Readout("UTR", 8, (0.0, 4000.0))


def test_dark_has_mean_and_variance_of_the_map(inner: AsBuilt, expose: Expose) -> None:
    """Sum over pixels of counts and of squared deviations within 4.4 standard errors; read at 2 e-/DN."""
    effects = ("photon_noise", "dark", "bad_pixels")
    ramp, truth = observe(Blank(), expose(readout=LONG), inner, seed=5, night=1, effects=effects)
    charge = 2 * np.diff(ramp.reads.astype(float), axis=-1)[..., 0]
    mean = 4000 * inner.dark[..., None] * np.ones(8)
    good = ~has(truth.cause, "SATURATED")
    np.testing.assert_array_equal(truth.rate_detected, inner.dark)
    assert abs((charge - mean)[good].sum()) < 4.4 * np.sqrt((mean + 1 / 3)[good].sum())
    pull = ((charge - mean) ** 2 / (mean + 1 / 3))[good]
    assert abs(pull.mean() - 1) < 4.4 * np.sqrt((2 + 1 / mean[good]).mean() / pull.size)


def test_hot_and_warm_pixels_are_where_the_map_has_them(inner: AsBuilt, expose: Expose) -> None:
    exposure = expose(readout=Readout("UTR", 1, (0.0, 200.0)))
    ramp, truth = observe(Blank(), exposure, inner, seed=5, night=1, effects=("dark", "bad_pixels", "saturation"))
    rate = 2 * np.diff(ramp.reads[:, :, 0].astype(float), axis=-1)[..., 0] / 200
    for name, low, high in (("HOT", 1.0, np.inf), ("WARM", 0.2, 1.0)):
        there = truth.cause & DQ[name] != 0
        assert there.sum() > 50
        np.testing.assert_array_equal(there, (rate > low) & (rate < high))


def test_light_does_not_change_the_dark_that_arrives(inner: AsBuilt, expose: Expose) -> None:
    """The dark electrons, found as the difference that the effect makes, are those without light; +-1 DN each."""
    exposure = expose(readout=Readout.up_the_ramp(3, 2000.0))
    made = []
    for rate in (0.0, 2.0):
        with_dark, without = (
            observe(UniformSky(rate), exposure, inner, seed=5, night=1, effects=effects)[0].reads.astype(int)
            for effects in (("photon_noise", "dark"), ("photon_noise",))
        )
        made.append(with_dark - without)
    assert np.abs(made[0] - made[1]).max() <= 2
    assert made[0].max() > 10
