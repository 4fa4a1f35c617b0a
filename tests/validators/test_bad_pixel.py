"""Bad pixel map: complete and pure per class, guards at the limits, dropped bits and false flags FAIL."""

import numpy as np
import pytest

from iris_contract import DQ, Subarray, load_instrument
from iris_contract.dq import PIXEL_CLASSES, has

REGION = Subarray(1, 1, 512, 256)
BORDER = REGION.reference_pixels(load_instrument().detector("IMG1"))
VALUES = {"DEAD": ("flat", 0.03), "LOW_QE": ("flat", 0.3), "HOT": ("dark", 5.0), "WARM": ("dark", 0.5)}


def defects():
    """Truth with 600 pixels in each class and 600 bad reference pixels."""
    rng = np.random.default_rng(1)
    planes = {"dark": np.full(REGION.shape, 0.005), "flat": np.ones(REGION.shape), "bad": np.zeros(REGION.shape, "u4")}
    places = rng.permutation(np.argwhere(~BORDER))
    for number, (name, (plane, value)) in enumerate(VALUES.items()):
        y, x = places[600 * number : 600 * (number + 1)].T
        planes[plane][y, x] = value
        planes["bad"][y, x] = DQ[name]
    y, x = rng.permutation(np.argwhere(BORDER))[:600].T
    planes["bad"][y, x] = DQ["BAD_REF_PIXEL"]
    return planes


def judge_masks(bench, change):
    planes = defects()
    found = change(planes)
    bench.as_built(REGION, **planes)
    rows = [bench.reference("mask", n, REGION, "bad_pixel", DQ=found) for n in (1, 2, 3)]
    return bench.verdicts(rows)


def failing(verdicts):
    assert set(verdicts.values()) <= {"PASS", "FAIL", "NOT_APPLICABLE"}
    return {
        (name.removeprefix("bad_pixel."), c.removeprefix("class=")) for (name, c), w in verdicts.items() if w == "FAIL"
    }


def test_true_map_passes_everything(bench):
    verdicts = judge_masks(bench, lambda planes: planes["bad"] | DQ["DO_NOT_USE"])
    assert len(verdicts) == 1 + 2 * len(PIXEL_CLASSES)
    assert set(verdicts.values()) == {"PASS"}


def test_bits_lost_in_uint16(bench):
    verdicts = judge_masks(bench, lambda planes: planes["bad"] & 0xFFFF)
    assert failing(verdicts) == {("completeness", "BAD_REF_PIXEL")}
    assert verdicts["bad_pixel.purity", "class=BAD_REF_PIXEL"] == "NOT_APPLICABLE"


def test_shifted_region(bench):
    verdicts = judge_masks(bench, lambda planes: np.roll(planes["bad"], 8, axis=1))
    classes = {*VALUES, "BAD_REF_PIXEL"}
    assert failing(verdicts) >= {(figure, c) for figure in ("completeness", "purity") for c in classes}


def test_classes_mixed_up(bench):
    def swap(planes):
        hot, warm = has(planes["bad"], "HOT"), has(planes["bad"], "WARM")
        return np.where(hot, DQ["WARM"], np.where(warm, DQ["HOT"], planes["bad"]))

    expected = {(figure, c) for figure in ("completeness", "purity") for c in ("HOT", "WARM")}
    assert failing(judge_masks(bench, swap)) == expected


def test_good_pixels_flagged(bench):
    def flag(planes):
        extra = (np.arange(512) % 50 == 9) & ~BORDER & (planes["bad"] == 0)
        return planes["bad"] | np.where(extra, DQ["HOT"], 0)

    assert failing(judge_masks(bench, flag)) == {("purity", "HOT"), ("yield", "all")}


@pytest.mark.parametrize(
    ("name", "value"), [("WARM", 0.16), ("WARM", 0.24), ("HOT", 1.2), ("DEAD", 0.105), ("LOW_QE", 0.46)]
)
@pytest.mark.parametrize("flagged", [True, False])
def test_pixels_at_a_limit_count_neither_way(bench, name, value, flagged):
    """60 pixels within the guard, flagged or not, true or not by a hair: every verdict stays PASS."""

    def put(planes):
        good = np.argwhere(~BORDER & (planes["bad"] == 0))[5000:5060].T
        planes[VALUES[name][0]][good[0], good[1]] = value
        planes["bad"][good[0], good[1]] = DQ[name]
        found = planes["bad"].copy()
        found[good[0], good[1]] = DQ[name] if flagged else 0
        return found

    verdicts = judge_masks(bench, put)
    assert verdicts["bad_pixel.completeness", f"class={name}"] == "PASS"
    assert verdicts["bad_pixel.purity", f"class={name}"] == "PASS"
