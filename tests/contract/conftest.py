"""Small conforming files of every role."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from iris_contract import AsBuiltMaps, Image, Ramp, Reference, Truth
from iris_contract.keywords import load_keywords
from iris_contract.layouts import COLUMN_KINDS, column_type
from iris_contract.lenslet import SpectrographTruth
from iris_contract.reftypes import load_reference_types

NY, NX, GROUPS, READS = 3, 5, 2, 4
CHOSEN = {
    "FILTER": "H",
    "IMTYPE": "DRK",
    "READMODE": "UTR",
    "DETECTOR": "IMG1",
    "INSTMODE": "IMG",
    "IFSMODE": "NONE",
    "SUBARRAY": "CUSTOM",
    "SUBARRID": 1,
    "DATE-OBS": "2035-01-31",
    "TIME-OBS": "08:15:00.123",
    "USEAFTER": "2035-01-31T08:15:00",
    "XSTART": 1,
    "YSTART": 9,
    "XSIZE": NX,
    "YSIZE": NY,
    "NGROUPS": GROUPS,
    "NREADS": READS,
}
DEFAULTS = {"str": "text", "int": 1, "float": 1.5, "bool": True}


def make_header(role: str, model: str, level: int | None = None, **more: Any) -> dict[str, Any]:
    """Header with every keyword that `role` requires."""
    header: dict[str, Any] = {}
    for row in load_keywords().values():
        if role in row.required:
            default = row.allowed[0] if row.allowed and row.type == "str" else DEFAULTS[row.type]
            header[row.keyword] = CHOSEN.get(row.keyword, default)
    header |= {"CHANNELS": 64} if "CHANNELS" in header else {}
    header |= {"DATALVL": level} if level is not None else {}
    return header | {"DATAMODL": model} | more


def make_table(name: str, columns: tuple[str, ...], rows: int = 2) -> np.ndarray:
    """Structured array with the types of the columns of the HDU `name`."""
    dtypes = {"text": "U8", "integer": "i4", "float": "f4"}
    assert set(dtypes) == set(COLUMN_KINDS)
    kinds = {column: column_type(column, name) for column in columns}
    table = np.zeros(rows, dtype=[(column, dtypes[kind]) for column, kind in kinds.items()])
    for column, kind in kinds.items():
        table[column] = ["first", "second"][:rows] if kind == "text" else np.arange(rows)
    return table


def make_reference(kind: str) -> Reference:
    """A reference with every HDU of its kind."""
    spec = load_reference_types()[kind]
    lengths = {"ny": NY, "nx": NX}
    content = {
        hdu.name: make_table(hdu.name, hdu.axes)
        if hdu.dtype == "table"
        else np.arange(np.prod(shape := [lengths.get(axis, 2) for axis in hdu.axes]), dtype=hdu.dtype).reshape(shape)
        for hdu in spec.hdus
    }
    more = {key: CHOSEN.get(key, "NONE") for key in spec.list_keys({})}
    header = make_header("reference", spec.model, REFTYPE=kind, **more)
    return Reference(header | ({"SCALE": 0.004} if "SCALE" in more else {}), content)


def make_frame(name: str) -> Any:
    """A conforming frame by DATAMODL; none for CorrectedRampModel, which has no frame class."""
    plane = np.linspace(-1, 1, NY * NX, dtype="f4").reshape(NY, NX)
    error = plane + 1
    bits = (np.arange(NY * NX, dtype="u4") + 2**31).reshape(NY, NX)
    if name == "RampModel":
        reads = np.arange(NY * NX * GROUPS * READS, dtype="u2").reshape(NY, NX, GROUPS, READS)
        return Ramp(make_header("raw", name, 0), reads, np.tile(np.arange(READS) * 1.5, (GROUPS, 1)))
    if name == "RateModel":
        jumps = make_table("JUMPS", ("Y", "X", "GROUP", "READ", "AMPLITUDE"))
        return Image(make_header("product", name, 1), plane, error, bits, plane, jumps)
    if name == "ImagerModel":
        return Image(make_header("product", name, 2), plane, error, bits)
    if name == "LensletModel":
        maps = plane.astype("f8") + 2000, np.arange(NY * NX, dtype="i4").reshape(NY, NX)
        return Image(make_header("product", name, 2), plane, error, bits, None, None, None, None, *maps)
    if name == "TruthModel":
        events = make_table("EVENTS", ("Y", "X", "GROUP", "READ", "ELECTRONS"))
        return Truth("0a" * 32, plane, plane, plane, plane, bits, events, {"dark": True, "flat": False})
    if name == "SpectrographTruthModel":
        nodes = np.linspace(0, 1, 6).reshape(2, 3)
        small, numbers = nodes.astype("f4"), np.arange(2, dtype="i4")
        places = (np.arange(3.0), nodes, nodes, small, numbers, numbers, np.ones((2, 3, 2), "f4"), small)
        return SpectrographTruth({"GRATING": "4000-K"}, *places)
    if name == "AsBuiltModel":
        return AsBuiltMaps({"DETECTOR": "IMG1"}, *[plane] * 6, bits)
    return make_reference(next(k for k, t in load_reference_types().items() if t.model == name))


@pytest.fixture(scope="session")
def frame() -> Callable[[str], Any]:
    """Maker of conforming frames."""
    return make_frame


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str], Path]:
    """Write a conforming file of a model and return its path."""

    def write(name: str) -> Path:
        path = tmp_path / f"{name}.fits"
        make_frame(name).write(path)
        return path

    return write
