"""The chain's result does not depend on tiles or threads; reference pixels see none of the light."""

from collections.abc import Callable

import numba
import numpy as np
import pytest

from iris_contract import Exposure, Readout, Subarray
from iris_simulator import AsBuilt, Ladder, UniformSky, chain, observe

Expose = Callable[..., Exposure]
CORNER = Subarray(1, 1, 70, 40)
SCENE = Ladder((0.1, 5.0, 300.0), block=4)


def take(as_built: AsBuilt, exposure: Exposure) -> np.ndarray:
    return observe(SCENE, exposure, as_built, seed=5, night=1, cosmic_ray_boost=3e4)[0].reads


def test_tiles_do_not_matter(corner: AsBuilt, expose: Expose, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = take(corner, expose(CORNER))
    for tile in ((1, 1), (7, 70 * 5 * 7), (32, 23 * 5 * 32)):
        monkeypatch.setattr(chain, "TILE", tile)
        np.testing.assert_array_equal(take(corner, expose(CORNER)), whole)


def test_threads_do_not_matter(corner: AsBuilt, expose: Expose, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain, "TILE", (1, 70 * 5))
    results = []
    for threads in (1, numba.config.NUMBA_NUM_THREADS):
        before = numba.get_num_threads()
        numba.set_num_threads(threads)
        results.append(take(corner, expose(CORNER)))
        numba.set_num_threads(before)
    monkeypatch.setattr(numba, "get_num_threads", lambda: 5)
    results.append(take(corner, expose(CORNER)))
    for other in results[1:]:
        np.testing.assert_array_equal(other, results[0])


def test_reference_pixels_collect_nothing(corner: AsBuilt, expose: Expose) -> None:
    """Without read noise every read of a ramp is the same there, whatever shines, leaks or hits."""
    effects = ("photon_noise", "dark", "flat", "bad_pixels", "cosmic_rays", "reset_noise", "offsets", "gain_spread")
    exposure = expose(CORNER, Readout.up_the_ramp(4, 20.0, ramps=2))
    ramp, truth = observe(UniformSky(500.0), exposure, corner, seed=5, night=1, effects=effects, cosmic_ray_boost=1e5)
    reference = corner.region.reference_pixels(corner.detector)
    assert reference.sum() == 40 * 4 + 66 * 4
    assert np.all(np.ptp(ramp.reads[reference], axis=-1) == 0)
    assert np.all(np.ptp(ramp.reads[~reference], axis=-1) > 0)
    assert np.all(truth.rate_scene[reference] == 0)
    assert np.all(truth.rate_detected[reference] == 0)


def test_offsets_act_on_every_pixel(corner: AsBuilt, expose: Expose) -> None:
    ramp, _ = observe(UniformSky(0.0), expose(CORNER), corner, seed=5, night=1, effects=("offsets",))
    np.testing.assert_array_equal(ramp.reads[..., 0, 0], np.rint(corner.offset))
