"""Faults: each changes what its name says, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from iris_contract.fitsio import read_header
from iris_contract.frames import Image, Reference
from iris_contract.manifest import read_manifest
from iris_harness.faults import FAULTS, edit_image, edit_reference, fit_again, flatten_again
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


@pytest.mark.parametrize("setting", ["alone", "chain"])
@pytest.mark.parametrize(
    ("inject", "family", "algorithm"),
    [
        (edit_image(lambda image: image), "ramp", "gls"),
        (fit_again(lambda reads: reads), "ramp", "ols"),
        (fit_again(lambda reads: reads), "ramp", "gls"),
        (edit_reference("gain", lambda reference: {}), "gain", ""),
        (edit_reference("dark", lambda reference: {}), "dark", ""),
        (edit_reference("mask", lambda reference: {}), "bad_pixel", ""),
    ],
    ids=["image", "fit-ols", "fit-gls", "gain", "dark", "mask"],
)
def test_injecting_nothing_gives_the_good_product(micro_run, tmp_path, inject, family, algorithm, setting):
    row = find_row(micro_run, family, algorithm, setting)
    twin = inject(RunDirectory(micro_run), row, tmp_path)
    assert twin.read_bytes() == row.path(micro_run).read_bytes()


def test_the_same_flat_by_override_gives_the_good_image_but_for_the_flat_s_name(micro_run, tmp_path):
    row = find_row(micro_run, "image")
    twin = flatten_again(lambda flat: flat)(RunDirectory(micro_run), row, tmp_path)
    one, other = Image.read(row.path(micro_run)), Image.read(twin)
    for name in ("data", "err", "dq"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    cards = [read_header(path) for path in (row.path(micro_run), twin)]
    assert {k for k in cards[0] | cards[1] if cards[0].get(k) != cards[1].get(k)} <= {"R_FLAT", "CHECKSUM", "DATASUM"}


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


@pytest.mark.parametrize(
    ("fault", "family", "kind", "factor"),
    [
        ("gain_plus_2_percent", "gain", "gain", 1.02),  # this run has one output
        ("gain_minus_2_percent", "gain", "gain", 0.98),
        ("dark_times_20", "dark", "dark", 20.0),
    ],
)
def test_scaled_references(micro_run, tmp_path, fault, family, kind, factor):
    good, broken, _ = break_product(micro_run, tmp_path, fault, family)
    one, other = Reference.read(good, kind), Reference.read(broken, kind)
    np.testing.assert_allclose(other.content["DATA"], factor * one.content["DATA"], rtol=1e-6)
    np.testing.assert_array_equal(other.content["DQ"], one.content["DQ"])


def test_gain_fault_leaves_the_other_outputs_alone(micro_run, tmp_path):
    row = find_row(micro_run, "gain")
    small = Reference.read(row.path(micro_run), "gain")
    wide = {name: np.tile(plane, (1, 2)) for name, plane in small.content.items()}
    Reference({**small.header, "XSIZE": 128}, wide).write(tmp_path / "good" / "gain.fits")
    good = replace(row, product="good/gain.fits")
    broken = FAULTS["gain_plus_2_percent"](RunDirectory(tmp_path), good, tmp_path)
    data = Reference.read(broken, "gain").content["DATA"]
    np.testing.assert_allclose(data[:, :64], 1.02 * wide["DATA"][:, :64], rtol=1e-6)
    np.testing.assert_array_equal(data[:, 64:], wide["DATA"][:, 64:])


def test_dropped_bits_are_those_from_16_on(micro_run, tmp_path):
    good, broken, _ = break_product(micro_run, tmp_path, "dropped_dq_bits", "bad_pixel")
    one, other = (Reference.read(p, "mask").content["DQ"] for p in (good, broken))
    np.testing.assert_array_equal(other, one & 0xFFFF)
    assert np.any(one > 0xFFFF)


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
