"""Faults: each changes what its name says, and nothing else."""

import numpy as np
import pytest

from iris_contract.frames import Image, Reference
from iris_contract.manifest import read_manifest
from iris_harness.faults import FAULTS
from iris_harness.run_directory import RunDirectory

pytestmark = pytest.mark.xdist_group("micro")


def break_product(run, tmp_path, fault, family, algorithm="gls"):
    """Good and broken product of the first row of a family in the chain."""
    rows = [r for r in read_manifest(run / "manifest.json") if (r.family, r.setting) == (family, "chain")]
    row = next(r for r in rows if r.algorithm == algorithm) if family in ("ramp", "image") else rows[0]
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


def test_missing_covariance_makes_errors_too_large_only_where_photons_count(micro_run, tmp_path):
    good, broken, _ = break_product(micro_run, tmp_path, "missing_covariance", "ramp", "ols")
    one, other = Image.read(good), Image.read(broken)
    used = (one.err > 0) & (one.dq == 0)
    bright, faint = used & (one.data > 30), used & (one.data < 2)
    ratio = other.err / np.where(used, one.err, 1)
    assert abs(np.median(ratio[faint]) - 1) < 0.1
    assert abs(np.median(ratio[bright]) - 1) > 0.1
    np.testing.assert_array_equal(one.data, other.data)


@pytest.mark.parametrize(
    ("fault", "family", "kind", "factor"),
    [
        ("gain_plus_2_percent", "gain", "gain", 1.02),
        ("gain_minus_2_percent", "gain", "gain", 0.98),
        ("dark_times_20", "dark", "dark", 20.0),
    ],
)
def test_scaled_references(micro_run, tmp_path, fault, family, kind, factor):
    good, broken, _ = break_product(micro_run, tmp_path, fault, family)
    one, other = Reference.read(good, kind), Reference.read(broken, kind)
    np.testing.assert_allclose(other.content["DATA"], factor * one.content["DATA"], rtol=1e-6)
    np.testing.assert_array_equal(other.content["DQ"], one.content["DQ"])


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
