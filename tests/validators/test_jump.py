"""Jump detection is counted in the right pixel, ramp and read; half the hits lost, or alarms, FAIL."""

from dataclasses import replace

import numpy as np
import pytest

from iris_contract import DQ
from iris_contract.errors import LayoutError

SHAPE, HITS = (256, 500), 700
ALARMS = 16  # per night of 127 300 unhit pixels: 1.26e-4


def draw(night):
    """Scene, cause and hits of one night: 700 pixels, 50 to 5000 e-, at any read but the first."""
    rng = np.random.default_rng(night)
    flat = rng.choice(SHAPE[0] * SHAPE[1], HITS, replace=False)
    y, x = np.unravel_index(flat, SHAPE)
    charge = np.exp(rng.uniform(np.log(50), np.log(5000), HITS))
    cause = np.zeros(SHAPE, "u4")
    cause[y, x] = DQ["JUMP_DET"]
    return cause, list(zip(y, x, np.zeros(HITS, int), rng.integers(1, 20, HITS), charge, strict=True))


def make(bench, name, night, jumps_of):
    scene = np.full(SHAPE, 2.0)
    cause, hits = draw(night)
    clean = np.argwhere(cause == 0)[:: 127_300 // ALARMS][:ALARMS]
    jumps = jumps_of(hits, [(y, x, 0, 7, 60.0) for y, x in clean])
    bench.image(name, scene, np.ones(SHAPE), jumps=jumps)
    truth = bench.truth(name, scene, cause=cause, events=hits)
    return bench.row(name, "RateModel", truth, night=night, family="jump", exposure="cosmic")


def verdicts(bench, jumps_of):
    found = bench.verdicts([make(bench, f"n{n}.fits", n, jumps_of) for n in range(1, 9)])
    return found["jump.completeness", "significance>7"], found["jump.false_alarms", "all"]


@pytest.mark.parametrize(
    ("jumps_of", "complete", "alarms"),
    [
        (lambda hits, false: hits + false, "PASS", "PASS"),
        (lambda hits, false: hits[::2] + false, "FAIL", "PASS"),
        (lambda hits, false: [(y, x, g, r % 19 + 1, e) for y, x, g, r, e in hits] + false, "FAIL", "PASS"),
        (
            lambda hits, false: hits + false + [(y, x, 0, r, 60.0) for y, x, *_ in false for r in (9, 11)],
            "PASS",
            "FAIL",
        ),
        (lambda hits, false: [], "FAIL", "PASS"),
    ],
    ids=["honest", "half lost", "one read off", "three times the alarms", "blind"],
)
def test_verdicts(bench, jumps_of, complete, alarms):
    assert verdicts(bench, jumps_of) == (complete, alarms)


def test_without_a_table_it_does_not_apply(bench):
    row = make(bench, "a.fits", 1, lambda hits, false: None)
    samples = [s for s in bench.sample([row]) if s.metric in ("jump.completeness", "jump.false_alarms")]
    assert {s.reason for s in samples} == {"no JUMPS table: this algorithm detects no jumps"}
    rows = [replace(row, night=n) for n in (1, 2, 3)]
    assert bench.verdicts(rows)["jump.completeness", "significance>7"] == "NOT_APPLICABLE"


def test_ranges_add_up(bench):
    row = make(bench, "a.fits", 1, lambda hits, false: hits[:100])
    counts = {s.condition: (s.k, s.n) for s in bench.sample([row]) if s.metric == "jump.completeness"}
    above = [counts[f"significance={a}"] for a in ("7-15", "15-50", "50-inf")]
    assert tuple(map(sum, zip(*above, strict=True))) == counts["significance>7"]


@pytest.mark.parametrize(("column", "place"), [("Y", (300, 1, 0, 1)), ("READ", (1, 1, 0, 20)), ("X", (1, -1, 0, 1))])
def test_table_outside_the_image_is_refused(bench, column, place):
    row = make(bench, "a.fits", 1, lambda hits, false: [(*place, 1.0)])
    with pytest.raises(LayoutError, match=f"{column}=None|{column}"):
        bench.sample([row])
