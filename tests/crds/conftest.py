"""Small references, caches made of them, and a process that forgets them again."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from iris_contract import Reference
from iris_contract.layouts import column_type
from iris_contract.reftypes import load_reference_types
from iris_reduction import cache as caches
from iris_reduction.delivery import deliver

SIZE = 8
MakeReference = Callable[..., Path]
Crds = Callable[..., subprocess.CompletedProcess[str]]


def _make_content(kind: str, night: int) -> dict[str, Any]:
    """Arrays of the layout of `kind`, small and different every night."""
    content: dict[str, Any] = {}
    for hdu in load_reference_types()[kind].hdus:
        if hdu.dtype == "table":
            dtypes = {"text": "U8", "integer": "i4", "float": "f4"}
            content[hdu.name] = np.zeros(2, dtype=[(c, dtypes[column_type(c, hdu.name)]) for c in hdu.axes])
        else:
            shape = [SIZE if axis in ("ny", "nx") else 3 for axis in hdu.axes]
            content[hdu.name] = np.full(shape, 0 if hdu.name == "DQ" else 1 + night, dtype=hdu.dtype)
    return content


def _make_header(kind: str, night: int, **keywords: Any) -> dict[str, Any]:
    """A header that every kind accepts; `night` counts from 1 and is the day of the month."""
    day = f"2035-01-{night:02d}"
    return {
        "TELESCOP": "TMT",
        "INSTRUME": "IRIS",
        "INSTERA": "DESIGN",
        "INSTMODE": "IMG",
        "DETECTOR": "IMG1",
        "READMODE": "UTR",
        "FILTER": "H",
        "GRATING": "NONE",
        "SCALE": 0.004,
        "LLMSKST": "NONE",
        "SUBARRAY": "CUSTOM",
        "XSTART": 1,
        "YSTART": 1,
        "XSIZE": SIZE,
        "YSIZE": SIZE,
        "DATE-OBS": day,
        "TIME-OBS": "18:00:00.000",
        "REFTYPE": kind,
        "USEAFTER": f"{day}T00:00:00",
        "PEDIGREE": "SIMULATION",
        "AUTHOR": "the tests",
        "DESCRIP": "made for a test",
    } | keywords


@pytest.fixture(scope="session")
def science() -> dict[str, Any]:
    """The header of an exposure in night 4, in the morning."""
    header = _make_header("dark", 4) | {"TIME-OBS": "09:30:00.000"}
    return {key: value for key, value in header.items() if key not in ("REFTYPE", "USEAFTER", "PEDIGREE")}


@pytest.fixture
def make_content() -> Callable[[str, int], dict[str, Any]]:
    """Return the function (kind, night) that makes the arrays of a reference."""
    return _make_content


@pytest.fixture
def make_reference(tmp_path: Path) -> MakeReference:
    """Return a function (kind, night, content=..., **keywords) that writes a reference and returns its path."""

    def make(kind: str, night: int = 1, content: Mapping[str, Any] | None = None, **keywords: Any) -> Path:
        path = tmp_path / "made" / f"{kind}_{night}_{len(list(tmp_path.rglob('*.fits')))}.fits"
        Reference(_make_header(kind, night, **keywords), _make_content(kind, night) | dict(content or {})).write(path)
        return path

    return make


@pytest.fixture(autouse=True)
def _leave_no_trace() -> Iterator[None]:
    """Give the process its CRDS variables back: `use_cache` keeps what it sets."""
    import crds  # noqa: F401 - writes its defaults into the environment

    before = {name: value for name, value in os.environ.items() if name.startswith("CRDS_")}
    yield
    for name in [name for name in os.environ if name.startswith("CRDS_")]:
        del os.environ[name]
    os.environ.update(before)
    caches._forget()


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """An empty cache."""
    caches.create_cache(tmp_path / "crds")
    return tmp_path / "crds"


@pytest.fixture(scope="session")
def delivered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with darks (CLOSEST) and masks (USEAFTER) of nights 2 and 4, and flats in two filters. Read only."""
    folder = tmp_path_factory.mktemp("delivered")
    made = [
        ("dark", 2, "H"),
        ("dark", 4, "H"),
        ("mask", 2, "H"),
        ("mask", 4, "H"),
        ("flat", 2, "H"),
        ("flat", 2, "Kbb"),
    ]
    files = [folder / f"{kind}-{night}-{filter_}.fits" for kind, night, filter_ in made]
    for path, (kind, night, filter_) in zip(files, made, strict=True):
        Reference(_make_header(kind, night, FILTER=filter_), _make_content(kind, night)).write(path)
    caches.create_cache(folder / "crds")
    deliver(folder / "crds", files)
    return folder / "crds"


@pytest.fixture
def crds_command(tmp_path: Path) -> Crds:
    """Return a function that runs the plain `crds` command, as a user would, on a cache."""

    def run(cache: Path, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("CRDS_")}
        environment = clean | {"CRDS_PATH": str(cache), "CRDS_OBSERVATORY": "tmt"}
        command = [str(Path(sys.executable).with_name("crds")), *words]
        return subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=120)

    return run
