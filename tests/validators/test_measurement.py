"""Samples combine over nights as their kind says; NaN is kept; exposures are not nights."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iris_validators.intervals import log_t_interval, t_interval
from iris_validators.measurement import SAME, _find_apart, _Realisation, combine
from iris_validators.sample import Sample

ONE = Sample("ramp.bias", "ramp", "gls", "alone", "rate=2", 1, "mean", "sigma", 0.5)
values = st.lists(st.floats(0.1, 10), min_size=3, max_size=9)


def nights(numbers, **more):
    return [replace(ONE, night=n, value=v, **more) for n, v in enumerate(numbers, 1)]


def test_mean_over_nights():
    found = combine(nights([1.0, 2.0, 4.0]))
    assert found.value == pytest.approx(7 / 3)
    assert (found.low, found.high) == pytest.approx(t_interval([1, 2, 4]))
    assert (found.method, found.n, found.level) == ("t over nights", 3, 0.95)


def test_ratio_on_the_logarithm():
    found = combine(nights([1.0, 2.0, 4.0], kind="ratio"))
    assert found.value == pytest.approx(2)
    assert (found.low, found.high) == pytest.approx(log_t_interval([1, 2, 4]))
    assert found.method == "t on log over nights"


@pytest.mark.parametrize(("kind", "events"), [("events", 3000), ("pixels", 1000)])
def test_counts_pool_but_persistent_pixels_count_once(kind, events):
    found = combine([replace(ONE, night=n, kind=kind, k=999, n=1000, value=0.999) for n in (1, 2, 3)])
    assert found.value == pytest.approx(0.999)
    assert found.method == "Clopper-Pearson"
    missed = 3 if kind == "events" else 1
    assert found.high == pytest.approx(1 - missed / events, abs=missed / events)
    assert found.low < 1 - missed / events < found.high


@pytest.mark.parametrize("kind", ["mean", "ratio", "events", "pixels"])
def test_below_three_nights_there_is_no_interval(kind):
    samples = [replace(s, kind=kind, k=1, n=2, value=0.5) for s in nights([0.5, 0.5])]
    found = combine(samples)
    assert (found.low, found.high, found.n) == (None, None, 2)
    assert found.value == pytest.approx(0.5)
    assert found.method == "no interval below 3 nights"


def test_exposures_of_one_night_merge_by_weight_and_are_no_nights():
    found = combine([replace(ONE, value=1.0, weight=1), replace(ONE, value=4.0, weight=3)])
    assert (found.value, found.n) == (3.25, 1)
    squares = combine([replace(ONE, kind="ratio", value=v) for v in (1.0, 7.0)])
    assert squares.value == pytest.approx(5)  # rms of 1 and 7


@pytest.mark.parametrize("kind", ["mean", "ratio"])
def test_blocks_that_repeat_one_number_make_no_interval(kind):
    """A gain of an output is the same in each of its blocks: sixteen times one error is not sixteen errors."""
    blocks = [replace(ONE, block=b, value=0.004, kind=kind) for b in range(16)]
    found = combine(blocks)
    assert (found.value, found.low, found.method) == (pytest.approx(0.004), None, SAME)
    assert combine([replace(blocks[0], value=0.0041), *blocks[1:]]).has_interval
    assert combine(nights([0.004] * 3, kind=kind)).has_interval


def test_blocks_of_one_frame_need_sixteen():
    blocks = [replace(ONE, block=b, value=float(b % 4)) for b in range(16)]
    found = combine(blocks)
    assert (found.n, found.method) == (16, "t over blocks")
    assert combine(blocks[:15]).low is None
    counted = combine([replace(ONE, block=b, kind="pixels", k=60, n=60, value=1.0) for b in range(16)])
    assert (counted.method, counted.low) == ("Clopper-Pearson, blocks", pytest.approx(0.025 ** (1 / 960)))
    several = combine([replace(s, night=n) for s in blocks for n in (1, 2, 3)])
    assert (several.n, several.method) == (3, "t over nights")


@pytest.mark.parametrize("kind", ["mean", "ratio"])
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_one_bad_night_spoils_the_value(kind, bad):
    found = combine(nights([1.0, bad, 1.1, 1.2], kind=kind))
    assert not math.isfinite(found.value)
    assert found.low is None


def test_skipped_nights_are_left_out_and_all_skipped_give_the_reason():
    samples = nights([1.0, 2.0, 3.0, math.nan])
    samples[3] = replace(samples[3], reason="no hit")
    assert combine(samples).n == 3
    assert combine(samples[3:]).reason == "no hit"
    assert combine(samples[3:]).value is None


def test_other_keys_are_refused():
    with pytest.raises(ValueError, match="one metric"):
        combine([ONE, replace(ONE, setting="chain")])


@given(values, st.randoms())
def test_order_does_not_matter(numbers, random):
    samples = nights(numbers)
    shuffled = random.sample(samples, len(samples))
    assert combine(samples) == combine(shuffled)


@given(values, st.sampled_from(["mean", "ratio"]))
def test_interval_holds_the_value_and_widens_with_the_level(numbers, kind):
    samples = nights(numbers, kind=kind)
    found, wider = combine(samples), combine(samples, 0.99)
    assert found.low - 1e-9 <= found.value <= found.high + 1e-9
    assert wider.low <= found.low
    assert wider.high >= found.high
    assert np.isclose(wider.value, found.value)


@pytest.mark.parametrize("kind", ["mean", "ratio"])
def test_a_block_that_stands_apart_is_told(kind):
    rng = np.random.default_rng(3)
    blocks = [replace(ONE, block=b, kind=kind, value=0.04 + 0.002 * rng.standard_normal()) for b in range(16)]
    assert combine(blocks).apart == ()  # false alarms have a probability of 3e-4
    assert combine([replace(blocks[0], value=0.5), *blocks[1:]]).apart == (0.5,)
    nights = [replace(s, block=None, night=s.block + 1) for s in blocks]
    assert combine([replace(nights[0], value=0.5), *nights[1:]]).apart == ()  # nights differ by right


UNEVEN = {
    "a tenth": np.geomspace(1, 10, 16),
    "a thousandth": np.geomspace(1, 1000, 16),
    "two": np.r_[[1, 1], [100] * 14],
}


@pytest.mark.parametrize("alike", [False, True], ids=["by number", "alike"])
def test_uneven_blocks_raise_no_false_alarms(alike):
    """3 x 2000 draws of 16 normal blocks, which hold unequal numbers of data and scatter by these or all alike.

    1e-4 (simulated) is 0.6 alarms, more than 5 have a probability of 4e-5. Without weights there are some 1400.
    """
    rng, alarms = np.random.default_rng(4), 0
    for weights in UNEVEN.values():
        sigma = np.ones(16) if alike else weights**-0.5
        for values in sigma * rng.standard_normal((2000, 16)):
            blocks = [_Realisation(v, 0, 0, w) for v, w in zip(values.tolist(), weights.tolist(), strict=True)]
            alarms += bool(_find_apart("mean", blocks))
    assert alarms <= 5


@pytest.mark.parametrize("block", [0, 15], ids=["fewest data", "most data"])
def test_an_uneven_block_that_stands_apart_is_told(block):
    """Sixty of its own sigma off, and as many of the worst."""
    weights = UNEVEN["a tenth"]
    samples = [replace(ONE, block=b, kind="mean", weight=w) for b, w in enumerate(weights)]
    values = weights**-0.5 * np.random.default_rng(5).standard_normal(16)
    values[block] = 60.0
    samples = [replace(sample, value=value) for sample, value in zip(samples, values.tolist(), strict=True)]
    assert combine(samples).apart == (60.0,)
