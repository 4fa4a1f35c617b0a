"""Check files against their layouts: every violation in one line each.

A file conforms when its DATAMODL names a layout, its HDUs have the dtypes, axes and units of that
layout, none of its standard deviations is negative, its header carries every keyword that its role
requires with allowed values and agrees with the data, and, for a raw file, when nothing in the header
is unknown to the keyword table (truth must not travel in a header). A reference also carries the
keywords by which its kind is selected, and a file of the lenslets (IFSMODE) those that tell their setting; a frame of
the bare detector IFU has the INSTMODE LENSLET, and IFSMODE NONE.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from astropy.io import fits

from iris_contract.errors import InputError
from iris_contract.exposure import Subarray
from iris_contract.fitsio import Header, find_array_problem, open_fits, read_data
from iris_contract.frames import ERROR_PLANES, find_error_problem, find_time_problem
from iris_contract.instrument import DETECTORS, load_instrument
from iris_contract.keywords import find_problem, load_keywords
from iris_contract.layouts import Layout, load_layouts
from iris_contract.lenslet.mode import LensletMode
from iris_contract.reftypes import load_reference_types

__all__ = ["check_file"]

_STRUCTURAL = {"SIMPLE", "BITPIX", "NAXIS", "EXTEND", "COMMENT", "HISTORY", "", "CHECKSUM", "DATASUM"}
_REGION = {"SUBARRAY", "XSTART", "YSTART", "XSIZE", "YSIZE"}
_SIZES = {"XSIZE": "nx", "YSIZE": "ny", "NGROUPS": "ngroups", "NREADS": "nreads"}


def check_file(path: str | Path) -> list[str]:
    """Return the violations of one file, empty if it conforms; raise LayoutError if unreadable."""
    with open_fits(path) as hdus:
        header = dict(hdus[0].header.items())
        model = header.get("DATAMODL")
        layout = load_layouts().get(str(model))
        if layout is None:
            return [f"DATAMODL={model!r}: names no layout; expected one of {', '.join(load_layouts())}"]
        sizes: dict[str, int] = {}
        problems = (find_array_problem(spec, hdus, sizes) for spec in layout.hdus)
        violations = [problem for problem in problems if problem]
        violations += _check_names(hdus, layout)
        if not violations:
            violations += _check_values(hdus, layout, path)
    found = [*_check_header(header, layout), *violations, *_check_agreement(header, layout, sizes)]
    return found or list(_check_mode(header))


def _check_values(hdus: fits.HDUList, layout: Layout, path: str | Path) -> Iterator[str]:
    """Yield what read times and standard deviations cannot be; for arrays that have the right types and shapes."""
    if layout.model == "RampModel":
        problem = find_time_problem(read_data(hdus["TIMES"], path))
        yield from [problem] if problem else []
    for name in (spec.name for spec in layout.hdus if spec.name in ERROR_PLANES and spec.name in hdus):
        problem = find_error_problem(name, read_data(hdus[name], path))
        yield from [problem] if problem else []


def _check_names(hdus: fits.HDUList, layout: Layout) -> Iterator[str]:
    units = {spec.name: spec.unit for spec in layout.hdus}
    seen = set()
    for hdu in hdus[1:]:
        if hdu.name not in units:
            yield f"HDU {hdu.name} is not part of {layout.model}"
        elif hdu.name in seen:
            yield f"HDU {hdu.name} appears twice"
        elif hdu.header.get("BUNIT", units[hdu.name]) != units[hdu.name]:
            yield f"HDU {hdu.name} has BUNIT={hdu.header['BUNIT']!r}: must be {units[hdu.name]!r}"
        seen.add(hdu.name)


def _check_header(header: Header, layout: Layout) -> Iterator[str]:
    required = _find_required(header, layout)
    if layout.model == "TruthModel" and "RAWSHA" not in header:
        yield "RAWSHA is missing (SHA-256 of the raw file)"
    for keyword in load_keywords().values():
        if keyword.keyword not in header:
            if keyword.keyword in required:
                yield f"{keyword.keyword} is missing ({keyword.description})"
            continue
        problem = find_problem(keyword, header[keyword.keyword])
        if problem:
            yield f"{keyword.keyword}={header[keyword.keyword]!r}: {problem}"
    if layout.role == "raw":
        for key in header:
            if key not in load_keywords() and key not in _STRUCTURAL:
                yield f"{key}={header[key]!r}: keyword is not in the table"


def _find_required(header: Header, layout: Layout) -> set[str]:
    required = {keyword.keyword for keyword in load_keywords().values() if layout.role in keyword.required}
    kind = load_reference_types().get(str(header.get("REFTYPE")))
    if layout.role == "reference" and kind is not None:
        required |= set(kind.list_keys(header))
    covers_pixels = any("ny" in spec.axes for spec in layout.hdus)
    return required if covers_pixels else required - _REGION


def _check_agreement(header: Header, layout: Layout, sizes: dict[str, int]) -> Iterator[str]:
    for key, axis in _SIZES.items():
        if axis in sizes and key in header and header[key] != sizes[axis]:
            yield f"{key}={header[key]!r}: the data have {axis}={sizes[axis]}"
    if layout.level is not None and header.get("DATALVL", layout.level) != layout.level:
        yield f"DATALVL={header['DATALVL']!r}: {layout.model} is level {layout.level}"
    kind = load_reference_types().get(str(header.get("REFTYPE")))
    if layout.role == "reference" and kind is not None and kind.model != layout.model:
        yield f"REFTYPE={kind.kind!r}: a {kind.kind} reference has DATAMODL {kind.model}"
    detector, mode = header.get("DETECTOR"), header.get("INSTMODE", "")
    if detector in DETECTORS and mode in (("IMG",) if detector == "IFU" else ("SLICER", "LENSLET")):
        yield f"INSTMODE={mode!r}: the detector {detector} is not of this mode"
    yield from _check_region(header)


def _check_mode(header: Header) -> Iterator[str]:
    if header.get("IFSMODE") == "LENSLET":
        try:
            LensletMode.from_header(header)
        except InputError as error:
            yield str(error)


def _check_region(header: Header) -> Iterator[str]:
    corner: list[Any] = [header.get(key) for key in ("XSTART", "YSTART", "XSIZE", "YSIZE")]
    if header.get("DETECTOR") not in DETECTORS or not all(type(value) is int for value in corner):
        return  # already named as missing or mistyped
    detector, region = load_instrument().detector(header["DETECTOR"]), Subarray(*corner)
    try:
        region.check(detector)
    except InputError as error:
        yield str(error)
        return
    name = region.name(detector)
    if header.get("SUBARRAY", name) != name:
        yield f"SUBARRAY={header['SUBARRAY']!r}: this region is {name}"
