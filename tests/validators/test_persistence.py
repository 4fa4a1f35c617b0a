"""Afterglow: a model passes, nothing and too much fail, flags are judged above 3 and below 0.5 sigma."""

import numpy as np
import pytest

from iris_contract import DQ

SHAPE = (128, 200)
FLAG = np.uint32(DQ["PERSISTENCE"])
BASE = 0.5
SIGMA = 0.0747  # bound at 0.5 e-/s of the bench's readout, docs/validators.md


def afterglow():
    """e-/s: 20 columns at 5 sigma, 20 at 1.5, 20 at 0.3, the rest a hundredth of sigma."""
    columns = np.full(SHAPE[1], 0.01)
    columns[:20], columns[20:40], columns[40:60] = 5, 1.5, 0.3
    return SIGMA * columns * np.ones(SHAPE)


def judge_afterglow(bench, left=0.0, flag=lambda glow: glow > SIGMA, algorithm="model", nights=8):
    glow, rows = afterglow(), []
    for night in range(1, nights + 1):
        rng, name = np.random.default_rng(night), f"{night}.fits"
        detected = BASE + glow
        data = BASE + left * glow + rng.normal(size=SHAPE) * bench.bound(detected)
        dq = np.where(flag(glow * np.exp(rng.normal(0, 0.2, SHAPE))), FLAG, 0).astype("u4")
        bench.image(name, data, np.abs(data), dq=dq)
        truth = bench.truth(name, np.full(SHAPE, BASE), detected=detected, persistence=glow)
        row = bench.row(name, "RateModel", truth, night=night, family="persistence", algorithm=algorithm)
        rows.append(row)
    return {name.removeprefix("persistence."): word for (name, _), word in bench.verdicts(rows).items()}


@pytest.mark.parametrize(
    ("fault", "fails"),
    [
        ({}, set()),
        ({"left": 0.1}, set()),
        ({"left": 1.0}, {"residual"}),
        ({"left": -0.5}, {"residual"}),
        ({"flag": lambda glow: glow > 6 * SIGMA}, {"completeness"}),
        ({"flag": lambda glow: glow > 0.0005}, {"false_flags"}),
        ({"left": np.nan}, {"residual"}),
    ],
    ids=["honest", "10 % left", "untouched", "too much", "few flags", "all flagged", "NaN"],
)
def test_faults(bench, fault, fails):
    verdicts = judge_afterglow(bench, **fault)
    assert set(verdicts) == {"residual", "completeness", "false_flags"}
    assert {name for name, word in verdicts.items() if word == "FAIL"} == fails
    assert set(verdicts.values()) <= {"PASS", "FAIL"}


def test_flags_alone_are_judged_as_flags(bench):
    verdicts = judge_afterglow(bench, left=1.0, algorithm="flag")
    assert verdicts == {"completeness": "PASS", "false_flags": "PASS"}
    assert "completeness" not in judge_afterglow(bench, algorithm="none", flag=lambda glow: glow < 0)


def test_counts_and_value_by_hand(bench):
    glow = afterglow()
    cause = np.zeros(SHAPE, "u4")
    cause[:, 0] = DQ["HOT"]
    data, dq = BASE + 0.25 * glow, np.zeros(SHAPE, "u4")
    dq[:, 1:3], dq[:, 10:31], data[:, 2] = FLAG, FLAG, 1e6
    dq[:, 2] |= np.uint32(DQ["DO_NOT_USE"])
    bench.image("a.fits", data, data, dq=dq)
    truth = bench.truth("a.fits", np.full(SHAPE, BASE), detected=BASE + glow, cause=cause, persistence=glow)
    found = {s.metric: s for s in bench.sample([bench.row("a.fits", "RateModel", truth, family="persistence")])}
    assert found["persistence.residual"].value == pytest.approx(0.25, rel=1e-3)
    assert found["persistence.residual"].weight == 128 * 58  # columns below a tenth of sigma are not summed
    complete, false = found["persistence.completeness"], found["persistence.false_flags"]
    assert (complete.k, complete.n) == (128 * 12, 128 * 19)
    assert (false.k, false.n) == (0, 128 * 160)


@pytest.mark.parametrize(("glow", "reason"), [(None, "nothing persists"), (1e-6, "not in this run: no afterglow")])
def test_without_afterglow_there_is_nothing_to_take_out(bench, glow, reason):
    plane = np.ones((4, 5))
    bench.image("a.fits", plane, plane)
    truth = bench.truth("a.fits", plane, persistence=None if glow is None else plane * glow)
    samples = bench.sample([bench.row("a.fits", "RateModel", truth, family="persistence")])
    assert next(s for s in samples if s.metric == "persistence.residual").reason.startswith(reason)
