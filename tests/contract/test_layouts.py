"""Contract 1, layouts: a change of any HDU, dtype, axis or unit must break this file."""

import pytest

from iris_contract.layouts import column_type, load_layouts

IMAGE = "(ny nx)"
FROZEN = {
    "RampModel": ("raw", 0, ["DATA uint16 (ny nx ngroups nreads) DN", "TIMES float64 (ngroups nreads) s"]),
    "CorrectedRampModel": (
        "product",
        0,
        [
            "DATA float32 (ny nx ngroups nreads) DN",
            "TIMES float64 (ngroups nreads) s",
            "DQ uint32 (ny nx)",
            "READ_DQ uint8 (ny nx ngroups nreads)",
        ],
    ),
    "RateModel": (
        "product",
        1,
        [
            "DATA float32 (ny nx) electron/s",
            "ERR float32 (ny nx) electron/s",
            "DQ uint32 (ny nx)",
            "CHI2 float32 (ny nx) 1 optional",
            "JUMPS table (Y X GROUP READ AMPLITUDE) optional",
            "VAR_POISSON float32 (ny nx) electron2/s2 optional",
            "VAR_READ float32 (ny nx) electron2/s2 optional",
        ],
    ),
    "ImagerModel": (
        "product",
        2,
        ["DATA float32 (ny nx) electron/s", "ERR float32 (ny nx) electron/s", "DQ uint32 (ny nx)"],
    ),
    "LensletModel": (
        "product",
        2,
        [
            "DATA float32 (ny nx) electron/s",
            "ERR float32 (ny nx) electron/s",
            "DQ uint32 (ny nx)",
            "WAVELENGTH float64 (ny nx) nm",
            "LENSLET int32 (ny nx)",
        ],
    ),
    "TruthModel": (
        "truth",
        None,
        [
            "RATE_SCENE float32 (ny nx) electron/s",
            "RATE_DETECTED float32 (ny nx) electron/s",
            "READ_NOISE float32 (ny nx) electron",
            "GAIN float32 (ny nx) electron/DN",
            "CAUSE uint32 (ny nx)",
            "EVENTS table (Y X GROUP READ ELECTRONS)",
            "EFFECTS table (NAME ON)",
            "PERSISTENCE float32 (ny nx) electron/s optional",
            "SHIFT float64 (naxis) pixel optional",
            "SPECTRA_WAVE float64 (nchan) nm optional",
            "SPECTRA float32 (nspec nchan) electron/s optional",
            "LINE_FLUX table (COLUMN ROW WAVELENGTH FLUX) optional",
        ],
    ),
    "SpectrographTruthModel": (
        "truth",
        None,
        [
            "WAVE float64 (nnode) nm",
            "X float64 (nspec nnode) pixel",
            "Y float64 (nspec nnode) pixel",
            "THROUGHPUT float32 (nspec nnode) 1",
            "COLUMN int32 (nspec)",
            "ROW int32 (nspec)",
            "WIDTH float32 (nspec nnode naxis) pixel",
            "SCATTER float32 (nspec nnode) 1",
        ],
    ),
    "AsBuiltModel": (
        "truth",
        None,
        [
            "GAIN float32 (ny nx) electron/DN",
            "READ_NOISE float32 (ny nx) electron",
            "DARK float32 (ny nx) electron/s",
            "FLAT float32 (ny nx) 1",
            "OFFSET float32 (ny nx) DN",
            "WELL float32 (ny nx) electron",
            "BAD uint32 (ny nx)",
            "LOSS float32 (ny nx) 1 optional",
            "BEND float32 (ny nx) 1 optional",
            "LINKS float32 (ny nx nlink) 1 optional",
            "TRAPS float32 (ny nx ntrap) 1 optional",
            "TELEGRAPH float32 (ny nx) electron optional",
            "SETTLING float32 (ny nx) electron optional",
            "LEVELS float64 (nlevel) electron optional",
            "SIGNAL float32 (ny nx nlevel) electron optional",
            "DARK_SHOWN float32 (ny nx) electron/s optional",
        ],
    ),
}
COLUMNS = {
    "text": "NAME SENSOR RULE LAMP",
    "integer": "Y X GROUP READ ON COLUMN ROW USED",
    "float": """AMPLITUDE ELECTRONS WAVELENGTH DX DY ZERO_POINT LOW HIGH LINES.X LINES.Y X_ERR FLUX WIDTH_X
        SHIFT_X SHIFT_Y""",
}


def spell(hdu) -> str:
    return " ".join(
        part for part in (hdu.name, hdu.dtype, f"({' '.join(hdu.axes)})", hdu.unit, "optional" * hdu.optional) if part
    )


@pytest.mark.parametrize("model", FROZEN)
def test_layout_is_frozen(model):
    layout = load_layouts()[model]
    assert (layout.role, layout.level, [spell(hdu) for hdu in layout.hdus]) == FROZEN[model]


def test_there_is_no_other_layout_than_these_and_one_per_reference_kind():
    others = {name for name, layout in load_layouts().items() if layout.role != "reference"}
    assert others == set(FROZEN)


def test_every_dq_plane_is_uint32():
    planes = [hdu for layout in load_layouts().values() for hdu in layout.hdus if hdu.name in {"DQ", "CAUSE", "BAD"}]
    assert len(planes) > 10
    assert {hdu.dtype for hdu in planes} == {"uint32"}


def test_raw_files_carry_no_quality_plane():
    assert [hdu.name for hdu in load_layouts()["RampModel"].hdus] == ["DATA", "TIMES"]


def test_column_types_are_frozen_and_cover_every_table():
    frozen = {name: kind for kind, names in COLUMNS.items() for name in names.split()}
    tables = [hdu for layout in load_layouts().values() for hdu in layout.hdus if hdu.dtype == "table"]
    used = {
        (f"LINES.{name}" if hdu.name == "LINES" and name in {"X", "Y"} else name): column_type(name, hdu.name)
        for hdu in tables
        for name in hdu.axes
    }
    assert used == frozen
