"""Faults of raw frames: each changes what its name says, and nothing else."""

import numpy as np
import pytest

from iris_contract.frames import Ramp
from iris_contract.instrument import load_instrument
from iris_contract.manifest import ManifestRow
from iris_harness.faults import FAULTS
from iris_harness.run_directory import RunDirectory

SHAPE, BORDER = (40, 128, 2, 8), 4
TIMES = np.tile(np.arange(8) * 10.0, (2, 1))
GAIN = load_instrument().detector("IMG1").gain


@pytest.fixture
def break_raw(tmp_path):
    """Write a raw file of two outputs, break it, return the reads of both as floats."""

    def apply(fault, reads):
        size = {"XSTART": 1, "YSTART": 1, "XSIZE": SHAPE[1], "YSIZE": SHAPE[0]}
        header = {"DATAMODL": "RampModel", "DETECTOR": "IMG1", **size}
        good = np.asarray(np.rint(reads), np.uint16)
        Ramp(header, good, TIMES).write(tmp_path / "good.fits")
        row = ManifestRow("good.fits", "", "RampModel", 1, "chain", "", "simulator", "", ("good.fits",), ("",), "")
        broken = Ramp.read(FAULTS[fault](RunDirectory(tmp_path), row, tmp_path / "out"))
        assert broken.reads.dtype == np.uint16
        np.testing.assert_array_equal(broken.times, TIMES)
        return good.astype(float), broken.reads.astype(float)

    return apply


def make_reads(seed=1):
    return 5000 + np.random.default_rng(seed).normal(0, 20, SHAPE)


def test_glow_grows_with_time_on_light_sensitive_pixels_alone(break_raw):
    """0.2 e-/s for 70 s at 2 e-/DN: 7 DN, to half a DN of rounding."""
    good, broken = break_raw("glow", make_reads())
    added = broken - good
    assert not added[:BORDER].any()
    assert not added[:, :BORDER].any()
    assert np.abs(added[BORDER:, BORDER:] - 0.2 / GAIN * TIMES).max() <= 0.5


def test_a_leak_keeps_the_charge_and_spares_the_reference_pixels(break_raw):
    reads = make_reads() + np.arange(8) * 500.0
    good, broken = break_raw("leaking_pixels", reads)
    np.testing.assert_array_equal(broken[:BORDER], good[:BORDER])
    np.testing.assert_array_equal(broken[..., 0], good[..., 0])
    signal = good - good[..., :1]
    expected = good - 0.03 * signal
    expected[:, BORDER + 1 :] += 0.03 * signal[:, BORDER:-1]
    assert np.abs(broken - expected)[BORDER:, BORDER:].max() <= 0.51


def test_a_converter_of_14_bits_ends_at_16383(break_raw):
    good, broken = break_raw("converter_of_14_bits", make_reads() + np.arange(8) * 3000.0)
    np.testing.assert_array_equal(broken, np.minimum(good, 16383))
    assert np.any(good > 16383)


def test_pixels_drift_further_with_every_read(break_raw):
    """Steps of 8 DN, each read from the one before; 10 240 pixels and ramps know their rms to 0.7 %."""
    good, broken = break_raw("drifting_pixels", make_reads())
    moved = broken - good
    for read in (0, 3, 7):
        assert abs(moved[..., read].std() / (8 * np.sqrt(read + 1)) - 1) < 4 * 0.007
    assert abs(np.corrcoef(moved[..., 6].ravel(), moved[..., 7].ravel())[0, 1] - np.sqrt(7 / 8)) < 0.02


def test_rows_of_each_output_are_shuffled_as_a_whole(break_raw):
    reads = make_reads() + 100 * np.arange(SHAPE[0])[:, None, None, None]
    good, broken = break_raw("shuffled_rows", reads)
    np.testing.assert_array_equal(broken[:BORDER], good[:BORDER])
    orders = []
    for columns in (slice(0, 64), slice(64, 128)):
        of = [np.flatnonzero((good[:, columns] == row).all(axis=(1, 2, 3))) for row in broken[:, columns]]
        order = np.concatenate(of)
        assert sorted(order.tolist()) == list(range(SHAPE[0]))
        orders.append(order)
    assert not np.array_equal(*orders)


def test_what_rows_share_is_taken_out_and_nothing_else(break_raw):
    common = np.random.default_rng(1).normal(0, 20, (SHAPE[0], 1, *make_reads().shape[2:])).round()
    quiet = np.full_like(make_reads(), 5000)
    good, broken = break_raw("nothing_in_common", (quiet + common).astype(np.uint16))
    assert good[BORDER:].std() > 15
    assert broken[BORDER:, BORDER:].std(axis=(2, 3)).max() < 1
    np.testing.assert_array_equal(broken[:BORDER], good[:BORDER])
