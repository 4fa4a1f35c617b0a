"""Level 2 images: honest ones pass per role, gain, dark, flat and ERR faults fail."""

from dataclasses import replace

import numpy as np
import pytest

from iris_contract import DQ, Subarray

SHAPE, SKY = (200, 300), 77.0
REGION = Subarray(101, 101, SHAPE[1], SHAPE[0])
RESPONSE = np.resize([0.5, 0.9, 1.0, 1.1, 1.5], SHAPE)  # median 1: what the flat takes out


@pytest.fixture(scope="module")
def good(shared_bench):
    rows = []
    shared_bench.as_built(REGION, flat=RESPONSE, dark=np.full(SHAPE, 5.0))
    stars = SKY + 3000 * (np.random.default_rng(0).random(SHAPE) > 0.999)
    for role, scene in (("sky", np.full(SHAPE, SKY)), ("stars", stars)):
        err = shared_bench.bound(scene)
        for night in range(1, 9):
            name = f"{role}{night}.fits"
            data = scene + np.random.default_rng(night).normal(size=SHAPE) * err
            shared_bench.image(name, data, err, model="ImagerModel")
            truth = shared_bench.truth(name, scene, detected=scene * RESPONSE + 5.0)
            more = {"night": night, "family": "image", "exposure": role}
            rows.append(shared_bench.row(name, "ImagerModel", truth, **more))
    return rows


def failing(bench, rows):
    verdicts = bench.verdicts(rows)
    assert {c for _, c in verdicts} == {"role=sky", "role=stars"}
    assert set(verdicts.values()) <= {"PASS", "FAIL"}
    return {name.removeprefix("image.") for (name, _), word in verdicts.items() if word == "FAIL"}


def uneven_flat(image):
    factor = 1 + 0.02 * np.sin(np.arange(SHAPE[1]))
    return replace(image, data=(image.data * factor).astype("f4"))


def one_nan(image):
    data = image.data.copy()
    data[0, 0] = np.nan
    return replace(image, data=data)


def lose_columns(image):
    return replace(image, dq=image.dq | np.where(np.arange(SHAPE[1]) % 30 == 0, DQ["DO_NOT_USE"], 0).astype("u4"))


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (lambda image: image, set()),
        (
            lambda image: replace(image, data=image.data * np.float32(1.02)),
            {"relative_bias", "pull_mean", "pull_width", "rms_over_crb"},
        ),
        (lambda image: replace(image, data=image.data - np.float32(0.1)), {"pull_mean"}),
        (uneven_flat, {"pull_width", "rms_over_crb"}),
        (lambda image: replace(image, err=image.err * np.float32(0.8)), {"pull_width"}),
        (one_nan, {"relative_bias", "pull_mean", "pull_width", "rms_over_crb"}),
        (lose_columns, {"yield"}),
    ],
    ids=["honest", "gain + 2 %", "dark x 20", "wrong flat", "error x 0.8", "NaN", "flagged"],
)
def test_faults(shared_bench, good, fault, expected):
    assert failing(shared_bench, shared_bench.edit(good, fault)) == expected


@pytest.mark.parametrize("scene", [77.0, 0.5])
def test_truth_is_in_the_unit_of_the_flat(bench, scene):
    """Good pixels of median response 1.3 define the flat's 1, whatever the dark current adds to what they detect."""
    plane, response = np.full(SHAPE, scene), RESPONSE * 1.3
    response[:4] = 1e6
    cause = np.where(np.arange(SHAPE[0]) < 4, DQ["HOT"], 0)[:, None] * np.ones(SHAPE)
    bench.as_built(REGION, flat=response)
    bench.image("a.fits", plane * 1.3, plane, model="ImagerModel")
    truth = bench.truth("a.fits", plane, detected=plane * response + 0.5, cause=cause.astype("u4"))
    row = bench.row("a.fits", "ImagerModel", truth, family="image", exposure="sky")
    values = {s.metric: s.value for s in bench.sample([row])}
    assert values["image.relative_bias"] == pytest.approx(0, abs=1e-6)


def test_a_dark_scene_has_no_flux_scale(bench):
    bench.as_built(REGION)
    bench.image("a.fits", np.zeros((4, 5)), np.ones((4, 5)), model="ImagerModel")
    row = bench.row("a.fits", "ImagerModel", bench.truth("a.fits", np.zeros((4, 5))), family="image", exposure="dark")
    reasons = {s.metric: s.reason for s in bench.sample([row])}
    assert reasons["image.relative_bias"] == "the scene is dark"
    assert reasons["image.pull_mean"] == ""


@pytest.mark.parametrize(("flagged", "word"), [(True, "PASS"), (False, "FAIL")], ids=["flagged", "ignored"])
def test_a_product_that_ignores_the_guide_window_fails(bench, flagged, word):
    """The hole is dark in the product; only its flags tell. No other figure of the image moves."""
    bench.as_built(REGION)
    hole = np.zeros(SHAPE, dtype=bool)
    hole[50:80, 100:130] = True
    rows, dq = [], (hole & flagged) * np.uint32(DQ["DO_NOT_USE"])
    for night in range(1, 9):
        err = bench.bound(np.full(SHAPE, SKY))
        data = np.where(hole, 0, SKY) + np.random.default_rng(night).normal(size=SHAPE) * err
        bench.image(f"{night}.fits", data, err, model="ImagerModel", dq=dq.astype("u4"))
        truth = bench.truth(f"{night}.fits", np.full(SHAPE, SKY), cause=hole * np.uint32(DQ["NON_SCIENCE"]))
        rows.append(bench.row(f"{night}.fits", "ImagerModel", truth, night=night, family="image", exposure="sky"))
    verdicts = {name: w for (name, _), w in bench.verdicts(rows).items()}
    assert verdicts.pop("image.guide_window") == word
    assert set(verdicts.values()) == {"PASS"}
