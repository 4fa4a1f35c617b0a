"""Exposures as wholes: truth, saturation, effects one by one, prefixes, order, refusal of what does not fit."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from iris_contract import DQ, Exposure, Ramp, Readout, Subarray, Truth, load_instrument
from iris_contract.dq import PIXEL_CLASSES, has
from iris_contract.errors import InputError
from iris_simulator import EFFECTS, AsBuilt, Blank, Earlier, Ladder, RateImage, UniformSky, build_as_built, observe

Expose = Callable[..., Exposure]
CORNER = Subarray(1, 1, 70, 40)
SCENE = Ladder((0.1, 5.0, 30.0, 100.0), block=4)
ADDITIVE = ("dark", "cosmic_rays", "read_noise", "reset_noise", "offsets")


POLITE = EFFECTS[:10]
"""What acts on single pixels, without memory and in proportion to the light."""


def take(
    as_built: AsBuilt,
    exposure: Exposure,
    effects: Iterable[str] = EFFECTS,
    history: Sequence[Earlier] = (),
    boost: float = 3e4,
) -> tuple[Ramp, Truth]:
    return observe(SCENE, exposure, as_built, seed=5, night=1, effects=effects, history=history, cosmic_ray_boost=boost)


def bright(exposure: Exposure, minutes: float = 30.0) -> Earlier:
    """An exposure to 400 e-/s that began some minutes before."""
    return Earlier(UniformSky(400.0), replace(exposure, start=exposure.start - timedelta(minutes=minutes), number=99))


@settings(max_examples=15)
@given(reads=st.integers(2, 8), ramps=st.integers(1, 3), effects=st.sets(st.sampled_from(EFFECTS)))
def test_first_reads_of_a_longer_exposure(
    corner: AsBuilt, expose: Expose, reads: int, ramps: int, effects: set[str]
) -> None:
    long, long_truth = take(corner, expose(CORNER, Readout.up_the_ramp(9, 10.0, ramps=3)), effects)
    short, short_truth = take(corner, expose(CORNER, Readout.up_the_ramp(reads, 10.0, ramps=ramps)), effects)
    np.testing.assert_array_equal(short.reads, long.reads[:, :, :ramps, :reads])
    np.testing.assert_array_equal(short.times, long.times[:ramps, :reads])
    early = (long_truth.events["GROUP"] < ramps) & (long_truth.events["READ"] < reads)
    np.testing.assert_array_equal(short_truth.events, long_truth.events[early])


@settings(max_examples=15)
@given(switched=st.sampled_from(ADDITIVE), others=st.sets(st.sampled_from((*ADDITIVE, "flat", "bad_pixels"))))
def test_switching_one_effect_leaves_every_other_draw(
    corner: AsBuilt, expose: Expose, switched: str, others: set[str]
) -> None:
    """What an additive effect adds is the same whatever else is on, to the rounding of four reads."""
    others = (others - {switched}) | {"photon_noise"}
    base = {"photon_noise"} | (others & {"bad_pixels"})  # defects are part of what dark and read noise add
    exposure = expose(CORNER)

    def difference(rest: set[str]) -> np.ndarray:
        on, off = (take(corner, exposure, effects)[0].reads.astype(int) for effects in (rest | {switched}, rest))
        return on - off

    assert np.abs(difference(others) - difference(base)).max() <= 2


@pytest.mark.parametrize("effect", EFFECTS)
def test_each_effect_does_something_and_is_told(corner: AsBuilt, expose: Expose, effect: str) -> None:
    exposure = expose(CORNER, Readout.up_the_ramp(6, 300.0))
    history = [bright(exposure)]
    with_it, truth = take(corner, exposure, history=history, boost=2e3)
    without, other = take(corner, exposure, [e for e in EFFECTS if e != effect], history, boost=2e3)
    assert np.any(with_it.reads != without.reads)
    assert truth.effects == dict.fromkeys(EFFECTS, True)
    assert other.effects == dict.fromkeys(EFFECTS, True) | {effect: False}
    assert with_it.header == without.header


def test_truth_tells_what_acts(corner: AsBuilt, expose: Expose) -> None:
    _, truth = take(corner, expose(CORNER), POLITE)
    light = ~CORNER.reference_pixels(corner.detector)
    np.testing.assert_array_equal(
        truth.rate_scene, np.where(light, SCENE.rate(corner.detector, CORNER), 0).astype("f4")
    )
    np.testing.assert_allclose(truth.rate_detected, truth.rate_scene * corner.flat + corner.dark, rtol=1e-6)
    np.testing.assert_array_equal(truth.gain, corner.gain)
    np.testing.assert_array_equal(truth.cause & ~np.uint32(DQ["JUMP_DET"]), corner.acting(POLITE).bad)
    hit = np.zeros(CORNER.shape, bool)
    hit[truth.events["Y"], truth.events["X"]] = True
    np.testing.assert_array_equal(has(truth.cause, "JUMP_DET"), hit)
    assert 0 < hit.sum() < hit.size / 5


def lacks(truth: Truth, *names: str) -> bool:
    return not has(truth.cause, *names).any()


WITHOUT: dict[str, Callable[[Truth, AsBuilt], bool]] = {
    "dark": lambda t, m: np.array_equal(t.rate_detected, t.rate_scene * m.flat) and lacks(t, "HOT", "WARM"),
    "flat": lambda t, m: np.allclose(t.rate_detected, t.rate_scene + m.dark) and lacks(t, "DEAD", "LOW_QE"),
    "bad_pixels": lambda t, m: t.rate_detected.max() < 120 and lacks(t, *PIXEL_CLASSES),
    "cosmic_rays": lambda t, m: len(t.events) == 0 and lacks(t, "JUMP_DET"),
    "read_noise": lambda t, m: not t.read_noise.any() and lacks(t, "BAD_REF_PIXEL"),
    "gain_spread": lambda t, m: bool(np.all(t.gain == 2)),
}


@pytest.mark.parametrize("effect", WITHOUT)
def test_truth_without_an_effect(corner: AsBuilt, expose: Expose, effect: str) -> None:
    assert WITHOUT[effect](take(corner, expose(CORNER), [e for e in POLITE if e != effect])[1], corner)
    assert not WITHOUT[effect](take(corner, expose(CORNER), POLITE)[1], corner)


def test_hits_are_in_the_reads_that_events_name(inner: AsBuilt, expose: Expose) -> None:
    """Noise-free: the reads are the events summed up, at 2 e-/DN, and nothing else."""
    exposure = expose(readout=Readout.up_the_ramp(6, 10.0, ramps=2))
    ramp, truth = observe(Blank(), exposure, inner, seed=5, night=1, effects=("cosmic_rays",), cosmic_ray_boost=1e4)
    charge = np.zeros(ramp.reads.shape)
    for event in truth.events:
        charge[event["Y"], event["X"], event["GROUP"], event["READ"] :] += event["ELECTRONS"]
    assert len(truth.events) > 100
    np.testing.assert_array_equal(ramp.reads, 5000 + np.rint(charge / 2))


def test_saturation_clips_at_the_well_and_is_told(inner: AsBuilt, expose: Expose) -> None:
    exposure = expose(readout=Readout.up_the_ramp(5, 10.0))
    image = np.linspace(0, 5000, inner.flat.size).reshape(inner.flat.shape)
    ramp, truth = observe(
        RateImage(image, inner.region), exposure, inner, seed=5, night=1, effects=("saturation", "flat")
    )
    reached = (image * truth.rate_detected / np.maximum(truth.rate_scene, 1e-9) * 40).astype("f4") >= inner.well
    reached[0, 0] = False
    saturated = has(truth.cause, "SATURATED")
    assert np.mean(reached != saturated) < 1e-4
    assert 0.3 < saturated.mean() < 0.7
    limit = np.rint(inner.well / 2 + 5000)
    assert np.all(ramp.reads[saturated][:, 0, -1] == limit[saturated])
    assert np.all(ramp.reads[:, :, 0, -1] <= limit)


@pytest.mark.parametrize("effects", [EFFECTS, ("photon_noise",)])
def test_overload_clips_and_never_wraps(inner: AsBuilt, expose: Expose, effects: tuple[str, ...]) -> None:
    ramp, truth = observe(UniformSky(3e6), expose(), inner, seed=5, night=1, effects=effects)
    responds = inner.flat > 0.1 if "flat" in effects else np.ones(inner.flat.shape, bool)
    assert np.all(has(truth.cause, "SATURATED")[responds])
    assert np.all(ramp.reads[responds][:, 0, 1:] > 45000)
    assert np.all((ramp.reads[..., 1:] == 65535) == ("saturation" not in effects))


def test_order_and_company_do_not_matter(corner: AsBuilt, expose: Expose) -> None:
    first, second = expose(CORNER), expose(CORNER, number=2)
    alone = take(corner, second)[0].reads
    take(corner, first)
    np.testing.assert_array_equal(alone, take(corner, second)[0].reads)
    later = take(corner, second, history=[bright(first, 1.0)])[0].reads
    assert np.any(later != alone)
    np.testing.assert_array_equal(later, take(corner, second, history=[bright(first, 1.0)])[0].reads)


def test_a_region_inside_the_maps_is_cut(inner: AsBuilt, expose: Expose) -> None:
    region = Subarray(1050, 1220, 60, 50)
    from_cover = take(inner, expose(region))
    from_own = take(build_as_built(inner.detector, region, 11), expose(region))
    np.testing.assert_array_equal(from_cover[0].reads, from_own[0].reads)
    np.testing.assert_array_equal(from_cover[1].cause, from_own[1].cause)


def test_effects_draw_independent_numbers(inner: AsBuilt, expose: Expose) -> None:
    """Light, dark, reset and read noise of the same pixels, each alone: any two within 4.4 standard errors.

    Light and dark current have equal rates here, so that equal draws would give equal charges.
    """
    exposure = expose(readout=Readout("UTR", 1, (4000.0, 8000.0)))

    def draw(rate: float, *effects: str) -> np.ndarray:
        reads = observe(UniformSky(rate), exposure, inner, seed=5, night=1, effects=effects)[0].reads
        return reads[:, :, 0, 0].astype(float)[inner.dark < 0.015]

    light, both = draw(0.005, "photon_noise"), draw(0.0, "photon_noise", "dark")
    dark = both - 2000 * inner.dark[inner.dark < 0.015]
    correlation = np.corrcoef([light, dark, draw(0.0, "reset_noise"), draw(0.0, "read_noise")])
    assert np.all(np.abs(correlation[np.triu_indices(4, 1)]) < 4.4 / np.sqrt(light.size))


def test_exposures_nights_seeds_and_detectors_are_independent(inner: AsBuilt, expose: Expose) -> None:
    """Correlation of the noise of any two within 4.4 standard errors; false alarm 1e-4 in all."""

    def noise(seed: int = 5, night: int = 1, number: int = 1) -> np.ndarray:
        readout = Readout.fowler(1, 1.0, 20.0)
        effects = ("photon_noise", "read_noise")
        exposure = expose(readout=readout, number=number)
        reads = observe(UniformSky(10.0), exposure, inner, seed=seed, night=night, effects=effects)[0].reads
        return np.diff(reads.astype(float), axis=-1).ravel()

    samples = [noise(), noise(seed=6), noise(night=2), noise(number=2)]
    correlation = np.corrcoef(samples)[np.triu_indices(4, 1)]
    assert np.all(np.abs(correlation) < 4.4 / np.sqrt(samples[0].size))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"detector": "IMG2"}, "DETECTOR='IMG2': the as-built maps are of IMG1"),
        ({"region": Subarray(1, 1, 20, 20)}, "does not cover"),
        ({"region": Subarray(4090, 1, 20, 20)}, "must lie within"),
        ({"readout": Readout.up_the_ramp(5, 1e-4)}, "faster than the frame time"),
        ({"filter": "nonsense"}, "FILTER='nonsense'"),
    ],
)
def test_what_does_not_fit_is_refused(inner: AsBuilt, expose: Expose, values: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        observe(Blank(), expose(**values), inner, seed=1, night=1)


@pytest.mark.parametrize("level", [-1.0, np.nan, np.inf])
def test_impossible_light_is_refused(inner: AsBuilt, expose: Expose, level: float) -> None:
    with pytest.raises(InputError, match="scene='UniformSky': rates must be"):
        observe(UniformSky(level), expose(), inner, seed=1, night=1)


@pytest.mark.parametrize("boost", [-1.0, np.nan, np.inf])
def test_impossible_boost_is_refused(inner: AsBuilt, expose: Expose, boost: float) -> None:
    with pytest.raises(InputError, match="cosmic_ray_boost"):
        observe(Blank(), expose(), inner, seed=1, night=1, cosmic_ray_boost=boost)


def test_full_format(expose: Expose) -> None:
    """CDS of IMG3: four reference borders, SUBARRAY FULL."""
    detector = load_instrument().detector("IMG3")
    region = Subarray.full(detector)
    as_built = build_as_built(detector, region, 2)
    ramp, truth = observe(
        UniformSky(100.0),
        expose(region, Readout.fowler(1, 0.72, 7.2), detector="IMG3"),
        as_built,
        seed=1,
        night=1,
        effects=POLITE,
    )
    assert ramp.reads.shape == (4096, 4096, 1, 2)
    assert ramp.header["SUBARRAY"] == "FULL"
    reference = has(truth.cause, "REFERENCE_PIXEL")
    assert reference.sum() == 4096**2 - 4088**2
    signal = (ramp.reads[..., 0, 1].astype(int) - ramp.reads[..., 0, 0]) * truth.gain
    assert abs(np.median(signal[~reference]) - 720) < 2
    assert abs(signal[reference].mean()) < 4.4 * 16 * 2 / np.sqrt(reference.sum())
