"""Apertures: independent noise gives 1 at every size; shared noise widens the pulls as derived, and fails."""

from dataclasses import replace

import numpy as np
import pytest

from iris_contract import DQ
from iris_contract.errors import LayoutError
from iris_validators import sample_group

SHAPE = (256, 384)
RATES = (0.5, 50.0)
LADDER = np.array(RATES)[(np.arange(384) // 16)[None, :] % 2 ^ (np.arange(256) // 16)[:, None] % 2]
METRIC = "ramp.aperture_pull_width"


def make_rows(bench, scene=LADDER, shared=0.0, factor=1.0, corner=(1, 1)):
    """Eight nights; `shared` is noise of each row of 64 columns in units of a pixel's sigma."""
    bound, rows = bench.bound(scene), []
    for night in range(1, 9):
        rng, name = np.random.default_rng(night), f"{night}.fits"
        common = np.repeat(rng.normal(size=(SHAPE[0], SHAPE[1] // 64)), 64, axis=1)
        cause = np.where(rng.random(SHAPE) < 0.02, DQ["HOT"], 0).astype("u4")
        data = np.where(cause > 0, 1e6, scene + bound * (rng.normal(size=SHAPE) + shared * common))
        bench.image(name, data, bound * factor, corner=corner)
        rows.append(bench.row(name, "RateModel", bench.truth(name, scene, cause=cause), night=night))
    return rows


def widths(bench, rows):
    found = {}
    for s in bench.sample(rows, metrics=[METRIC]):
        if s.metric == METRIC:
            found.setdefault(s.condition, []).append(s)
    return {c: np.sqrt(np.mean([s.value**2 for s in part])) for c, part in found.items() if not part[0].reason}


def aperture_verdicts(bench, rows):
    found = bench.verdicts(rows, metrics=[METRIC])
    return {c: word for (name, c), word in found.items() if name == METRIC}


def test_they_are_sampled_only_on_request(bench):
    rows = make_rows(bench)[:1]
    plain = sample_group(bench.root, rows)
    asked = sample_group(bench.root, rows, metrics=[METRIC, "gain.relative_error"])
    assert METRIC not in {s.metric for s in plain}
    assert [s for s in asked if s.metric != METRIC] == plain


def test_independent_noise_passes_at_every_size_and_rate(bench):
    verdicts = aperture_verdicts(bench, make_rows(bench))
    judged = {f"aperture={size} rate={rate:g}" for size in ("4x4", "8x8") for rate in RATES}
    assert verdicts == dict.fromkeys(judged, "PASS") | {"aperture=1x64": "NOT_APPLICABLE"}


def test_uniform_light_fills_rows_of_outputs(bench):
    verdicts = aperture_verdicts(bench, make_rows(bench, np.full(SHAPE, 2.0)))
    assert verdicts == {f"aperture={size} rate=2": "PASS" for size in ("4x4", "8x8", "1x64")}


def test_shared_noise_widens_pulls_with_the_size(bench):
    """Variance s^2 in common along a row: a sum over n rows of m pixels has 1 + m s^2 times the variance."""
    rows = make_rows(bench, np.full(SHAPE, 2.0), shared=0.25)
    found = widths(bench, rows)
    expected = {"4x4": 1 + 4 / 16, "8x8": 1 + 8 / 16, "1x64": 1 + 64 / 16}
    for size, square in expected.items():
        assert found[f"aperture={size} rate=2"] ** 2 == pytest.approx(square, rel=0.06)  # 3 sigma at 8 x 8
    assert set(aperture_verdicts(bench, rows).values()) == {"FAIL"}


def test_wrong_errors_fail(bench):
    words = aperture_verdicts(bench, make_rows(bench, factor=0.8))
    assert {word for c, word in words.items() if c != "aperture=1x64"} == {"FAIL"}
    with pytest.raises(LayoutError, match="ERR must hold standard deviations"):
        aperture_verdicts(bench, make_rows(bench, factor=-1.0))


def test_apertures_follow_the_detector_s_grid(bench):
    """A corner 8 pixels into the ladder's blocks, seen from the detector's first pixel: none of 8 x 8 is lost."""
    rolled = np.roll(LADDER, (-8, -8), axis=(0, 1))
    row = make_rows(bench, rolled, corner=(9, 9))[0]
    counts = {s.condition: s.weight for s in bench.sample([row], metrics=[METRIC]) if s.metric == METRIC}
    assert sum(w for c, w in counts.items() if c.startswith("aperture=8x8")) == SHAPE[0] * SHAPE[1] / 64
    shifted = make_rows(bench, rolled, corner=(1, 1))[0]
    counts = {s.condition: s.weight for s in bench.sample([shifted], metrics=[METRIC]) if s.metric == METRIC}
    assert sum(w for c, w in counts.items() if c.startswith("aperture=8x8")) == SHAPE[0] * SHAPE[1] / 64
    odd = make_rows(bench, rolled, corner=(6, 6))[0]  # 3 pixels off: blocks and grid disagree
    counts = {s.condition: s.weight for s in bench.sample([odd], metrics=[METRIC]) if s.metric == METRIC}
    assert 0 < sum(w for c, w in counts.items() if c.startswith("aperture=8x8")) < SHAPE[0] * SHAPE[1] / 64 / 3


def test_apertures_need_half_of_their_pixels(bench):
    scene = np.ones((8, 64))
    dq = np.zeros(scene.shape, "u4")
    dq[:, :3], dq[0, 8:16] = DQ["DO_NOT_USE"], DQ["DO_NOT_USE"]
    bench.image("a.fits", scene, scene, dq=dq, corner=(1, 1))
    row = bench.row("a.fits", "RateModel", bench.truth("a.fits", scene))
    found = {s.condition: s for s in bench.sample([row], metrics=[METRIC]) if s.metric == METRIC}
    assert found["aperture=4x4 rate=1"].weight == 30
    assert found["aperture=8x8 rate=1"].weight == 8
    assert replace(found["aperture=1x64 rate=1"], weight=8.0) == found["aperture=1x64 rate=1"]
