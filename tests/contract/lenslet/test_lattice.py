"""Which lenslets each mask lights, and where they stand in their array: counts and distances derived by hand."""

import numpy as np
import pytest

from iris_contract.errors import InputError
from iris_contract.lenslet import load_grating_setting, load_lattice

ANAMORPHISM = {"4000-K": 0.860, "8000-K": 0.720, "10000-K": 0.650}
WHOLE = ("FINE_MASK", "SERRATED_WIDE", "FULL_OPEN")


def name_lenslets(lattice):
    return set(zip(lattice.i.tolist(), lattice.j.tolist(), strict=True))


@pytest.mark.parametrize(
    ("mask", "columns", "rows", "lit"),
    [("FINE_MASK", 23, 128, 2048), ("SERRATED_WIDE", 119, 134, 14281), ("FULL_OPEN", 119, 134, 119 * 134)],
)
def test_counts_and_bounding_boxes(mask, columns, rows, lit):
    lattice = load_lattice(mask)
    assert lattice.shape == (rows, columns)
    arrays = lattice.column, lattice.row, lattice.i, lattice.j, lattice.along, lattice.across
    assert {array.shape for array in arrays} == {(lit,)}
    assert (lattice.column.min(), lattice.column.max()) == (0, columns - 1)
    assert (lattice.row.min(), lattice.row.max()) == (0, rows - 1)


@pytest.mark.parametrize("mask", WHOLE)
def test_lenslets_come_once_by_row_then_column_at_whole_columns_and_half_rows(mask):
    lattice = load_lattice(mask)
    assert lattice.column.dtype == lattice.row.dtype == np.int32
    assert np.all(np.diff(lattice.row * 1000 + lattice.column) > 0)
    assert np.all(lattice.i % 1 == 0)
    assert np.all(lattice.j % 1 == 0.5)
    assert set(np.unique(lattice.i - lattice.column)) == {-(lattice.shape[1] - 1) / 2}, "the field's middle is a column"
    assert set(np.unique(lattice.j - lattice.row)) == {-(lattice.shape[0] - 1) / 2}, "... and between two rows"


def test_every_row_of_the_narrow_field_is_sixteen_lenslets():
    _, lit = np.unique(load_lattice("FINE_MASK").row, return_counts=True)
    assert set(lit) == {16}


def test_single_columns_are_the_narrow_field_cut_up():
    """32 i - 2 j within 256: |j| < 64 is whole for |i| < 4, and each column further out loses 16 lenslets."""
    columns = [load_lattice("FINE_MASK_CALIBRATION", n) for n in range(23)]
    assert [len(c.i) for c in columns] == [*range(16, 128, 16), *[128] * 9, *range(112, 0, -16)]
    assert set().union(*map(name_lenslets, columns)) == name_lenslets(load_lattice("FINE_MASK"))
    assert all(c.shape == (128, 23) and set(c.column) == {n} for n, c in enumerate(columns))


def test_fields_lie_within_each_other_but_for_a_corner():
    """The narrow field is bounded in rows, the wide one in detector rows: 2 i + 32 j exceeds 2048 at seven corners."""
    narrow, wide, whole = (name_lenslets(load_lattice(mask)) for mask in WHOLE)
    assert wide < whole
    assert {abs(2 * i + 32 * j) >= 2048 for i, j in narrow - wide} == {True}
    assert len(narrow - wide) == 7


@pytest.mark.parametrize("name", ANAMORPHISM)
def test_pitches(name):
    a = load_grating_setting(name).anamorphism
    lattice = load_lattice("FINE_MASK")
    x, y = a * lattice.along, lattice.across
    at = {key: (xl, yl) for key, xl, yl in zip(zip(lattice.i, lattice.j, strict=True), x, y, strict=True)}
    (x0, y0), (x1, y1), (x2, y2) = at[0, 0.5], at[1, 0.5], at[0, 1.5]
    assert (x1 - x0, y1 - y0) == pytest.approx((32 * a, 2))
    assert (x2 - x0, y2 - y0) == pytest.approx((-2 * a, 32))
    assert a == pytest.approx(ANAMORPHISM[name], abs=5e-4)
    assert x1 - x0 == pytest.approx({"4000-K": 27.5, "8000-K": 23.0, "10000-K": 20.8}[name], abs=0.05)


def test_wide_field_fills_every_second_row_of_pixels_with_spectra_end_to_end():
    a = load_grating_setting("4000-H").anamorphism
    lattice = load_lattice("SERRATED_WIDE")
    x, y = a * lattice.along, 2047.5 + lattice.across
    lines, lit = np.unique(y, return_counts=True)
    assert (lines[0], lines[-1], len(lines)) == (-0.5, 4093.5, 2048)
    assert set(np.diff(lines)) == {2.0}
    assert set(lit) == {6, 7}
    order = np.lexsort((x, y))
    same, steps = np.diff(y[order]) == 0, np.diff(x[order])
    assert steps[same] == pytest.approx(np.full(same.sum(), 514 * a))
    assert 514 * a == pytest.approx(442, abs=0.5)


def test_the_array_is_square_and_turned_by_a_sixteenth():
    lattice = load_lattice("FULL_OPEN")
    x, y = lattice.along, lattice.across
    assert np.hypot(x, y) == pytest.approx(np.hypot(32, 2) * np.hypot(lattice.i, lattice.j))
    along = (lattice.j == 0.5) & (lattice.i == 59)
    assert np.arctan2(y[along] - 16, x[along] + 1) == pytest.approx([np.arctan(1 / 16)])


def test_shared_arrays_cannot_be_changed():
    lattice = load_lattice("FINE_MASK")
    for array in (lattice.column, lattice.row, lattice.i, lattice.j, lattice.along, lattice.across):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


@pytest.mark.parametrize(
    ("mask", "column", "message"),
    [
        ("HALF", None, "LLMSKST='HALF': no such mask; choose FULL_OPEN"),
        ("FINE_MASK", 3, "LLMSKCOL=3: a column is given for FINE_MASK_CALIBRATION and for no other"),
        ("FINE_MASK_CALIBRATION", None, "LLMSKCOL=None: a column is given"),
        ("FINE_MASK_CALIBRATION", 23, r"LLMSKCOL=23: must be 0\.\.22"),
        ("FINE_MASK_CALIBRATION", -1, r"must be 0\.\.22"),
    ],
)
def test_unknown_masks_and_columns_are_refused(mask, column, message):
    with pytest.raises(InputError, match=message):
        load_lattice(mask, column)
