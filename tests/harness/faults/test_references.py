"""Faults of references: each changes what its name says, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from iris_contract import DQ
from iris_contract.dq import has
from iris_contract.frames import Reference
from iris_contract.manifest import ManifestRow, read_manifest
from iris_harness.faults import FAULTS
from iris_harness.run_directory import RunDirectory

pytestmark = pytest.mark.xdist_group("micro")

SHAPE = (8, 12)


def break_product(run, tmp_path, fault, family):
    """Good and broken product of the first row of a family in the chain."""
    rows = [r for r in read_manifest(run / "manifest.json") if (r.family, r.setting) == (family, "chain")]
    return rows[0].path(run), FAULTS[fault](RunDirectory(run), rows[0], tmp_path)


@pytest.fixture
def break_reference(tmp_path):
    """Write a reference of 8 x 12 pixels, break it, return what both hold."""

    def apply(fault, kind, **content):
        header = {"DETECTOR": "IMG1", "REFTYPE": kind, "XSTART": 1, "YSTART": 1, "XSIZE": SHAPE[1], "YSIZE": SHAPE[0]}
        Reference(header, content).write(tmp_path / "good.fits")
        row = ManifestRow("good.fits", "", "", 1, "chain", kind, "", "", ("raw",), ("",), "")
        broken = FAULTS[fault](RunDirectory(tmp_path), row, tmp_path / "out")
        return content, Reference.read(broken, kind).content

    return apply


def ramp_up(*shape):
    """Numbers that all differ."""
    return np.arange(1, np.prod(shape) + 1, dtype=np.float32).reshape(shape)


@pytest.mark.parametrize(
    ("fault", "family", "kind", "factor"),
    [
        ("gain_plus_2_percent", "gain", "gain", 1.02),  # this run has one output
        ("gain_minus_2_percent", "gain", "gain", 0.98),
        ("noise_of_a_pair", "read_noise", "readnoise", 2**0.5),
        ("flat_output_5_percent_off", "flat", "flat", 1.05),
        ("dark_times_20", "dark", "dark", 20.0),
    ],
)
def test_scaled_references(micro_run, tmp_path, fault, family, kind, factor):
    good, broken = break_product(micro_run, tmp_path, fault, family)
    one, other = Reference.read(good, kind), Reference.read(broken, kind)
    np.testing.assert_allclose(other.content["DATA"], factor * one.content["DATA"], rtol=1e-6)
    np.testing.assert_array_equal(other.content["ERR"], one.content["ERR"])
    np.testing.assert_array_equal(other.content["DQ"], one.content["DQ"])


def test_gain_fault_leaves_the_other_outputs_alone(micro_run, tmp_path):
    row = next(r for r in read_manifest(micro_run / "manifest.json") if (r.family, r.setting) == ("gain", "chain"))
    small = Reference.read(row.path(micro_run), "gain")
    wide = {name: np.tile(plane, (1, 2)) for name, plane in small.content.items()}
    Reference({**small.header, "XSIZE": 128}, wide).write(tmp_path / "good" / "gain.fits")
    good = replace(row, product="good/gain.fits")
    broken = FAULTS["gain_plus_2_percent"](RunDirectory(tmp_path), good, tmp_path)
    data = Reference.read(broken, "gain").content["DATA"]
    np.testing.assert_allclose(data[:, :64], 1.02 * wide["DATA"][:, :64], rtol=1e-6)
    np.testing.assert_array_equal(data[:, 64:], wide["DATA"][:, 64:])


def test_dropped_bits_are_those_from_16_on(micro_run, tmp_path):
    good, broken = break_product(micro_run, tmp_path, "dropped_dq_bits", "bad_pixel")
    one, other = (Reference.read(p, "mask").content["DQ"] for p in (good, broken))
    np.testing.assert_array_equal(other, one & 0xFFFF)
    assert np.any(one > 0xFFFF)


def test_a_reference_of_another_algorithm_is_delivered_whole(micro_run, tmp_path):
    run, row = RunDirectory(tmp_path), read_manifest(micro_run / "manifest.json")[0]
    row = replace(row, product="products/chain/gain/photon_transfer_covariance/night-001/a.fits", family="gain",
                  algorithm="photon_transfer_covariance", setting="chain", night=1)  # fmt: skip
    other = run.products("chain", "gain", "photon_transfer", 1) / "a.fits"
    other.parent.mkdir(parents=True)
    other.write_bytes(b"the gain of the variance alone")
    broken = FAULTS["covariances_left_out"](run, row, tmp_path / "out")
    assert broken.read_bytes() == other.read_bytes()


@pytest.mark.parametrize(("fault", "kind"), [("grown_dark_flags", "dark"), ("grown_flat_flags", "flat")])
def test_grown_flags_leave_values_alone(break_reference, fault, kind):
    flags = np.zeros(SHAPE, np.uint32)
    flags[3, 5] = DQ["DO_NOT_USE"] | DQ["HOT"]
    good, broken = break_reference(fault, kind, DATA=ramp_up(*SHAPE), ERR=ramp_up(*SHAPE), DQ=flags)
    assert np.argwhere(broken["DQ"]).tolist() == [[2, 5], [3, 4], [3, 5], [3, 6], [4, 5]]
    assert np.unique(broken["DQ"]).tolist() == [0, DQ["DO_NOT_USE"] | DQ["HOT"]]
    np.testing.assert_array_equal(broken["DATA"], good["DATA"])
    np.testing.assert_array_equal(broken["ERR"], good["ERR"])


def test_the_error_of_one_ramp_is_that_of_ten_times_their_root(break_reference):
    planes = {"DATA": ramp_up(*SHAPE), "ERR": ramp_up(*SHAPE), "DQ": np.zeros(SHAPE, np.uint32)}
    good, broken = break_reference("dark_error_of_one_ramp", "dark", **planes)
    np.testing.assert_allclose(broken["ERR"], good["ERR"] * np.sqrt(10), rtol=1e-6)
    np.testing.assert_array_equal(broken["DATA"], good["DATA"])


def test_a_flat_one_column_off_keeps_its_errors_and_flags(break_reference):
    flags = np.zeros(SHAPE, np.uint32)
    flags[3, 5] = DQ["DO_NOT_USE"]
    good, broken = break_reference("flat_one_column_off", "flat", DATA=ramp_up(*SHAPE), ERR=ramp_up(*SHAPE), DQ=flags)
    np.testing.assert_array_equal(broken["DATA"][:, 1:], good["DATA"][:, :-1])
    np.testing.assert_array_equal(broken["ERR"], good["ERR"])
    np.testing.assert_array_equal(broken["DQ"], flags)


def test_classes_of_a_mask_grow_and_telegraph_pixels_are_lost(break_reference):
    flags = np.zeros(SHAPE, np.uint32)
    flags[3, 5], flags[6, 9] = DQ["TELEGRAPH"], DQ["HOT"]
    _, grown = break_reference("grown_mask_flags", "mask", DQ=flags)
    assert [np.count_nonzero(has(grown["DQ"], name)) for name in ("TELEGRAPH", "HOT")] == [5, 5]
    _, lost = break_reference("telegraph_bit_lost", "mask", DQ=flags)
    assert np.argwhere(lost["DQ"]).tolist() == [[6, 9]]


@pytest.fixture
def linearity():
    flags = np.zeros(SHAPE, np.uint32)
    flags[3, 5] = DQ["NONLINEAR"]
    return {"COEFFS": ramp_up(*SHAPE, 3), "COEFFS_ERR": ramp_up(*SHAPE, 3), "DQ": flags}


def test_transposed_coefficients(break_reference, linearity):
    good, broken = break_reference("coefficients_transposed", "linearity", **linearity)
    for y, x in ((0, 0), (2, 7), (5, 3)):
        np.testing.assert_array_equal(broken["COEFFS"][y, x], good["COEFFS"][x, y])
    np.testing.assert_array_equal(broken["COEFFS"][1, 9], good["COEFFS"][9 % 8, 1])  # beyond the rows there are
    np.testing.assert_array_equal(broken["DQ"], good["DQ"])


def test_a_loss_of_4_percent_has_four_fifths_of_the_coefficients(break_reference, linearity):
    good, broken = break_reference("loss_of_4_percent", "linearity", **linearity)
    np.testing.assert_allclose(broken["COEFFS"], 0.8 * good["COEFFS"], rtol=1e-6)
    np.testing.assert_array_equal(broken["DQ"], good["DQ"])


def test_nonlinear_pixels_take_their_neighbours_along(break_reference, linearity):
    good, broken = break_reference("grown_linearity_flags", "linearity", **linearity)
    assert has(broken["DQ"], "NONLINEAR").sum() == 5
    np.testing.assert_array_equal(broken["COEFFS"], good["COEFFS"])


def test_links_are_swapped_lost_or_too_strong(break_reference):
    links = {"DATA": ramp_up(*SHAPE, 3), "ERR": ramp_up(*SHAPE, 3)}
    good, broken = break_reference("links_swapped", "ipc", **links)
    np.testing.assert_array_equal(broken["DATA"], good["DATA"][:, :, [1, 0, 2]])
    good, broken = break_reference("corner_links_lost", "ipc", **links)
    np.testing.assert_array_equal(broken["DATA"][:, :, :2], good["DATA"][:, :, :2])
    np.testing.assert_allclose(broken["DATA"][:, :, 2], 0.05 * good["DATA"][:, :, 2], rtol=1e-6)
    good, broken = break_reference("links_of_a_block", "ipc", **links)
    ratio = broken["DATA"] / good["DATA"]
    np.testing.assert_allclose(ratio[2:4, 3:6, :2], 1.3, rtol=1e-6)
    assert np.count_nonzero(np.abs(ratio - 1) > 1e-6) == 2 * 3 * 2  # a sixteenth of the field, both sides
