"""Bad pixel map: complete and pure per class, guards at the limits, dropped bits, false flags, telegraph."""

import hashlib
from dataclasses import replace

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


def test_a_region_without_reference_pixels_has_none_to_find(bench):
    inside = Subarray(101, 101, 64, 64)
    planes = {"dark": np.full(inside.shape, 5.0), "flat": np.ones(inside.shape)}
    bad = np.full(inside.shape, DQ["HOT"], "u4")
    bench.as_built(inside, **planes, bad=bad)
    rows = [bench.reference("mask", n, inside, "bad_pixel", DQ=bad | DQ["DO_NOT_USE"]) for n in (1, 2, 3)]
    verdicts = bench.verdicts(rows)
    assert verdicts["bad_pixel.completeness", "class=BAD_REF_PIXEL"] == "NOT_APPLICABLE"
    assert verdicts["bad_pixel.completeness", "class=HOT"] == "PASS"
    assert verdicts["bad_pixel.completeness", "class=DEAD"] == "NOT_MEASURED"  # there might have been one


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


HEIGHTS = {"sure": 150.0, "small": 40.0, "still": 200.0}
"""Telegraph pixels e-: 600 that a map must have, 60 too small to tell at 11 e-, 60 that did not switch."""


def judge_telegraph(bench, change, *, truth=True):
    """Verdicts when the map is `change` of truth's flags and the (n, 2) places of each kind of pixel."""
    planes = defects()
    free = np.random.default_rng(3).permutation(np.argwhere(~BORDER & (planes["bad"] == 0)))
    places = dict(zip(HEIGHTS, np.split(free[:720], [600, 660]), strict=True))
    heights = np.zeros(REGION.shape)
    for name, where in places.items():
        heights[tuple(where.T)] = HEIGHTS[name]
    planes["bad"][heights > 0] |= np.uint32(DQ["TELEGRAPH"])
    bench.as_built(REGION, **planes, telegraph=heights.astype("f4"))
    cause = planes["bad"].copy()
    cause[tuple(places["still"].T)] &= ~np.uint32(DQ["TELEGRAPH"])
    found, rows = change(planes["bad"].copy(), places), []
    for night in (1, 2, 3):
        row = bench.reference("mask", night, REGION, "bad_pixel", DQ=found)
        raw = f"raw/{night}_LVL0_1.fits"
        if truth:
            bench.truth(f"{night}_TRUTH_1.fits", np.zeros(REGION.shape), cause=cause, raw=raw)
        rows.append(replace(row, raw=(raw,), raw_sha256=(hashlib.sha256(raw.encode()).hexdigest(),)))
    return bench.verdicts(rows)


def without(name):
    def change(found, places):
        found[tuple(places[name].T)] &= ~np.uint32(DQ["TELEGRAPH"])
        return found

    return change


def blind(found, places):
    return found & ~np.uint32(DQ["TELEGRAPH"])


def suspicious(found, places):
    found[100:110, 100:180] |= np.uint32(DQ["TELEGRAPH"])
    return found


TELEGRAPH = ("completeness_telegraph", "TELEGRAPH")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda found, places: found, set()),
        (without("small"), set()),
        (without("still"), set()),
        (without("sure"), {TELEGRAPH}),
        (blind, {TELEGRAPH}),
        (suspicious, {("purity_telegraph", "TELEGRAPH")}),
    ],
    ids=["true", "small ones missed", "still ones missed", "sure ones missed", "none", "800 false"],
)
def test_telegraph_pixels(bench, change, expected):
    assert failing(judge_telegraph(bench, change)) == expected


def test_pixels_that_did_not_switch_count_where_truth_does_not_tell(bench):
    def counts(**more):
        judge_telegraph(bench, lambda found, places: found, **more)
        row = bench.row("mask1.fits", "MaskModel", "truth/as_built/IMG1.fits", family="bad_pixel")
        raw = "raw/1_LVL0_1.fits"
        row = replace(row, raw=(raw,), raw_sha256=(hashlib.sha256(raw.encode()).hexdigest(),))
        return {s.metric: s.n for s in bench.sample([row]) if s.condition == "class=TELEGRAPH"}

    assert counts(truth=False) == {"bad_pixel.completeness": 660, "bad_pixel.purity": 660}
    assert counts() == {"bad_pixel.completeness": 600, "bad_pixel.purity": 600}


def test_truth_of_another_raw_file_tells_nothing(bench):
    flags = np.where(BORDER, 0, DQ["TELEGRAPH"]).astype("u4")
    bench.as_built(REGION, bad=flags, telegraph=np.where(BORDER, 0, 100).astype("f4"))
    row = bench.reference("mask", 1, REGION, "bad_pixel", DQ=flags)
    bench.truth("1_TRUTH_1.fits", np.zeros(REGION.shape), raw="raw/1_LVL0_1.fits")
    for raw in ("raw/1_LVL0_1.fits", "raw/../../1_LVL0_1.fits"):
        samples = bench.sample([replace(row, raw=(raw,), raw_sha256=("0" * 64,))])
        assert next(s.n for s in samples if s.condition == "class=TELEGRAPH") == 252 * 508


def test_without_telegraph_pixels_there_is_no_such_class_but_false_ones_cost_yield(bench):
    verdicts = judge_masks(bench, lambda planes: suspicious(planes["bad"], {}))
    assert ("bad_pixel.completeness_telegraph", "class=TELEGRAPH") not in verdicts
    bench.as_built(REGION)
    row = bench.reference("mask", 1, REGION, "bad_pixel", DQ=suspicious(np.zeros(REGION.shape, "u4"), {}))
    found = {(s.metric, s.condition): s for s in bench.sample([row])}
    kept = found["bad_pixel.yield", "all"]
    assert kept.n - kept.k == 800
