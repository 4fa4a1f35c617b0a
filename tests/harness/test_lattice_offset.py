"""Frames of the simulated spectrograph whose detector stands a step of the lattice off: refused, not misnamed."""

import numpy as np
import pytest

from iris_contract import Subarray, load_instrument
from iris_contract.errors import InputError
from iris_contract.lenslet import LensletMode
from iris_reduction.arc_lines.image import make_arc_image
from iris_reduction.arc_lines.measurement import measure_arcs
from iris_reduction.calibration.frame import RateFrame
from iris_simulator.lenslet import ArcLamp, build_scene, build_spectrograph

MODE = LensletMode(4.0, "FINE_MASK", "4000-K", "KN3")
REGION, WIDER = Subarray(1409, 1969, 1280, 160), Subarray(1349, 1959, 1400, 180)
LAMPS, SECONDS, NOISE = ("ARGON", "XENON"), 60.0, 0.3


@pytest.fixture(scope="module")
def take():
    """A function that takes arcs of a minute, with noise, by a detector that is moved by px along and across."""
    built = build_spectrograph(MODE, WIDER, seed=1)
    scenes = {lamp: build_scene(built, [ArcLamp(lamp, rate=3000.0)], night=1, exposure=4) for lamp in LAMPS}

    def take(lamp, along, across):
        seen = Subarray(REGION.xstart - along, REGION.ystart - across, REGION.xsize, REGION.ysize)
        rate = scenes[lamp].rate(load_instrument().detector("IFU"), seen)
        rng = np.random.default_rng((len(lamp), along + 99, across + 99))
        shown = rng.poisson(rate * SECONDS) / SECONDS + NOISE * rng.standard_normal(rate.shape)
        error = np.sqrt(NOISE**2 + np.maximum(shown, 0) / SECONDS).astype(np.float32)
        good = np.zeros(rate.shape, np.uint32)
        lit, dark = RateFrame(shown.astype(np.float32), error, good), RateFrame(0 * error, error, good)
        return make_arc_image(f"{lamp.lower()}.fits", lamp, lit, dark, REGION)

    return take


@pytest.mark.parametrize("moved", [(0, 0), (-8, -1), (8, 1)])
def test_less_than_half_a_step_is_found_and_named_rightly(take, moved):
    measured = measure_arcs([take(lamp, *moved) for lamp in LAMPS], MODE, {})
    assert measured.edge_seen
    assert measured.agreed.sum() > 600


@pytest.mark.parametrize("moved", [(28, 2), (27, 2), (-28, -2), (55, 4)])
def test_a_step_of_the_lattice_is_refused(take, moved):
    side = "27.5 px along and 2.0" if moved[0] > 0 else "-27.5 px along and -2.0"
    with pytest.raises(InputError, match=f"argon.fits: LLMSKST='FINE_MASK': light is a column of lenslets off, {side}"):
        measure_arcs([take(lamp, *moved) for lamp in LAMPS], MODE, {})
