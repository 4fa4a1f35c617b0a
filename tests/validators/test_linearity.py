"""Linearity: the true inverse passes at every level, the faults that matter fail."""

import numpy as np
import pytest

from iris_contract import DQ, Subarray
from iris_contract.errors import LayoutError

REGION = Subarray(1, 1, 128, 64)
LEVELS = np.array([20e3, 40e3, 60e3, 80e3])
NORM, GAIN = 40_000.0, 2.0


def build(bench, night_error=0.0003):
    """Pixels whose S = shown / gain obeys held / gain = S (1 + c (S / NORM)^2) exactly, c of 5 % +- 8 %.

    Returns true coefficients (ny, nx, 2) and a function that writes rows of eight nights.
    """
    c = 0.05 * np.exp(0.08 * np.random.default_rng(0).normal(size=REGION.shape))
    held, shown = LEVELS / GAIN, np.broadcast_to(LEVELS / GAIN, (*REGION.shape, 4)).copy()
    for _ in range(30):  # fixed point: a contraction by 0.3 at most
        shown = held / (1 + c[..., None] * (shown / NORM) ** 2)
    bench.as_built(REGION, signal=(shown * GAIN).astype("f4"), levels=LEVELS)
    true = np.stack([np.zeros_like(c), c], axis=-1)

    def write(change=lambda coefficients, dq: None, cards=(("LINNORM", NORM),)):
        rows = []
        for night in range(1, 9):
            noise = np.random.default_rng(night).normal(0, night_error, REGION.shape)
            coefficients, dq = true + noise[..., None] * [0, 1], np.zeros(REGION.shape, "u4")
            change(coefficients, dq)
            content = {"COEFFS": coefficients, "COEFFS_ERR": np.zeros_like(coefficients), "DQ": dq}
            rows.append(bench.reference("linearity", night, REGION, "linearity", cards, **content))
        return rows

    return write


def failing(verdicts):
    assert set(verdicts.values()) <= {"PASS", "FAIL"}
    return {name.removeprefix("linearity.") for (name, _), word in verdicts.items() if word == "FAIL"}


def scale(factor):
    def change(coefficients, dq):
        coefficients *= factor

    return change


def wild(coefficients, dq):
    coefficients.reshape(-1, 2)[::300, 1] += 0.008


def lost(coefficients, dq):
    dq[:, ::20] = DQ["NONLINEAR"]
    coefficients[:, ::20] = np.nan


def one_nan(coefficients, dq):
    coefficients[30, 30] = np.nan


def slope(coefficients, dq):
    """Wrong gain at low signal: the constant that a correction through zero cannot have, as near as it gets."""
    coefficients[..., 0] += 0.003


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda coefficients, dq: None, set()),
        (scale(0), {"residual", "residual_999"}),
        (scale(1.1), {"residual", "residual_999"}),
        (scale(-1), {"residual", "residual_999"}),
        (slope, {"residual", "residual_999"}),
        (wild, {"residual_999"}),
        (lost, {"yield"}),
        (one_nan, {"residual", "residual_999"}),
    ],
    ids=["honest", "none", "10 % too much", "wrong sign", "slope", "wild pixels", "flagged", "NaN"],
)
def test_faults(bench, change, expected):
    assert failing(bench.verdicts(build(bench)(change))) == expected


def test_one_row_per_level(bench):
    verdicts = bench.verdicts(build(bench)())
    levels = {f"level={level:g}" for level in LEVELS}
    assert {c for name, c in verdicts if name == "linearity.residual"} == levels


def test_value_by_hand(bench):
    """c off by 0.001 at S = NORM (1 + ...): the error is 0.001 (S / NORM)^2 S / (held / gain)."""
    write = build(bench, night_error=0.0)
    row = write(lambda coefficients, dq: coefficients.__iadd__([0, 0.001]))[0]
    found = {s.condition: s.value for s in bench.sample([row]) if s.metric == "linearity.residual"}
    shown = 0.9563  # of 80 000 e-, from x (1 + 0.05 x^2) = 1 at c = 0.05
    assert found["level=80000"] == pytest.approx(0.001 * shown**3, rel=0.01)


@pytest.mark.parametrize("cards", [(), (("LINNORM", 0.0),), (("LINNORM", "big"),)])
def test_coefficients_need_their_norm(bench, cards):
    with pytest.raises(LayoutError, match="LINNORM"):
        bench.sample(build(bench)(cards=cards)[:1])


def test_a_linear_detector_has_nothing_to_judge(bench):
    bench.as_built(REGION)
    planes = np.zeros((*REGION.shape, 2))
    row = bench.reference("linearity", 1, REGION, "linearity", COEFFS=planes, COEFFS_ERR=planes)
    assert {s.reason for s in bench.sample([row])} == {"the detector is linear in truth"}
