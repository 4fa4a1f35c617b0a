"""Regions, outputs, frame times and sampling: what must hold for every legal readout."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iris_contract import Readout, Subarray, load_instrument
from iris_contract.errors import InputError
from iris_contract.exposure import READ_MODES

IMG1 = load_instrument().detector("IMG1")
FULL = Subarray.full(IMG1)


@st.composite
def subarrays(draw, cover=FULL):
    x, y = draw(st.integers(0, cover.xsize - 1)), draw(st.integers(0, cover.ysize - 1))
    nx, ny = draw(st.integers(1, cover.xsize - x)), draw(st.integers(1, cover.ysize - y))
    return Subarray(cover.xstart + x, cover.ystart + y, nx, ny)


@given(subarrays())
def test_every_region_inside_the_detector_is_legal_and_covered_by_the_full_one(region):
    region.check(IMG1)
    assert FULL.contains(region)
    assert region.cut_from(FULL) == region.slices
    assert region.name(IMG1) == ("FULL" if region == FULL else "CUSTOM")


@given(subarrays(Subarray(11, 21, 40, 30)))
def test_cut_addresses_the_same_detector_pixels(region):
    cover = Subarray(11, 21, 40, 30)
    rows, columns = np.mgrid[cover.ystart : cover.ystart + cover.ysize, cover.xstart : cover.xstart + cover.xsize]
    cut = region.cut_from(cover)
    assert rows[cut].shape == region.shape
    assert (rows[cut][0, 0], columns[cut][0, 0]) == (region.ystart, region.xstart)


@given(subarrays(), subarrays())
def test_cut_is_refused_exactly_where_the_cover_does_not_contain(region, cover):
    if cover.contains(region):
        assert region.cut_from(cover)[0].start >= 0
    else:
        with pytest.raises(InputError, match="does not cover"):
            region.cut_from(cover)


@given(subarrays())
def test_containment_orders_regions(region):
    assert region.contains(region)
    assert not region.contains(FULL) or region == FULL


@pytest.mark.parametrize(
    "corner", [(0, 1, 5, 5), (1, 0, 5, 5), (1, 1, 0, 5), (1, 1, 5, 0), (4093, 1, 5, 5), (1, 4096, 1, 2)]
)
def test_region_outside_the_detector_is_refused(corner):
    with pytest.raises(InputError, match=r"must lie within 1\.\.4096 on IMG1"):
        Subarray(*corner).check(IMG1)


@given(subarrays())
def test_outputs_are_those_that_own_a_column(region):
    owners = region.output_of_column(IMG1)
    assert owners.shape == (region.xsize,)
    assert sorted(set(owners.tolist())) == list(region.outputs(IMG1))
    assert owners[0] == (region.xstart - 1) // 64


@given(subarrays())
def test_reference_pixels_are_the_cut_of_the_full_border(region):
    border = np.ones((4096, 4096), dtype=bool)
    border[4:-4, 4:-4] = False
    np.testing.assert_array_equal(region.reference_pixels(IMG1), border[region.slices])


def test_full_frame_times():
    assert FULL.frame_time(IMG1) == pytest.approx(0.72, abs=5e-4)
    assert FULL.frame_time(IMG1, "SLOW") == pytest.approx(1.75, abs=5e-4)


@given(
    subarrays().flatmap(lambda cover: st.tuples(st.just(cover), subarrays(cover))), st.sampled_from(["FAST", "SLOW"])
)
def test_a_part_never_takes_longer_than_the_whole(regions, clock):
    cover, region = regions
    assert cover.contains(region)
    assert 0 < region.frame_time(IMG1, clock) <= cover.frame_time(IMG1, clock) <= FULL.frame_time(IMG1, clock)


def test_time_is_set_by_the_widest_strip_and_not_by_the_number_of_outputs():
    rows = 100
    one_output, eight_outputs = Subarray(1, 1, 64, rows), Subarray(1, 1, 512, rows)
    assert one_output.frame_time(IMG1) == eight_outputs.frame_time(IMG1)
    assert Subarray(33, 1, 64, rows).frame_time(IMG1) == pytest.approx(one_output.frame_time(IMG1) / 2)


def test_modes_are_frozen():
    assert READ_MODES == ("CDS", "MCDS", "UTR")


@given(st.integers(2, 50), st.floats(0.8, 100), st.integers(1, 20))
def test_up_the_ramp_reads_at_equal_intervals_from_the_reset(reads, interval, ramps):
    readout = Readout.up_the_ramp(reads, interval, ramps)
    times = readout.times_array()
    assert times.shape == (ramps, reads)
    assert times.dtype == np.float64
    assert (times[:, 0] == 0).all()
    np.testing.assert_allclose(np.diff(times), interval)
    assert readout.ramp_time == pytest.approx(interval * (reads - 1))
    readout.check(IMG1, FULL)


@given(st.integers(1, 16), st.floats(0.72, 2), st.floats(0, 500))
def test_fowler_pairs_are_one_exposure_apart(pairs, frame, more):
    exposure = pairs * frame + more
    readout = Readout.fowler(pairs, frame, exposure)
    times = np.array(readout.times)
    assert readout.mode == ("CDS" if pairs == 1 else "MCDS")
    assert readout.reads == 2 * pairs
    np.testing.assert_allclose(times[pairs:] - times[:pairs], exposure)


@pytest.mark.parametrize(
    ("mode", "ramps", "times", "clock", "key"),
    [
        ("MDS", 1, (0.0, 1.0), "FAST", "READMODE"),
        ("UTR", 0, (0.0, 1.0), "FAST", "NGROUPS"),
        ("UTR", 100_001, (0.0, 1.0), "FAST", "NGROUPS"),
        ("UTR", 1, (0.0,), "FAST", "TIMES"),
        ("UTR", 1, (), "FAST", "TIMES"),
        ("UTR", 1, (0.0, 0.0), "FAST", "TIMES"),
        ("UTR", 1, (1.0, 0.0), "FAST", "TIMES"),
        ("UTR", 1, (-1.0, 0.0), "FAST", "TIMES"),
        ("UTR", 1, (0.0, float("nan")), "FAST", "TIMES"),
        ("UTR", 1, (0.0, float("inf")), "FAST", "TIMES"),
        ("CDS", 1, (0.0, 1.0, 2.0), "FAST", "NREADS"),
        ("MCDS", 1, (0.0, 1.0, 2.0), "FAST", "NREADS"),
        ("UTR", 1, (0.0, 1.0), "MEDIUM", "CLOCK"),
    ],
)
def test_impossible_sampling_is_refused(mode, ramps, times, clock, key):
    with pytest.raises(InputError) as caught:
        Readout(mode, ramps, times, clock)
    assert caught.value.key == key


def test_reads_faster_than_the_detector_are_refused_for_the_full_format_only():
    readout = Readout.up_the_ramp(3, 0.5)
    readout.check(IMG1, Subarray(1, 1, 512, 512))
    with pytest.raises(InputError, match=r"faster than the frame time of 0\.72"):
        readout.check(IMG1, FULL)
