"""Products meet their truth; what cannot be compared is refused in one line."""

from dataclasses import replace

import numpy as np
import pytest
from astropy.io import fits

from iris_contract import Subarray
from iris_contract.errors import LayoutError, ManifestError
from iris_validators.evidence import read_image, read_reference, read_times

REGION = Subarray(1, 1, 96, 16)
PLANE = np.ones((8, 12))


@pytest.fixture
def row(bench):
    bench.image("a.fits", PLANE, PLANE)
    return bench.row("a.fits", "RateModel", bench.truth("a.fits", PLANE))


def write_times(bench, row, times):
    path = bench.root / row.raw[0]
    path.parent.mkdir(exist_ok=True)
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(np.asarray(times), name="TIMES")]).writeto(path)


def test_times_come_from_the_raw_file(bench, row):
    write_times(bench, row, [[0.0, 5.0, 25.0]])
    assert read_times(bench.root, row, {}).tolist() == [[0, 5, 25]]


def test_without_the_raw_file_times_are_even(bench, row):
    times = read_times(bench.root, row, {"NGROUPS": 2, "NREADS": 3, "RAMPTIME": 20.0})
    assert times.tolist() == [[0, 10, 20], [0, 10, 20]]


@pytest.mark.parametrize("header", [{}, {"NGROUPS": 1, "NREADS": 1, "RAMPTIME": 5.0}, {"NGROUPS": 1, "NREADS": "x"}])
def test_without_times_there_is_no_bound(bench, row, header):
    with pytest.raises(LayoutError, match=r"products/a.fits: (NREADS|RAMPTIME|NGROUPS)"):
        read_times(bench.root, row, header)


def test_broken_times_are_refused(bench, row):
    write_times(bench, row, [[0.0, 5.0, 4.0]])
    with pytest.raises(LayoutError, match="increase"):
        read_times(bench.root, row, {})


def test_raw_path_may_not_leave_the_run(bench, row):
    with pytest.raises(ManifestError, match="leaves the run"):
        read_times(bench.root, replace(row, raw=("../x.fits",)), {})


def test_truth_of_another_raw_file_is_refused(bench, row):
    with pytest.raises(ManifestError, match="RAWSHA"):
        read_image(bench.root, replace(row, raw_sha256=("0" * 64,)))


def test_other_shape_is_refused(bench, row):
    other = bench.truth("b.fits", np.ones((9, 12)))
    with pytest.raises((LayoutError, ManifestError)):
        read_image(bench.root, replace(row, truth=other))
    bench.image("b.fits", PLANE, PLANE)
    with pytest.raises(LayoutError, match=r"products/b.fits: DATA=\(8, 12\): truth has the shape \(9, 12\)"):
        read_image(bench.root, bench.row("b.fits", "RateModel", other))


def test_reference_is_compared_with_its_own_region_of_the_truth(bench):
    gain = np.arange(16 * 96, dtype=float).reshape(16, 96)
    bench.as_built(REGION, gain=gain)
    inner = Subarray(11, 5, 80, 12)
    row = bench.reference("gain", 1, inner, "gain", DATA=gain[4:16, 10:90])
    evidence = read_reference(bench.root, row)
    assert np.array_equal(evidence.maps.gain, evidence.reference.content["DATA"])


def test_reference_outside_the_truth_is_refused(bench):
    bench.as_built(REGION)
    row = bench.reference("gain", 1, Subarray(2, 1, 96, 16), "gain")
    with pytest.raises(LayoutError, match="truth covers"):
        read_reference(bench.root, row)


def test_image_layout_is_no_reference(bench, row):
    with pytest.raises(ManifestError, match="not the layout of a reference"):
        read_reference(bench.root, row)


def test_good_pixels_leave_out_border_and_defects(bench):
    bad = np.zeros(REGION.shape, "u4")
    bad[10, 10] = 2048
    bench.as_built(REGION, bad=bad)
    good = read_reference(bench.root, bench.reference("mask", 1, REGION, "bad_pixel")).good
    assert not good[:4].any()
    assert not good[:, :4].any()
    assert not good[10, 10]
    assert good.sum() == 12 * 92 - 1


def test_outputs_follow_the_columns(bench):
    gain = np.tile(np.where(np.arange(96) < 64, 1.0, 2.0), (16, 1))
    bench.as_built(REGION, gain=gain)
    evidence = read_reference(bench.root, bench.reference("gain", 1, REGION, "gain", DATA=gain))
    parts = {name: (est, true) for name, est, true in evidence.split_by_output(gain, gain)}
    assert set(parts) == {"output=0", "output=1"}
    assert set(parts["output=0"][0]) == {1}
    assert set(parts["output=1"][1]) == {2}
    assert parts["output=1"][0].size == 12 * 32
