"""Faults of images: each changes what its name says, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from iris_contract import DQ
from iris_contract.dq import has
from iris_contract.frames import Image
from iris_contract.manifest import read_manifest
from iris_harness.faults import FAULTS
from iris_harness.run_directory import RunDirectory

pytestmark = pytest.mark.xdist_group("micro")


def find_row(run, family, algorithm="gls", setting="chain"):
    """The first row of a family in a setting."""
    rows = [r for r in read_manifest(run / "manifest.json") if (r.family, r.setting) == (family, setting)]
    return next(r for r in rows if r.algorithm == algorithm) if family in ("ramp", "image") else rows[0]


def break_product(run, tmp_path, fault, family, algorithm="gls", setting="chain"):
    """Good and broken product of the first row of a family."""
    row = find_row(run, family, algorithm, setting)
    return row.path(run), FAULTS[fault](RunDirectory(run), row, tmp_path), row


@pytest.mark.parametrize(
    ("fault", "change"), [("inverted_error", lambda e: 1 / e), ("error_times_0.8", lambda e: np.float32(0.8) * e)]
)
def test_error_faults_change_only_errors(micro_run, tmp_path, fault, change):
    good, broken, _ = break_product(micro_run, tmp_path, fault, "ramp")
    one, other = Image.read(good), Image.read(broken)
    used = one.err > 0
    np.testing.assert_allclose(other.err[used], change(one.err[used]), rtol=1e-6)
    np.testing.assert_array_equal(one.data, other.data)
    np.testing.assert_array_equal(one.dq, other.dq)


@pytest.mark.parametrize("setting", ["alone", "chain"])
def test_missing_covariance_makes_errors_too_small_only_where_photons_count(micro_run, tmp_path, setting):
    """Where the fit found no photons, only read noise is left: that of the product's own reference."""
    good, broken, _ = break_product(micro_run, tmp_path, "missing_covariance", "ramp", "ols", setting)
    one, other = Image.read(good), Image.read(broken)
    used = (one.err > 0) & (one.dq == 0)
    bright, dark = used & (one.data > 30), used & (one.data <= 0)
    ratio = other.err / np.where(used, one.err, 1)
    assert dark.any()
    np.testing.assert_allclose(ratio[dark], 1, rtol=1e-5)
    assert np.median(ratio[bright]) < 0.9
    np.testing.assert_array_equal(one.data, other.data)


@pytest.mark.parametrize("fault", ["wrong_corner", "wrong_detector"])
def test_wrong_flats_change_the_image(micro_run, tmp_path, fault):
    good, broken, _ = break_product(micro_run, tmp_path, fault, "image")
    one, other = Image.read(good), Image.read(broken)
    used = (one.dq == 0) & (other.dq == 0)
    assert np.std(other.data[used] / one.data[used]) > 0.005


def test_uint16_cast_wraps_what_lies_below_zero(micro_run, tmp_path):
    good, broken, _ = break_product(micro_run, tmp_path, "uint16_cast", "ramp", "ols")
    one, other = Image.read(good), Image.read(broken)
    used = one.dq == 0
    assert np.nanmax(np.abs(other.data - one.data)[used]) > 100


def keep(one, other, *names):
    """Whether two images have the same planes of these names."""
    return all(np.array_equal(getattr(one, name), getattr(other, name), equal_nan=True) for name in names)


@pytest.fixture
def break_image(micro_run, tmp_path):
    """Break a rate image whose jumps, flags or pixels a function may have changed before, and return both."""

    def apply(fault, prepare=lambda image: image):
        row = find_row(micro_run, "ramp")
        path = tmp_path / "products" / "chain" / "ramp" / "gls" / "night-001" / "good.fits"
        good = prepare(Image.read(row.path(micro_run)))
        good.write(path)
        mine = replace(row, product=str(path.relative_to(tmp_path)))
        return Image.read(path), Image.read(FAULTS[fault](RunDirectory(tmp_path), mine, tmp_path / "out"))

    return apply


def put_jumps(image):
    """Two jumps: one at the corner of the region in the last read, one inside."""
    jumps = np.zeros(2, image.jumps.dtype)
    jumps["Y"], jumps["X"], jumps["READ"], jumps["AMPLITUDE"] = (0, 20), (0, 30), (7, 3), (700.0, 1400.0)
    return replace(image, jumps=jumps)


def test_an_interval_too_many_scales_rate_and_error(break_image):
    good, broken = break_image("interval_too_many")
    np.testing.assert_allclose(broken.data, good.data * 7 / 8, rtol=1e-6)
    np.testing.assert_allclose(broken.err, good.err * 7 / 8, rtol=1e-6)
    assert keep(good, broken, "dq")


def test_bad_pixels_take_their_neighbours_along(break_image):
    good, broken = break_image("grown_image_flags")
    bad = np.argwhere(has(good.dq, "HOT"))[0]
    assert has(broken.dq[bad[0] - 1 : bad[0] + 2, bad[1]], "DO_NOT_USE").all()
    assert has(broken.dq, "DO_NOT_USE").sum() > 2 * has(good.dq, "DO_NOT_USE").sum()
    assert keep(good, broken, "data", "err")


def test_noise_of_rows_is_shared_and_counted_as_each_pixel_s_own(break_image):
    """64 rows: their scatter of 0.4 is known to 0.035."""
    good, broken = break_image("noise_of_rows_as_own")
    used = (good.err > 0) & (good.dq == 0)
    shift = np.where(used, (broken.data - good.data) / np.where(used, good.err, 1), np.nan)
    rows = np.nanmean(shift[4:], axis=1)
    assert np.nanmax(np.abs(shift[4:] - rows[:, None])) < 1e-3
    assert abs(rows.std() - 0.4) < 4 * 0.035
    np.testing.assert_allclose(broken.err[used], good.err[used] * np.sqrt(1.16), rtol=1e-6)
    assert keep(good, broken, "dq")


def test_alternation_leaves_row_means_alone(break_image):
    good, broken = break_image("alternation_of_few_pixels")
    shift = (broken.data - good.data)[4:]
    np.testing.assert_allclose(shift[:, 4::2], -shift[:, 5::2], atol=1e-4)
    sigma = np.median(good.err[good.err > 0])
    assert abs(shift[:, 4].std() / sigma - 0.5) < 4 * 0.5 / np.sqrt(120)
    assert keep(good, broken, "err", "dq")


@pytest.mark.parametrize(("fault", "algorithm"), [("reference_pixels_added", "none"), ("afterglow_added", "flag")])
def test_what_was_subtracted_is_added(micro_run, tmp_path, fault, algorithm):
    """The image is off to the other side of the uncorrected one, by as much."""
    row, run = find_row(micro_run, "ramp"), RunDirectory(tmp_path)
    good = Image.read(row.path(micro_run))
    mine, beside = (run.products("chain", "ramp", name, row.night) / "a.fits" for name in ("gls", algorithm))
    good.write(mine)
    replace(good, data=good.data + np.float32(3)).write(beside)
    path = FAULTS[fault](run, replace(row, product=run.relative(mine)), tmp_path / "out")
    np.testing.assert_allclose(Image.read(path).data, good.data + 6, rtol=1e-6)
    assert keep(good, Image.read(path), "err", "dq")


def test_jumps_one_read_late_stay_within_the_ramp(break_image):
    good, broken = break_image("jumps_one_read_late", put_jumps)
    assert broken.jumps["READ"].tolist() == [7, 4]
    assert keep(good, broken, "data", "err", "dq")
    for name in ("Y", "X", "GROUP", "AMPLITUDE"):
        np.testing.assert_array_equal(good.jumps[name], broken.jumps[name])


def test_neighbours_of_hits_are_thrown_away_within_the_image(break_image):
    good, broken = break_image("hit_neighbours_thrown_away", put_jumps)
    places = {(0, 0), (0, 1), (1, 0), (20, 30), (19, 30), (21, 30), (20, 29), (20, 31)}
    assert set(zip(broken.jumps["Y"].tolist(), broken.jumps["X"].tolist(), strict=True)) == places
    changed = np.argwhere(broken.dq != good.dq)
    assert {tuple(place) for place in changed.tolist()} <= places
    assert all(has(broken.dq, "DO_NOT_USE")[y, x] for y, x in places)
    assert keep(good, broken, "data", "err")


def test_jumps_left_in_raise_the_rates_of_hit_pixels_alone(break_image):
    """700 and 1400 e- in one ramp of 70 s."""
    good, broken = break_image("jumps_left_in", put_jumps)
    raised = broken.data - good.data
    assert raised[20, 30] == pytest.approx(20.0, rel=1e-4)
    assert raised[0, 0] == pytest.approx(10.0, rel=1e-4)
    assert np.count_nonzero(raised) == 2
    assert keep(good, broken, "err", "dq")


@pytest.mark.parametrize("flag", ["SATURATED", "PERSISTENCE"])
def test_flags_are_lost_or_everywhere(break_image, flag):
    def put(image):
        dq = image.dq.copy()
        dq[10:20] |= np.uint32(DQ[flag])
        return replace(image, dq=dq)

    names = {
        "SATURATED": ("saturated_bit_lost", "everything_saturated"),
        "PERSISTENCE": ("persistence_bit_lost", "everything_persistent"),
    }
    good, broken = break_image(names[flag][0], put)
    assert not has(broken.dq, flag).any()
    np.testing.assert_array_equal(broken.dq | np.uint32(DQ[flag]), good.dq | np.uint32(DQ[flag]))
    good, broken = break_image(names[flag][1], put)
    np.testing.assert_array_equal(broken.dq, good.dq | np.uint32(DQ[flag]))
    assert keep(good, broken, "data", "err")


def test_a_margin_of_jumps_is_a_diamond_of_jump_flags_alone(break_image):
    def put(image):
        dq = np.zeros_like(image.dq)
        dq[30, 30] = DQ["JUMP_DET"] | DQ["HOT"]
        return replace(image, dq=dq)

    good, broken = break_image("margin_of_12_pixels", put)
    y, x = np.nonzero(has(broken.dq, "JUMP_DET"))
    assert len(y) == 2 * 12 * 13 + 1
    assert np.max(np.abs(y - 30) + np.abs(x - 30)) == 12
    np.testing.assert_array_equal(has(broken.dq, "HOT"), has(good.dq, "HOT"))
    assert keep(good, broken, "data", "err")
