"""Light that is a lenslet off is told by the edge of the lit field, where there is one; the rest repeats itself."""

import numpy as np
import pytest

from iris_contract import Subarray
from iris_contract.errors import InputError
from iris_contract.lenslet import LensletMode, load_passband
from iris_reduction.arc_lines.edge_check import check_edges
from iris_reduction.arc_lines.measurement import measure_arcs
from iris_reduction.arc_lines.pattern import list_lines

COLUMN = np.array([32 * np.cos(np.deg2rad(32.8)) / np.cos(np.deg2rad(-12.2)), 2.0])  # px along and across
START = np.array([6.3, -1.8])
LEFT, WHOLE = Subarray(1501, 1941, 400, 160), Subarray(1501, 1961, 900, 100)
BOTTOM, WIDE = Subarray(1501, 1, 900, 130), LensletMode(9.0, "SERRATED_WIDE", "4000-K", "KN3")


def check(built, shown=None, lit=None):
    """Check the argon light of `shown`, or of `built`, against where `built` has its lenslets."""
    image = (shown or built).take("ARGON", lit=lit)

    def at(spectrum, wavelength):
        nm, number = np.unique(wavelength, return_inverse=True)
        x, y = built.place(nm)
        return x[spectrum, number], y[spectrum, number]

    return check_edges([image], [list_lines("ARGON", load_passband("KN3"))], built.mode, at)


@pytest.mark.parametrize("region", [WHOLE, LEFT])
def test_the_edge_of_the_field_shows_that_lenslets_are_rightly_named(build, region):
    assert check(build(region=region, scatter=0.0))


@pytest.mark.parametrize("steps", [1, -1, 2])
def test_light_of_the_neighbouring_column_is_refused(build, steps):
    built = build(region=WHOLE, scatter=0.0)
    moved = build(region=WHOLE, scatter=0.0, shift=tuple(START + steps * COLUMN))
    offset = f"{27.5 * np.sign(steps):.1f} px along and {2 * np.sign(steps):.1f} px across"
    with pytest.raises(InputError, match=rf"argon\.fits: LLMSKST='FINE_MASK': light is a column .* off, {offset}: 0% "):
        check(built, moved)


@pytest.mark.parametrize(("steps", "seen"), [(1, "0% of the lines of the out"), (-1, "100% of those are seen that un")])
def test_one_edge_suffices(build, steps, seen):
    built = build(region=LEFT, scatter=0.0)
    moved = build(region=LEFT, scatter=0.0, shift=tuple(START + steps * COLUMN))
    with pytest.raises(InputError, match=rf"across: {seen}"):
        check(built, moved)


def test_lenslets_that_are_merely_dark_are_no_offset(build):
    """Nothing shines beyond the edge opposite."""
    built = build(region=WHOLE, scatter=0.0)
    first = np.array([(np.min(built.lattice.i[built.lattice.j == j])) for j in built.lattice.j])
    assert check(built, lit=built.lattice.i > first)


def test_light_of_the_neighbouring_row_is_refused(build):
    built = build(region=BOTTOM, scatter=0.0)
    assert check(built)
    with pytest.raises(InputError, match=r"a row of lenslets off, -1\.7 px along and 32\.0 px across: 0% of the lines"):
        check(built, lit=built.lattice.j > built.lattice.j.min())


def test_inside_the_field_nothing_tells(build):
    """A known limit: the pattern repeats itself, and the measurement says that no edge was seen."""
    built = build(region=WHOLE, scatter=0.0, mode=WIDE)
    moved = build(region=WHOLE, scatter=0.0, mode=WIDE, shift=tuple(START + COLUMN))
    assert not check(built)
    assert not check(built, moved)


def test_a_set_that_is_a_column_off_is_refused_where_it_is_measured(build):
    built = build()
    honest = measure_arcs([built.take("ARGON")], built.mode, {})
    assert honest.edge_seen
    moved = build(shift=tuple(START + COLUMN))
    with pytest.raises(InputError, match="light is a column of lenslets off"):
        measure_arcs([moved.take("ARGON")], built.mode, {})
