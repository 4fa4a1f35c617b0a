"""Striping: white noise gives 1, noise of rows and outputs what it must, and an uncorrected exposure fails."""

import numpy as np
import pytest

from iris_contract import DQ

SHAPE, CORNER = (128, 256), (65, 101)  # four whole outputs
SPAN = 190.0
CONDITIONS = ("rows of an output", "whole rows", "outputs", "alternating columns")
ODD = np.arange(SHAPE[1]) % 2
OUTPUT = np.arange(SHAPE[1]) // 64


def common_noise(rng, bound, own=0.0, common=0.0, alternating=0.0, level=0.0):
    """Error e-/s (ny, nx) in multiples of a pixel's `bound`: per row of an output, row, and output."""
    per_row = rng.normal(size=(SHAPE[0], 4))
    noise = own * per_row[:, OUTPUT] + common * rng.normal(size=(SHAPE[0], 1))
    noise += alternating * rng.normal(size=(SHAPE[0], 4))[:, OUTPUT] * (1 - 2 * ODD)
    return bound * (noise + level * rng.normal(size=4)[OUTPUT])


def make_rows(bench, nights=8, **noise):
    blank = np.zeros(SHAPE)
    bound, rows = float(bench.bound(0.005)), []
    for night in range(1, nights + 1):
        rng, name = np.random.default_rng(night), f"{night}.fits"
        data = 0.005 + bound * rng.normal(size=SHAPE) + common_noise(rng, bound, **noise)
        cause = np.where(rng.random(SHAPE) < 0.02, DQ["HOT"], 0).astype("u4")
        data[cause > 0] = 1e6
        bench.image(name, data, np.full(SHAPE, bound), corner=CORNER)
        truth = bench.truth(name, blank, detected=blank + 0.005, cause=cause)
        rows.append(bench.row(name, "RateModel", truth, night=night, family="reference_pixel", algorithm="side"))
    return rows


def measure(bench, **noise):
    found = {}
    for s in bench.sample(make_rows(bench, **noise)):
        found.setdefault(s.metric.removeprefix("reference_pixel."), {}).setdefault(s.condition, []).append(s.value)
    return {name: {c: np.sqrt(np.mean(np.square(v))) for c, v in part.items()} for name, part in found.items()}


def test_white_noise_gives_one(bench):
    """8 nights of 512, 128, 4 and 512 means: three sigma, one false alarm in a hundred at most."""
    found = measure(bench)
    assert set(found["striping"]) == set(CONDITIONS)
    for condition, number in zip(CONDITIONS, (512, 128, 4, 512), strict=True):
        assert found["striping"][condition] == pytest.approx(1, abs=3 / np.sqrt(2 * 8 * number))
    floor = float(bench.bound(0.005)) * SPAN / np.sqrt(0.98 * 256)
    assert found["common_mode"]["all"] == pytest.approx(floor, rel=0.08)


@pytest.mark.parametrize(
    ("noise", "squares"),
    [
        ({"own": 0.25}, {"rows of an output": 5, "whole rows": 5, "alternating columns": 1}),
        ({"common": 0.25}, {"rows of an output": 5, "whole rows": 17, "alternating columns": 1}),
        ({"alternating": 0.25}, {"rows of an output": 1, "whole rows": 1, "alternating columns": 5}),
        ({"level": 0.25}, {"outputs": 1 + 128 * 4, "alternating columns": 1}),
    ],
    ids=lambda value: next(iter(value)) if "rows of an output" not in value else "",
)
def test_values_by_hand(bench, noise, squares):
    """Variance 1/16 of a pixel in common is that of 64 pixels' mean four times over; 2 % of pixels are bad."""
    found = measure(bench, **noise)["striping"]
    for condition, square in squares.items():
        slack = 0.5 if condition == "outputs" else 0.12  # 32 levels only
        assert found[condition] ** 2 - 1 == pytest.approx(0.98 * (square - 1), rel=slack, abs=0.12)


def verdicts_of(bench, **noise):
    return {
        (n.removeprefix("reference_pixel."), c): w for (n, c), w in bench.verdicts(make_rows(bench, **noise)).items()
    }


def test_corrected_exposures_pass(bench):
    verdicts = verdicts_of(bench, own=0.2, common=0.3)
    assert len(verdicts) == 3
    assert set(verdicts.values()) == {"PASS"}


@pytest.mark.parametrize(
    ("noise", "fails"),
    [
        ({"own": 0.24, "common": 1.05}, {"striping", "common_mode"}),  # what 1/f noise does without correction
        ({"alternating": 0.4}, {"alternating"}),  # four reference pixels of a row copied into it
        ({"own": 0.7}, {"striping"}),
    ],
)
def test_what_is_left_or_put_in_fails(bench, noise, fails):
    verdicts = verdicts_of(bench, **noise)
    assert {name for (name, _), word in verdicts.items() if word == "FAIL"} == fails
    assert {word for (name, _), word in verdicts.items() if name not in fails} == {"PASS"}


def test_flagged_pixels_take_no_part_and_nan_fails(bench):
    blank, dq = np.zeros(SHAPE), np.zeros(SHAPE, "u4")
    data = blank.copy()
    data[5], dq[5], data[7, 7] = 50.0, DQ["DO_NOT_USE"], np.nan
    bench.image("a.fits", data, blank + 1, dq=dq, corner=CORNER)
    row = bench.row("a.fits", "RateModel", bench.truth("a.fits", blank), family="reference_pixel")
    found = {s.condition: s.value for s in bench.sample([row])}
    assert all(np.isnan(found[c]) for c in CONDITIONS)
    data[7, 7] = 0
    bench.image("a.fits", data, blank + 1, dq=dq, corner=CORNER)
    assert {s.value for s in bench.sample([row])} == {0}
