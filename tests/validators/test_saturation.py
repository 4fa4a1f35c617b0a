"""Saturation: complete and clean flags pass; borders count neither way; missing and spread flags fail."""

import numpy as np
import pytest

from iris_contract import DQ, Subarray
from iris_contract.errors import LayoutError

SHAPE, WELL, SPAN = (128, 200), 1e5, 190.0
REGION = Subarray(101, 101, SHAPE[1], SHAPE[0])
FLAG = np.uint32(DQ["SATURATED"])


def scene():
    """Fill of the wells (ny, nx): the left half doubly full, the right half one third, a rim and a star between."""
    fill = np.where(np.arange(SHAPE[1]) < 100, 2.0, 0.3) * np.ones(SHAPE)
    fill[60, 150] = 3.0
    fill[80, 150:170] = 0.93
    fill[82, 150:170] = 1.02
    return fill


def judge_flags(bench, change):
    """Verdicts of the role when every night's flags are `change` of the true ones."""
    fill = scene()
    full = fill >= 1
    cause = np.where(full, FLAG, 0).astype("u4")
    cause[:, 10] |= DQ["HOT"]
    cause[:, 120] |= DQ["JUMP_DET"]
    bench.as_built(REGION, well=np.full(SHAPE, WELL))
    rows = []
    for night in range(1, 9):
        name = f"{night}.fits"
        found = np.where(change(full.copy()), FLAG, 0).astype("u4")
        bench.image(name, fill, fill, dq=found)
        truth = bench.truth(name, fill * WELL / SPAN, cause=cause)
        rows.append(bench.row(name, "RateModel", truth, night=night, family="saturation", exposure="bright"))
    return {name.removeprefix("saturation."): word for (name, _), word in bench.verdicts(rows).items()}


def grow(mask):
    out = mask.copy()
    out[1:] |= mask[:-1]
    out[:-1] |= mask[1:]
    out[:, 1:] |= mask[:, :-1]
    out[:, :-1] |= mask[:, 1:]
    return out


def flag_rims(mask):
    """The undecided pixels the other way round: nobody is wrong."""
    mask[80, 150:170], mask[82, 150:170] = True, False
    mask[:, 10], mask[:, 120] = False, True
    return mask


def miss(mask):
    mask[:, 50] = False
    return mask


def spread(mask):
    mask[:, 180] = True
    return mask


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda mask: mask, set()),
        (grow, set()),
        (flag_rims, set()),
        (miss, {"completeness"}),
        (lambda mask: mask & False, {"completeness"}),
        (spread, {"false_flags"}),
        (lambda mask: mask | True, {"false_flags"}),
    ],
    ids=["true", "grown", "borders", "missing", "none", "spread", "all"],
)
def test_faults(bench, change, expected):
    verdicts = judge_flags(bench, change)
    assert set(verdicts.values()) <= {"PASS", "FAIL"}
    assert {name for name, word in verdicts.items() if word == "FAIL"} == expected


def test_counts_by_hand(bench):
    fill = scene()
    cause = np.where(fill >= 1, FLAG, 0).astype("u4")
    bench.as_built(REGION, well=np.full(SHAPE, WELL))
    bench.image("a.fits", fill, fill, dq=cause)
    truth = bench.truth("a.fits", fill * WELL / SPAN, cause=cause)
    row = bench.row("a.fits", "RateModel", truth, family="saturation", exposure="bright")
    found = {s.metric: s for s in bench.sample([row])}
    assert found["saturation.completeness"].n == 128 * 100 + 1
    # off: the column beside the full half, 3 x 3 about the star, the rim of 0.93, the rim of 1.02 and what is beside it
    assert found["saturation.false_flags"].n == 128 * 99 - 9 - 20 - 3 * 22
    assert {s.condition for s in found.values()} == {"role=bright"}


def test_the_truth_of_the_wells_must_be_there(bench):
    bench.image("a.fits", np.ones((4, 5)), np.ones((4, 5)))
    row = bench.row("a.fits", "RateModel", bench.truth("a.fits", np.ones((4, 5))), family="saturation")
    with pytest.raises(LayoutError, match="no such file"):
        bench.sample([row])
    bench.as_built(Subarray(1, 1, 64, 64))
    with pytest.raises(LayoutError, match="truth covers"):
        bench.sample([row])
