"""Links: right ones pass, a wrong strength, a swapped axis and a missed field dependence fail."""

import numpy as np
import pytest

from iris_contract import Subarray
from iris_contract.errors import LayoutError

REGION = Subarray(1, 1, 256, 128)
FIELD = 1 + 0.25 * np.linspace(-1, 1, 256)[None, :, None] * np.ones((128, 1, 1))
TRUE = FIELD * np.array([0.0132, 0.0118, 0.0012])


def judge_links(bench, change):
    bench.as_built(REGION, links=TRUE.astype("f4"))
    rows = []
    for night in range(1, 9):
        noise = 1 + np.random.default_rng(night).normal(size=3) * [0.015, 0.015, 0.1]
        found = (change(TRUE) * noise).astype("f4")
        rows.append(bench.reference("ipc", night, REGION, "ipc", DATA=found, ERR=np.zeros_like(found)))
    return bench.verdicts(rows)


def failing(verdicts):
    assert set(verdicts.values()) <= {"PASS", "FAIL"}
    return {(name.removeprefix("ipc."), c.removeprefix("link=")) for (name, c), w in verdicts.items() if w == "FAIL"}


BOTH = {(name, c) for name in ("relative_error", "worst_block") for c in ("right", "upper")}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda links: links, set()),
        (lambda links: links * [1.25, 1, 1], {("relative_error", "right"), ("worst_block", "right")}),
        (lambda links: links[..., [1, 0, 2]] * [0.95, 1.1, 1], BOTH),
        (lambda links: links.mean(axis=(0, 1)) * np.ones_like(links), {b for b in BOTH if b[0] == "worst_block"}),
        (lambda links: links * [1, 1, 2], {("relative_error_corner", "corner")}),
        (lambda links: links * 0, BOTH | {("relative_error_corner", "corner")}),
        (lambda links: links * np.nan, BOTH | {("relative_error_corner", "corner")}),
    ],
    ids=["honest", "right + 25 %", "axes swapped", "no field dependence", "corners x 2", "none", "NaN"],
)
def test_faults(bench, change, expected):
    assert failing(judge_links(bench, change)) == expected


def test_value_by_hand(bench):
    """The left half 10 % too strong: with 62 and 64 of its columns light-sensitive in the first two blocks."""
    bench.as_built(REGION, links=np.full((*REGION.shape, 3), 0.01, "f4"))
    found = np.full((*REGION.shape, 3), 0.01)
    found[:, :128] *= 1.1
    row = bench.reference("ipc", 1, REGION, "ipc", DATA=found, ERR=np.zeros_like(found))
    values = {(s.metric, s.condition): s.value for s in bench.sample([row])}
    assert values["ipc.relative_error", "link=upper"] == pytest.approx(0.1 * 124 / 252, rel=1e-4)
    assert values["ipc.worst_block", "link=upper"] == pytest.approx(0.1, rel=1e-4)


def test_uncoupled_pixels_have_nothing_to_judge(bench):
    bench.as_built(REGION)
    row = bench.reference("ipc", 1, REGION, "ipc", DATA=TRUE, ERR=TRUE)
    assert {s.reason for s in bench.sample([row])} == {"pixels are not coupled in truth"}


def test_other_neighbours_are_refused(bench):
    bench.as_built(REGION, links=TRUE.astype("f4"))
    row = bench.reference("ipc", 1, REGION, "ipc", DATA=TRUE[..., :2], ERR=TRUE[..., :2])
    with pytest.raises(LayoutError, match="three neighbours"):
        bench.sample([row])
