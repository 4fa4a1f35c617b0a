"""A guide window is a hole in the science frame, told in header and truth, and a raw file of its own."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from iris_contract import DQ, Exposure, GuideWindow, Readout, Subarray
from iris_contract.errors import InputError
from iris_contract.frames import read_guide_window
from iris_simulator import AsBuilt, UniformSky, chain, observe

Expose = Callable[..., Exposure]
AREA = Subarray(1051, 1231, 20, 24)
WINDOW = GuideWindow(AREA, 0.07)
SKY = UniformSky(200.0)


@pytest.fixture(scope="module")
def guided(expose: Expose) -> Exposure:
    return expose(readout=Readout.up_the_ramp(5, 9.0, ramps=2), guide_window=WINDOW)


def hole_of(built: AsBuilt) -> tuple[slice, slice]:
    return AREA.cut_from(built.region)


def test_the_hole_shows_no_ramp(inner: AsBuilt, guided: Exposure) -> None:
    """Pedestal and noise, and at most an interval of 200 e-/s: 14 e- where the others collect 7200 e-.

    The pixels at its rim show what their neighbours couple to them, 1.25 % of 7200 e- from each.
    """
    ramp, truth = observe(SKY, guided, inner, seed=5, night=1, effects=("photon_noise", "flat", "read_noise", "ipc"))
    inside = np.zeros(inner.region.shape, dtype=bool)
    inside[hole_of(inner)] = True
    rise = 2.0 * (ramp.reads[..., -1].astype(float) - ramp.reads[..., 0])
    rows, columns = hole_of(inner)
    core = rise[rows.start + 1 : rows.stop - 1, columns.start + 1 : columns.stop - 1]
    assert np.abs(core.mean()) < 14 + 1
    assert np.abs(rise[inside]).max() < 7 * 11 * np.sqrt(2) + 14 + 2.4 * 90
    assert np.median(rise[~inside]) == pytest.approx(7200, rel=0.02)
    assert np.all(truth.cause[inside] & DQ["NON_SCIENCE"])
    assert not np.any(truth.cause[~inside] & DQ["NON_SCIENCE"])
    assert np.median(truth.rate_detected[inside]) == 0


def test_mean_charge_is_that_since_the_last_guide_reset(inner: AsBuilt, guided: Exposure) -> None:
    """Without noise but photons', 480 pixels: mean within 4.4 standard errors, reads independent of each other."""
    effects = ("photon_noise", "flat")
    scene = UniformSky(2000.0)
    ramp, _ = observe(scene, guided, inner, seed=5, night=1, effects=effects)
    charge = 2.0 * (ramp.reads[hole_of(inner)].astype(float) - 5000)
    flat = inner.acting(effects).flat[hole_of(inner)].mean()
    for read, time in enumerate(guided.readout.times):
        expected = 2000 * flat * np.mod(time, 0.07)
        error = 4.4 * np.sqrt((expected + 1) / (AREA.xsize * AREA.ysize * 2)) + 1e-9
        assert charge[..., read].mean() == pytest.approx(expected, abs=error)
    later = charge[..., 1:].reshape(-1, 4)
    later -= later.mean(axis=0)
    correlation = (later[:, 1:] * later[:, :-1]).mean() / later.var()
    assert abs(correlation) < 4.4 / np.sqrt(later.shape[0] * 3) + 0.05


def test_reset_noise_is_new_in_every_read(inner: AsBuilt, guided: Exposure) -> None:
    """Differences of reads carry it twice in the window, and not at all outside."""
    ramp, _ = observe(UniformSky(0.0), guided, inner, seed=5, night=1, effects=("reset_noise",))
    step = 2.0 * np.diff(ramp.reads.astype(float), axis=-1)
    window = step[hole_of(inner)].copy()
    step[hole_of(inner)] = 0
    assert not step.any()
    assert window.std() == pytest.approx(np.sqrt(2) * inner.detector.ktc_noise, rel=0.06)


def test_outside_and_tiles(inner: AsBuilt, guided: Exposure, monkeypatch: pytest.MonkeyPatch) -> None:
    """The window changes no draw outside, but for the coupling of the pixels at its rim; tiles do not matter."""
    ramp, truth = observe(SKY, guided, inner, seed=5, night=1, cosmic_ray_boost=1e4)
    plain, _ = observe(SKY, replace(guided, guide_window=None), inner, seed=5, night=1, cosmic_ray_boost=1e4)
    rows, columns = hole_of(inner)
    near = np.zeros(inner.region.shape, dtype=bool)
    near[rows.start - 1 : rows.stop + 1, columns.start - 1 : columns.stop + 1] = True
    np.testing.assert_array_equal(ramp.reads[~near], plain.reads[~near])
    assert len(truth.events) > 0
    inside = np.zeros(inner.region.shape, dtype=bool)
    inside[rows, columns] = True
    assert not inside[truth.events["Y"], truth.events["X"]].any()
    monkeypatch.setattr(chain, "TILE", (7, 23 * 10 * 7))
    again, _ = observe(SKY, guided, inner, seed=5, night=1, cosmic_ray_boost=1e4)
    np.testing.assert_array_equal(again.reads, ramp.reads)


def test_headers_say_where_it_is(inner: AsBuilt, guided: Exposure, expose: Expose) -> None:
    ramp, _ = observe(SKY, guided, inner, seed=5, night=1, effects=())
    assert read_guide_window(ramp.header) == AREA
    assert ramp.header["ODGWINTV"] == 0.07
    assert ramp.header["SARRMODE"] == "SUB_ARRAY"
    plain, _ = observe(SKY, expose(), inner, seed=5, night=1, effects=())
    assert read_guide_window(plain.header) is None


def test_the_windows_own_file_is_a_fast_sub_array(inner: AsBuilt, guided: Exposure) -> None:
    """A reset and two reads each interval: 72 s of 0.07 s, and the light of the scene in each."""
    own = guided.of_guide_window(inner.detector, 2)
    ramp, truth = observe(SKY, own, inner, seed=5, night=1, effects=("photon_noise", "flat"))
    assert ramp.header["SARRMODE"] == "ODGW"
    assert ramp.reads.shape == (24, 20, 1028, 2)
    assert own.readout.times[1] == pytest.approx(0.07 - 2 * AREA.frame_time(inner.detector))
    rise = 2.0 * (ramp.reads[..., 1].astype(float) - ramp.reads[..., 0]).mean() / own.readout.times[1]
    assert rise == pytest.approx(truth.rate_detected.mean(), rel=0.01)


def test_impossible_windows_are_refused(inner: AsBuilt, expose: Expose) -> None:
    for window, problem in (
        (GuideWindow(Subarray(1, 1231, 20, 24), 0.07), "inside the region"),
        (GuideWindow(AREA, 1e-4), "a reset and two reads"),
        (GuideWindow(AREA, 30.0), "one read of the exposure"),
    ):
        with pytest.raises(InputError, match=problem):
            observe(SKY, expose(guide_window=window), inner, seed=5, night=1)


def test_fewer_reads_of_several_ramps_are_the_first_ones(inner: AsBuilt, expose: Expose) -> None:
    effects = ("photon_noise", "flat", "reset_noise")
    long, short = (
        observe(
            SKY,
            expose(readout=Readout.up_the_ramp(n, 9.0, ramps=3), guide_window=WINDOW),
            inner,
            seed=5,
            night=1,
            effects=effects,
        )
        for n in (7, 4)
    )
    np.testing.assert_array_equal(long[0].reads[..., :4], short[0].reads)
