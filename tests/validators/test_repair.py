"""Hit pixels are held to the bound without the hit; unrepaired ones FAIL, flagged ones cost yield."""

from dataclasses import replace

import numpy as np
import pytest

from iris_contract import DQ

SHAPE, RATE = (40, 50), 2.0


@pytest.fixture(scope="module")
def good(shared_bench):
    """Eight nights of 1000 hit pixels of 2000, each repaired down to its own bound."""
    rows = []
    for night in range(1, 9):
        rng = np.random.default_rng(night)
        scene, cause = np.full(SHAPE, RATE), np.zeros(SHAPE, "u4")
        cause[:, ::2] = DQ["JUMP_DET"]
        y, x = np.nonzero(cause)
        read = rng.integers(1, 20, y.size)
        omitted = np.zeros((y.size, 1, 19), bool)
        omitted[np.arange(y.size), 0, read - 1] = True
        err = shared_bench.bound(scene)
        err[y, x] = shared_bench.bound(scene[y, x], omitted)
        charge = np.where(np.arange(y.size) % 10, 500.0, 51.0)
        events = list(zip(y, x, np.zeros(y.size, int), read, charge, strict=True))
        name = f"night{night}.fits"
        shared_bench.image(name, scene + rng.normal(size=SHAPE) * err, err, jumps=events)
        truth = shared_bench.truth(name, scene, cause=cause, events=events)
        rows.append(shared_bench.row(name, "RateModel", truth, night=night, family="jump", exposure="cosmic"))
    return rows


def verdicts(bench, rows):
    found = bench.verdicts(rows)
    keys = [("hit_rms_over_crb", "rate=2"), ("repaired_rms_over_crb", "rate=2"), ("hit_yield", "all")]
    return [found[f"jump.{name}", condition] for name, condition in keys]


def test_repaired_twin_passes(shared_bench, good):
    assert verdicts(shared_bench, good) == ["PASS", "PASS", "PASS"]
    values = [s.value for s in shared_bench.sample(good) if s.metric == "jump.repaired_rms_over_crb"]
    assert abs(np.mean(values) - 1) < 4 / np.sqrt(2 * 8 * 900)  # 4 sigma: false alarm 6e-5


def unrepaired(image):
    hit = np.zeros(SHAPE)
    hit[:, ::2] = 500 / 190
    return replace(image, data=(image.data + hit).astype("f4"))


def flagged(image):
    dq = image.dq.copy()
    dq[:, ::20] = DQ["DO_NOT_USE"]
    return replace(image, dq=dq)


def test_unrepaired_hits_fail(shared_bench, good):
    assert verdicts(shared_bench, shared_bench.edit(good, unrepaired)) == ["FAIL", "FAIL", "PASS"]


def test_throwing_hits_away_costs_yield(shared_bench, good):
    assert verdicts(shared_bench, shared_bench.edit(good, flagged)) == ["PASS", "PASS", "FAIL"]


def test_small_hits_are_not_among_the_repaired(shared_bench, good):
    weights = {s.metric: s.weight for s in shared_bench.sample(good[:1])}
    assert weights["jump.hit_rms_over_crb"] == 1000
    assert weights["jump.repaired_rms_over_crb"] == 900
