"""The mean curve passes through the anchors, and what truth says of levels is what reads show."""

from collections.abc import Callable

import numpy as np

from iris_contract import Exposure, Readout
from iris_simulator import AsBuilt, UniformSky, observe
from iris_simulator.nonlinearity import BEND, LOSS, bend_signal

Expose = Callable[..., Exposure]


def show(charge: float) -> float:
    cube = np.full((1, 1, 1, 1), charge)
    bend_signal(cube, np.full((1, 1), LOSS), np.full((1, 1), BEND))
    return float(cube[0, 0, 0, 0])


def test_anchors_of_the_osiris_detectors() -> None:
    """1 % at 44 500 e-, 5 % at 80 000 e-; the OSIRIS page gives whole per cent."""
    assert abs(1 - show(44_500) / 44_500 - 0.01) < 5e-5
    assert abs(1 - show(80_000) / 80_000 - 0.05) < 1e-9


def test_signal_grows_with_charge_up_to_the_deepest_well() -> None:
    shown = [show(q) for q in np.arange(-500.0, 111_000, 500)]
    assert np.all(np.diff(shown) > 0)
    assert show(-300.0) == -300.0


def test_levels_of_truth_are_what_a_noiseless_pixel_shows(inner: AsBuilt, expose: Expose) -> None:
    """40 000 e- in 100 s; reads are rounded to 2 e-."""
    exposure = expose(readout=Readout.up_the_ramp(2, 100.0))
    ramp, _ = observe(UniformSky(400.0), exposure, inner, seed=5, night=1, effects=("nonlinearity",))
    shown = (ramp.reads[:, :, 0, 1].astype(float) - ramp.reads[:, :, 0, 0]) * 2
    assert inner.signal is not None
    assert inner.levels is not None
    assert np.abs(shown - inner.signal[:, :, list(inner.levels).index(40_000)]).max() <= 1.01
