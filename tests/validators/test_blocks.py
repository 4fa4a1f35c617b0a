"""A single frame in blocks: windows tile the region, every family gives sixteen, and they make an interval."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iris_contract import DQ, Subarray
from iris_contract.errors import InputError
from iris_contract.reftypes import load_reference_types
from iris_validators import FAMILY_MODELS, combine, group_samples, judge, load_specifications, sample_group
from iris_validators.evidence import read_image, read_reference
from iris_validators.sampling import BANDED, _list_windows

REGION = Subarray(1, 1, 512, 192)
SHAPE = REGION.shape
LEVELS = np.array([20e3, 80e3])
IMAGES = {"ramp": "RateModel", "jump": "RateModel", "image": "ImagerModel"} | dict.fromkeys(
    ("saturation", "reference_pixel", "persistence", "snowball"), "RateModel"
)
KINDS = {
    "gain": "gain",
    "readnoise": "read_noise",
    "dark": "dark",
    "flat": "flat",
    "mask": "bad_pixel",
    "linearity": "linearity",
    "ipc": "ipc",
}


@pytest.fixture(scope="module")
def rows(shared_bench):
    """One row per family, of one night; estimates differ from truth by noise."""
    bench, rng = shared_bench, np.random.default_rng(0)
    bad = np.where(rng.random(SHAPE) < 0.05, DQ["HOT"], 0).astype("u4")
    bad[rng.random(SHAPE) < 0.25] |= DQ["BAD_REF_PIXEL"]
    flaws = {
        "links": np.full((*SHAPE, 3), 0.01, "f4"),
        "signal": np.broadcast_to(LEVELS, (*SHAPE, 2)).astype("f4"),
        "levels": LEVELS,
    }
    built = bench.as_built(REGION, bad=bad, **flaws)
    noise = rng.normal(1, 0.01, SHAPE)
    full = rng.random(SHAPE) < 0.1
    scene = np.where(full, 1000.0, 2.0)
    glow = np.full(SHAPE, 0.5)
    events = [(y, x, 0, 5, 3000.0) for y, x in rng.integers((5, 5), SHAPE, (800, 2)) if not full[y, x]]
    cause = np.where(full, DQ["SATURATED"], 0).astype("u4")
    for y, x, *_ in events:
        cause[y, x] = DQ["JUMP_DET"]
    jumps = [(y, x, group, read, charge) for y, x, group, read, charge in events[::2]]
    found = {}
    for family, model in IMAGES.items():
        name = f"{family}.fits"
        table = jumps if model == "RateModel" else None
        bench.image(name, scene * noise, scene * 0.01, model=model, dq=cause, jumps=table, corner=(1, 1))
        truth = bench.truth(name, scene, cause=cause, events=events, persistence=glow)
        found[family] = bench.row(name, model, truth, family=family)
    planes = {
        "linearity": {"COEFFS": 1e-4 * rng.normal(size=(*SHAPE, 2)), "COEFFS_ERR": np.zeros((*SHAPE, 2))},
        "ipc": {"DATA": built.links * noise[..., None], "ERR": built.links},
        "mask": {"DQ": built.bad},
    }
    for kind, family in KINDS.items():
        content = planes.get(kind, {"DATA": 2.0 * noise, "ERR": np.full(SHAPE, 0.02)})
        found[family] = bench.reference(kind, 1, REGION, family, {"LINNORM": 4e4}, **content)
    return found


def test_every_family_but_raw_frames_is_cut(rows):
    """Wavelengths are cut as well, on a bench of their own: see test_wavelength and test_wavelength_map."""
    assert set(rows) == set(FAMILY_MODELS) - {"simulator", "wavelength", "wavelength_map"}


@pytest.mark.parametrize("family", [*IMAGES, *KINDS.values()])
def test_sixteen_blocks_make_an_interval(shared_bench, rows, family):
    whole = group_samples(sample_group(shared_bench.root, [rows[family]]))
    cut = group_samples(sample_group(shared_bench.root, [rows[family]], blocks=4))
    assert set(cut) == set(whole)
    for key, samples in cut.items():
        assert [s.block for s in samples] == list(range(16))
        if not whole[key][0].reason:
            assert combine(whole[key]).low is None
            assert combine(samples).has_interval, key
            assert "blocks" in combine(samples).method


@pytest.mark.parametrize("family", [*IMAGES, *KINDS.values()])
def test_blocks_hold_all_pixels_once(shared_bench, rows, family):
    """Counts add up to those of the whole; means weighted by their numbers do for what has no scale of its own."""
    whole = group_samples(sample_group(shared_bench.root, [rows[family]]))
    cut = group_samples(sample_group(shared_bench.root, [rows[family]], blocks=4))
    for key, (single, *_) in whole.items():
        if single.reason:
            continue
        if single.k is not None:
            assert (sum(s.k or 0 for s in cut[key]), sum(s.n or 0 for s in cut[key])) == (single.k, single.n)
        elif single.metric in ("dark.mean_bias", "ramp.bias", "ramp.pull_mean", "image.pull_mean"):
            assert np.average([s.value for s in cut[key]], weights=[s.weight for s in cut[key]]) == pytest.approx(
                single.value, rel=1e-6
            )


def test_saturated_neighbours_across_a_cut_stay_neighbours(shared_bench, rows):
    """Counted above to the pixel: a block that did not see the pixels beyond its rim would count too many."""
    key = "saturation.false_flags"
    whole = [s for s in sample_group(shared_bench.root, [rows["saturation"]]) if s.metric == key]
    cut = [s for s in sample_group(shared_bench.root, [rows["saturation"]], blocks=4) if s.metric == key]
    assert sum(s.n or 0 for s in cut) == whole[0].n


def test_a_fault_in_a_single_frame_fails(shared_bench, rows):
    spec, row = load_specifications()["image.pull_width"], rows["image"]
    (broken,) = shared_bench.edit([row], lambda image: replace(image, err=image.err * np.float32(0.5)))
    words = {}
    for name, r in (("good", row), ("broken", broken)):
        samples = sample_group(shared_bench.root, [r], blocks=4)
        words[name] = judge(spec, combine([s for s in samples if s.metric == spec.metric])).word
    assert words == {"good": "PASS", "broken": "FAIL"}


def test_what_is_common_to_a_single_frame_decides_nothing(shared_bench):
    """One gain for an output, 2 % off, is one number in sixteen blocks."""
    row = shared_bench.reference("gain", 2, REGION, "gain", DATA=2.0 * 1.02 * np.ones(SHAPE))
    samples = group_samples(sample_group(shared_bench.root, [row], blocks=4))
    words = {judge(load_specifications()["gain.relative_error"], combine(part)).word for part in samples.values()}
    assert words == {"INCONCLUSIVE"}


def test_tables_and_headers_follow_the_window(shared_bench, rows):
    evidence = read_image(shared_bench.root, rows["jump"])
    part = evidence.cut((slice(48, 96), slice(64, 128)))
    assert part.region == Subarray(65, 49, 64, 48)
    assert part.image.data.shape == part.truth.cause.shape == (48, 64)
    events = evidence.truth.events
    inside = events[(events["Y"] >= 48) & (events["Y"] < 96) & (events["X"] >= 64) & (events["X"] < 128)]
    assert 0 < inside.size < events.size
    assert np.array_equal(part.truth.events["Y"], inside["Y"] - 48)
    assert (part.truth.cause[part.truth.events["Y"], part.truth.events["X"]] == DQ["JUMP_DET"]).all()
    assert evidence.truth.events["Y"].max() > 96  # the whole is left as it was


def test_planes_of_any_number_of_axes_are_cut(shared_bench, rows):
    part = read_reference(shared_bench.root, rows["linearity"]).cut((slice(0, 48), slice(448, 512)))
    assert part.reference.content["COEFFS"].shape == (48, 64, 2)
    assert part.maps.signal.shape == (48, 64, 2)
    assert part.maps.levels.tolist() == LEVELS.tolist()
    assert part.region == Subarray(449, 1, 64, 48)
    assert part.border[:4].all()
    assert not part.border[4:].any()


def test_the_unit_of_an_image_is_that_of_the_whole(shared_bench):
    response = np.where(np.arange(512) < 256, 0.9, 1.1) * np.ones(SHAPE)
    response[:, 200:312] = 1.0
    bench, plane = shared_bench, np.full(SHAPE, 77.0)
    bench.as_built(REGION, flat=response)
    bench.image("unit.fits", plane, plane, model="ImagerModel", corner=(1, 1))
    row = bench.row("unit.fits", "ImagerModel", bench.truth("unit.fits", plane), family="image")
    found = [s.value for s in sample_group(bench.root, [row], blocks=4) if s.metric == "image.relative_bias"]
    assert found == pytest.approx([0] * 16, abs=1e-6)


@given(st.integers(1, 5), st.booleans(), st.integers(25, 90), st.integers(5, 90))
def test_windows_tile_the_region(blocks, banded, ny, nx):
    covered = np.zeros((ny, nx), int)
    windows = list(_list_windows((ny, nx), blocks, banded))
    for window in windows:
        assert covered[window].size > 0
        covered[window] += 1
    assert (covered == 1).all()
    assert len(windows) == blocks**2


@pytest.mark.parametrize(("shape", "blocks", "banded"), [((15, 99), 4, True), ((99, 3), 4, False), ((9, 9), 0, False)])
def test_too_small_a_region_is_refused(shape, blocks, banded):
    with pytest.raises(InputError, match="cannot be cut"):
        list(_list_windows(shape, blocks, banded))


def test_banded_families_exist():
    assert set(BANDED) <= set(FAMILY_MODELS)
    assert {load_reference_types()[kind].model for kind in KINDS} == {FAMILY_MODELS[f] for f in KINDS.values()}
