"""Snowballs: a repaired halo passes; one left as it is, flags too wide or in the wrong place fail."""

import numpy as np
import pytest

from iris_contract import DQ

SHAPE, RATE, TIMES, NOISE = (160, 200), 2.0, np.arange(20.0) * 10, 11.0
FLAG = np.uint32(DQ["JUMP_DET"])
SIGMA = np.sqrt(RATE * 10 + 2 * (NOISE**2 + 4 / 12))
REACH = (2000 / 31.25) ** (1 / 3)  # radii: 4
CLEAR = (2000 / (4.5 * SIGMA)) ** (1 / 3)


def draw(night):
    """Events, and the distance of each pixel from the middle in radii, of one snowball."""
    rng = np.random.default_rng(night)
    y, x, radius, read = rng.integers(60, 100), rng.integers(60, 140), rng.uniform(3, 5), int(rng.integers(1, 20))
    distance = np.hypot(np.arange(SHAPE[0])[:, None] - y, np.arange(SHAPE[1]) - x) / radius
    charge = np.where(distance <= 1, 150_000, 2000 / np.maximum(distance, 1) ** 3) * (distance <= REACH)
    return rng, [(*at, 0, read, charge[tuple(at)]) for at in np.argwhere(charge > 0)], distance, charge, read


def judge_snowballs(bench, left=0.0, flag=lambda d: d < 5.5, extra=0.0, nights=8, value=None):
    """Verdicts; `left` of the charge below 4.5 sigma stays in the rate, as it does of one fit in the middle."""
    rows = []
    for night in range(1, nights + 1):
        rng, events, distance, charge, _ = draw(night)
        cause = np.where(charge > 0, FLAG, 0).astype("u4")
        cause[distance <= 1] |= np.uint32(DQ["SATURATED"])
        bound = bench.bound(np.full(SHAPE, RATE))
        data = RATE + rng.normal(size=SHAPE) * bound + left * np.where(charge < 4.5 * SIGMA, charge, 0) / TIMES[-1]
        if value is not None:
            data[charge > 0] = value
        dq = np.where(flag(distance) | (rng.random(SHAPE) < extra), FLAG, 0).astype("u4")
        name = f"{night}.fits"
        bench.image(name, data, bound, dq=dq)
        truth = bench.truth(name, np.full(SHAPE, RATE), cause=cause, events=events)
        more = {"night": night, "family": "snowball", "algorithm": "grow", "exposure": "snow", "setting": "chain"}
        rows.append(bench.row(name, "RateModel", truth, **more))
    return {name.removeprefix("snowball."): word for (name, _), word in bench.verdicts(rows).items()}


@pytest.mark.parametrize(
    ("fault", "fails"),
    [
        ({}, set()),
        ({"left": 1.0}, {"bias"}),
        ({"left": -1.0}, {"bias"}),
        ({"value": np.nan}, {"bias"}),
        ({"flag": lambda d: d < 9}, {"cost"}),
        ({"flag": lambda d: d > 15}, {"false_flags"}),
        ({"extra": 0.003}, {"false_flags"}),
    ],
    ids=["honest", "halo left", "too much", "NaN", "too wide", "elsewhere", "scattered"],
)
def test_faults(bench, fault, fails):
    verdicts = judge_snowballs(bench, **fault)
    assert set(verdicts) == {"bias", "cost", "false_flags"}
    assert {name for name, word in verdicts.items() if word == "FAIL"} == fails
    assert set(verdicts.values()) <= {"PASS", "FAIL"}


def sample_one(bench, change, **cards):
    _, events, distance, charge, read = draw(1)
    cause, data, dq = np.where(charge > 0, FLAG, 0).astype("u4"), np.full(SHAPE, RATE), np.zeros(SHAPE, "u4")
    cause[distance <= 1] |= np.uint32(DQ["SATURATED"])
    change(cause, data, dq, distance, events)
    bench.image("a.fits", data, data, dq=dq, **cards)
    truth = bench.truth("a.fits", np.full(SHAPE, RATE), cause=cause, events=events)
    row = bench.row("a.fits", "RateModel", truth, family="snowball", exposure="snow")
    return {s.metric: s for s in bench.sample([row])}, distance, read


def test_values_by_hand(bench):
    """Errors count in sigma of the bound without the hit, between 4.5 sigma and the rim; flags by place."""

    def change(cause, data, dq, distance, events):
        data[distance < CLEAR] = 1e6  # core and what every test finds
        data[distance > 11] = 1e6
        data += 0.3  # what the neighbourhood shares
        data[(distance >= CLEAR) & (distance <= REACH)] += 0.5
        dq[distance < 6] = FLAG
        dq[0, :10] = FLAG  # away
        cause[0, :5] = DQ["HOT"]

    found, distance, read = sample_one(bench, change)
    omitted = np.zeros((1, 1, 19), bool)
    omitted[..., read - 1] = True
    halo = np.count_nonzero((distance >= CLEAR) & (distance <= REACH))
    assert found["snowball.bias"].value == pytest.approx(0.5 / bench.bound([RATE], omitted)[0], rel=1e-6)
    assert (found["snowball.bias"].weight, found["snowball.bias"].condition) == (halo, "role=snow")
    inside = np.count_nonzero(distance <= REACH)
    assert found["snowball.cost"].value == pytest.approx(np.count_nonzero(distance < 6) / inside - 1)
    assert found["snowball.false_flags"].k == 5
    assert found["snowball.false_flags"].n == pytest.approx(np.count_nonzero(distance > 10), abs=150)


def test_unusable_pixels_are_no_bias(bench):
    def change(cause, data, dq, distance, events):
        data[distance < 3.5] = 1e6
        dq[distance < 3.5] |= np.uint32(DQ["DO_NOT_USE"])

    assert sample_one(bench, change)[0]["snowball.bias"].value == pytest.approx(0)


def test_small_hits_and_those_before_the_first_read_are_no_snowballs(bench):
    def early(cause, data, dq, distance, events):
        events[:] = [(y, x, g, 0, e) for y, x, g, _, e in events]

    def split(cause, data, dq, distance, events):
        events[:] = [(y, x, g, 1 + (y % 5 == 0) + 2 * (x % 5 == 0), e) for y, x, g, _, e in events]

    for change in (early, split):
        assert set(sample_one(bench, change)[0]) == {"snowball.false_flags"}


@pytest.mark.parametrize(("read", "counted"), [(1, False), (2, True)])
def test_snowballs_before_the_first_read_used_cost_nothing(bench, read, counted):
    """A fit that starts at read 1 has no difference into it: nothing is reached there, nothing can be flagged."""

    def change(cause, data, dq, distance, events):
        events[:] = [(y, x, g, read, e) for y, x, g, _, e in events]

    found, *_ = sample_one(bench, change, FIRSTRD=1)
    assert ("snowball.cost" in found, "snowball.bias" in found) == (counted, counted)


def test_neighbours_of_hits_count_neither_way(bench):
    def change(cause, data, dq, distance, events):
        events[:] = [(5, 5, 0, 3, 900.0)]
        cause[:], cause[5, 5] = 0, FLAG
        dq[4:7, 4:7] = FLAG
        dq[8, 8] = FLAG

    found, *_ = sample_one(bench, change)
    assert (found["snowball.false_flags"].k, found["snowball.false_flags"].n) == (1, SHAPE[0] * SHAPE[1] - 9)
