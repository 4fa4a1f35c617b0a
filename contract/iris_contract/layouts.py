"""Layouts of every file: which HDUs, of which dtype, axes and unit, by the value of DATAMODL.

Axes are named in numpy order, so raw `DATA` (ny, nx, ngroups, nreads) has NAXIS1 = nreads: the
HDUs, dtypes and axes that the public IRIS/Liger pipeline reads (docs/public_pipeline.md says what it
makes of whole files). The same axis name within one file means the same length; a table lists its
columns instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from iris_contract.reftypes import HduSpec, load_reference_types

__all__ = ["COLUMN_KINDS", "Layout", "column_type", "load_layouts"]

IMAGE = ("ny", "nx")

COLUMN_KINDS: Mapping[str, str] = {"text": "US", "integer": "iu", "float": "f"}
"""Type of a table column to the numpy dtype kinds that serve."""

_COLUMN_TYPES = {
    "text": ("NAME", "SENSOR", "RULE", "LAMP"),
    "integer": ("Y", "X", "GROUP", "READ", "ON", "COLUMN", "ROW", "USED"),
    "float": (
        *("AMPLITUDE", "ELECTRONS", "WAVELENGTH", "DX", "DY", "ZERO_POINT", "LOW", "HIGH"),
        *("LINES.X", "LINES.Y", "X_ERR", "FLUX", "WIDTH_X", "SHIFT_X", "SHIFT_Y"),
    ),
}


def column_type(name: str, table: str) -> str:
    """Return text, integer or float: what a column of this name holds, in the HDU `table` or else in every table."""
    kinds = {of: kind for kind, names in _COLUMN_TYPES.items() for of in names}
    return kinds.get(f"{table}.{name}") or kinds[name]


@dataclass(frozen=True, slots=True)
class Layout:
    """A file layout: DATAMODL value, role (raw, product, reference or truth), level and HDUs."""

    model: str
    role: str
    level: int | None
    hdus: tuple[HduSpec, ...]


def _image(model: str, level: int, unit: str, *more: HduSpec) -> Layout:
    planes = (
        HduSpec("DATA", "float32", IMAGE, unit),
        HduSpec("ERR", "float32", IMAGE, unit),
        HduSpec("DQ", "uint32", IMAGE),
    )
    return Layout(model, "product", level, planes + more)


JUMPS = HduSpec("JUMPS", "table", ("Y", "X", "GROUP", "READ", "AMPLITUDE"), optional=True)
CHI2 = HduSpec("CHI2", "float32", IMAGE, "1", optional=True)
VARIANCES = tuple(HduSpec(f"VAR_{of}", "float32", IMAGE, "electron2/s2", optional=True) for of in ("POISSON", "READ"))

MAPS = (HduSpec("WAVELENGTH", "float64", IMAGE, "nm"), HduSpec("LENSLET", "int32", IMAGE))

_RAW = Layout(
    "RampModel",
    "raw",
    0,
    (
        HduSpec("DATA", "uint16", ("ny", "nx", "ngroups", "nreads"), "DN"),
        HduSpec("TIMES", "float64", ("ngroups", "nreads"), "s"),
    ),
)
_CORRECTED = Layout(
    "CorrectedRampModel",
    "product",
    0,
    (
        HduSpec("DATA", "float32", ("ny", "nx", "ngroups", "nreads"), "DN"),
        HduSpec("TIMES", "float64", ("ngroups", "nreads"), "s"),
        HduSpec("DQ", "uint32", IMAGE),
        HduSpec("READ_DQ", "uint8", ("ny", "nx", "ngroups", "nreads")),
    ),
)
_TRUTH = Layout(
    "TruthModel",
    "truth",
    None,
    (
        HduSpec("RATE_SCENE", "float32", IMAGE, "electron/s"),
        HduSpec("RATE_DETECTED", "float32", IMAGE, "electron/s"),
        HduSpec("READ_NOISE", "float32", IMAGE, "electron"),
        HduSpec("GAIN", "float32", IMAGE, "electron/DN"),
        HduSpec("CAUSE", "uint32", IMAGE),
        HduSpec("EVENTS", "table", ("Y", "X", "GROUP", "READ", "ELECTRONS")),
        HduSpec("EFFECTS", "table", ("NAME", "ON")),
        HduSpec("PERSISTENCE", "float32", IMAGE, "electron/s", optional=True),
        HduSpec("SHIFT", "float64", ("naxis",), "pixel", optional=True),
        HduSpec("SPECTRA_WAVE", "float64", ("nchan",), "nm", optional=True),
        HduSpec("SPECTRA", "float32", ("nspec", "nchan"), "electron/s", optional=True),
        HduSpec("LINE_FLUX", "table", ("COLUMN", "ROW", "WAVELENGTH", "FLUX"), optional=True),
    ),
)
_AS_BUILT = Layout(
    "AsBuiltModel",
    "truth",
    None,
    (
        HduSpec("GAIN", "float32", IMAGE, "electron/DN"),
        HduSpec("READ_NOISE", "float32", IMAGE, "electron"),
        HduSpec("DARK", "float32", IMAGE, "electron/s"),
        HduSpec("FLAT", "float32", IMAGE, "1"),
        HduSpec("OFFSET", "float32", IMAGE, "DN"),
        HduSpec("WELL", "float32", IMAGE, "electron"),
        HduSpec("BAD", "uint32", IMAGE),
        HduSpec("LOSS", "float32", IMAGE, "1", optional=True),
        HduSpec("BEND", "float32", IMAGE, "1", optional=True),
        HduSpec("LINKS", "float32", ("ny", "nx", "nlink"), "1", optional=True),
        HduSpec("TRAPS", "float32", ("ny", "nx", "ntrap"), "1", optional=True),
        HduSpec("TELEGRAPH", "float32", IMAGE, "electron", optional=True),
        HduSpec("SETTLING", "float32", IMAGE, "electron", optional=True),
        HduSpec("LEVELS", "float64", ("nlevel",), "electron", optional=True),
        HduSpec("SIGNAL", "float32", ("ny", "nx", "nlevel"), "electron", optional=True),
        HduSpec("DARK_SHOWN", "float32", IMAGE, "electron/s", optional=True),
    ),
)
_SPECTROGRAPH = Layout(
    "SpectrographTruthModel",
    "truth",
    None,
    (
        HduSpec("WAVE", "float64", ("nnode",), "nm"),
        HduSpec("X", "float64", ("nspec", "nnode"), "pixel"),
        HduSpec("Y", "float64", ("nspec", "nnode"), "pixel"),
        HduSpec("THROUGHPUT", "float32", ("nspec", "nnode"), "1"),
        HduSpec("COLUMN", "int32", ("nspec",)),
        HduSpec("ROW", "int32", ("nspec",)),
        HduSpec("WIDTH", "float32", ("nspec", "nnode", "naxis"), "pixel"),
        HduSpec("SCATTER", "float32", ("nspec", "nnode"), "1"),
    ),
)


@lru_cache(maxsize=1)
def load_layouts() -> Mapping[str, Layout]:
    """Return every layout, by DATAMODL."""
    fixed = (
        _RAW,
        _CORRECTED,
        _image("RateModel", 1, "electron/s", CHI2, JUMPS, *VARIANCES),
        _image("ImagerModel", 2, "electron/s"),
        _image("LensletModel", 2, "electron/s", *MAPS),
        _TRUTH,
        _AS_BUILT,
        _SPECTROGRAPH,
    )
    layouts = {layout.model: layout for layout in fixed}
    for kind in load_reference_types().values():
        layouts[kind.model] = Layout(kind.model, "reference", None, kind.hdus)
    return layouts
