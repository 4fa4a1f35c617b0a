import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from iris_contract.dq import DQ
from iris_reduction.kernels import flag_full_wells, flag_saturation, grow_saturation


@given(arrays(np.uint16, (2, 3, 2, 5), elements=st.integers(0, 65535)), st.integers(0, 66000))
def test_every_read_from_the_first_saturated_one(reads, level):
    expected = np.logical_or.accumulate(reads >= level, axis=-1) * np.uint8(DQ["SATURATED"])
    flags = flag_saturation(reads, level)
    assert np.array_equal(np.zeros_like(expected) if flags is None else flags, expected)
    assert flags is None or flags.dtype == np.uint8
    assert (flags is None) == (not expected.any())


def test_a_ramp_starts_clean_after_its_reset():
    reads = np.array([[[[10, 60000, 20], [10, 20, 30]]]], np.uint16)
    assert flag_saturation(reads, 52000.0).tolist() == [[[[0, 2, 2], [0, 0, 0]]]]


LIGHT = np.ones((5, 6), bool)


@given(arrays(np.uint16, (5, 6, 2, 3)), arrays(np.float32, (5, 6), elements=st.floats(1, 66000, width=32)))
def test_levels_of_pixels_without_coupling_are_compared_one_by_one(reads, levels):
    hit = reads >= levels[:, :, None, None]
    expected = np.logical_or.accumulate(hit, axis=-1) * np.uint8(DQ["SATURATED"])
    for cube in (reads, reads.astype(np.float32)):
        flags = flag_full_wells(cube, levels, LIGHT, 0.0)
        assert np.array_equal(np.zeros_like(expected) if flags is None else flags, expected)


def couple(charge, share):
    """What pixels show that hold `charge` (ny, nx) and lose `share` of each difference."""
    wide = np.pad(charge, 1, mode="edge")
    sides = wide[2:, 1:-1], wide[:-2, 1:-1], wide[1:-1, 2:], wide[1:-1, :-2]
    return charge - share * sum(charge - side for side in sides)


def test_a_full_pixel_is_found_among_faint_ones_and_among_full_ones():
    """Wells of 45000 DN and 44000 DN at one pixel; its neighbours are full, half full, or empty.

    The loss is put back to first order, so the share is given a little larger than it is.
    """
    wells = np.full((5, 6), 45000.0)
    wells[2, 3] = 44000.0
    levels = (couple(wells, 0.0125) + 5000 - 100).astype(np.float32)
    for around in (45000.0, 22000.0, 0.0):
        held = np.full((5, 6), around)
        for own, full in ((44000.0, True), (43000.0, False)):
            held[2, 3] = own
            reads = (couple(held, 0.0125) + 5000)[:, :, None, None].astype(np.uint16)
            flags = flag_full_wells(reads, levels, LIGHT, 0.0135)
            assert (flags is not None and bool(flags[2, 3, 0, 0])) == full, (around, own)


def test_reference_pixels_are_neither_judged_nor_coupled():
    light = LIGHT.copy()
    light[:, 0] = False
    levels = np.full((5, 6), 50000.0, np.float32)
    reads = np.full((5, 6, 1, 1), 50010, np.uint16)
    reads[:, 0] = 5000
    levels[:, 0] = 65535
    flags = flag_full_wells(reads, levels, light, 0.02)
    assert np.array_equal(flags[:, :, 0, 0] != 0, light)
    reads[:, 0] = 65535
    assert np.array_equal(flag_full_wells(reads, levels, light, 0.02)[:, :, 0, 0] != 0, light)


def test_flags_grow_to_the_side_neighbours_and_only_from_the_first_saturated_read():
    flags = np.zeros((5, 6, 1, 3), np.uint8)
    flags[0, 0, 0, 1:], flags[3, 3, 0, 2:] = DQ["SATURATED"], DQ["SATURATED"]
    grown = flags.copy()
    grow_saturation(grown)
    beside = np.argwhere(grown[:, :, 0, 2] == DQ["DO_NOT_USE"]).tolist()
    assert beside == [[0, 1], [1, 0], [2, 3], [3, 2], [3, 4], [4, 3]]
    assert grown[0, 1, 0].tolist() == [0, 1, 1]
    assert np.array_equal(grown & DQ["SATURATED"], flags)
    grow_saturation(flags, 0)
    assert not (flags & DQ["DO_NOT_USE"]).any()
    grow_saturation(flags, 2)
    assert np.count_nonzero(flags[:, :, 0, 2] == DQ["DO_NOT_USE"]) == 5 + 11
