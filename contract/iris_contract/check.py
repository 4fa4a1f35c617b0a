"""Check files against their layouts: every violation in one line each.

A file conforms when its DATAMODL names a layout, its HDUs have the dtypes and axes of that layout,
its header carries every keyword that its role requires with allowed values, and, for a raw file,
when nothing in the header is unknown to the keyword table (truth must not travel in a header).
"""

from __future__ import annotations

from pathlib import Path

from iris_contract.fitsio import find_array_problem, open_fits
from iris_contract.keywords import find_problem, load_keywords
from iris_contract.layouts import Layout, load_layouts

__all__ = ["check_file"]

STRUCTURAL = {"SIMPLE", "BITPIX", "NAXIS", "EXTEND", "COMMENT", "HISTORY", "", "CHECKSUM", "DATASUM"}


def check_file(path: str | Path) -> list[str]:
    """Return the violations of one file, empty if it conforms; raise LayoutError if unreadable."""
    with open_fits(path) as hdus:
        header = hdus[0].header
        model = header.get("DATAMODL")
        layout = load_layouts().get(str(model))
        if layout is None:
            return [f"DATAMODL={model!r}: names no layout; expected one of {', '.join(load_layouts())}"]
        violations = [] if layout.role == "truth" else _check_header(header, layout)
        sizes: dict[str, int] = {}
        for spec in layout.hdus:
            problem = find_array_problem(spec, hdus, sizes)
            if problem:
                violations.append(problem)
        known = {"PRIMARY", *(spec.name for spec in layout.hdus)}
        violations += [f"HDU {hdu.name} is not part of {layout.model}" for hdu in hdus if hdu.name not in known]
        return violations + _check_region(header, sizes)


def _check_header(header: object, layout: Layout) -> list[str]:
    cards = dict(header.items())  # type: ignore[attr-defined]
    violations = []
    for keyword in load_keywords().values():
        if keyword.keyword not in cards:
            if layout.role in keyword.required:
                violations.append(f"{keyword.keyword} is missing ({keyword.description})")
            continue
        problem = find_problem(keyword, cards[keyword.keyword])
        if problem:
            violations.append(f"{keyword.keyword}={cards[keyword.keyword]!r}: {problem}")
    if layout.role == "raw":
        unknown = [k for k in cards if k not in load_keywords() and k not in STRUCTURAL]
        violations += [f"{k}={cards[k]!r}: keyword is not in the table" for k in unknown]
    return violations


def _check_region(header: object, sizes: dict[str, int]) -> list[str]:
    found = []
    for keyword, axis in (("XSIZE", "nx"), ("YSIZE", "ny"), ("NGROUPS", "ngroups"), ("NREADS", "nreads")):
        stated = header.get(keyword)  # type: ignore[attr-defined]
        if axis in sizes and stated is not None and stated != sizes[axis]:
            found.append(f"{keyword}={stated!r}: the data have {axis}={sizes[axis]}")
    return found
