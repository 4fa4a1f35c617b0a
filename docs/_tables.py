"""The tables of docs/contracts.md and docs/lenslet.md, generated from the contract so that they cannot go stale.

Each function returns one Markdown table; `write_tables` writes them to a folder, one file each,
from which the page includes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from iris_contract import errors
from iris_contract.dq import FLAGS, PIXEL_CLASSES
from iris_contract.exposure import Subarray
from iris_contract.instrument import load_facts, load_instrument
from iris_contract.keywords import Keyword, load_keywords
from iris_contract.layouts import load_layouts
from iris_contract.lenslet import (
    LensletMode,
    find_complete,
    find_ends,
    find_spectrum,
    load_grating_setting,
    load_lattice,
)
from iris_contract.manifest import ManifestRow
from iris_contract.reftypes import HduSpec, load_reference_types
from iris_contract.scorecard import FAMILIES, VERDICTS, ScoreRow

__all__ = ["TABLES", "write_tables"]

HALF = 2043.5
"""Px from the middle of the detector to the middle of the last light-sensitive pixel."""
STEP = 514
"""Px without anamorphism from a lenslet to the next on its line of pixels: 16 columns and one row back."""
FORMATS = {"@date": "YYYY-MM-DD", "@time": "hh:mm:ss.sss", "@datetime": "YYYY-MM-DDThh:mm:ss"}


def _table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a Markdown table; None becomes an empty cell."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(_cell(value) for value in line)} |" for line in lines) + "\n"


def _cell(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        value = ", ".join(str(part) for part in value)
    return ("" if value is None else str(value)).replace("|", r"\|")


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def tabulate_facts() -> str:
    """Every number of the design that `instrument.yaml` holds."""
    return _table(
        ("Name", "Value", "Unit", "Tag", "Source"),
        ((_code(f.name), f.value, "" if f.unit == "1" else f.unit, f.tag, f.source) for f in load_facts()),
    )


def tabulate_detectors() -> str:
    """The five detectors, with the time of one full frame at either clock."""
    rows = []
    for d in load_instrument().detectors.values():
        full = Subarray.full(d)
        times = [f"{full.frame_time(d, clock):.2f}" for clock in d.clocks]
        rows.append((d.name, d.type, f"{d.size} x {d.size}", d.pixel_pitch, d.outputs, *times))
    return _table(("Detector", "Type", "Pixels", "Pitch / um", "Outputs", "FAST / s", "SLOW / s"), rows)


def tabulate_filters() -> str:
    """The imager's passbands."""
    rows = ((f.name, f.kind, f.cut_on, f.cut_off) for f in load_instrument().filters.values())
    return _table(("Filter", "Kind", "Cut-on / um", "Cut-off / um"), rows)


def tabulate_gratings() -> str:
    """The spectrograph's gratings."""
    rows = ((g.name, g.resolution, g.band, g.tilt, g.line_density) for g in load_instrument().gratings.values())
    return _table(("Grating", "Resolution", "Band", "Tilt / deg", "Lines per mm"), rows)


def tabulate_lenslet_gratings() -> str:
    """Each grating at its tilt: where its centre lies, and how it spaces and disperses."""
    rows = []
    for name in load_instrument().gratings:
        g = load_grating_setting(name)
        steps = (f"{length * g.anamorphism:.1f}" for length in (32, STEP))
        dispersion = f"{10 * float(g.dispersion(g.centre)):.3f}"
        rows.append((name, f"{g.centre:.1f}", dispersion, f"{g.anamorphism:.3f}", *steps))
    head = ("Grating", "Centre / nm", "Angstrom per px", "Anamorphism", "Column to column / px", "End to end / px")
    return _table(head, rows)


def _count_paraxial(mode: LensletMode) -> int:
    """How many spectra would be complete if each lenslet's rays met the grating as those of the middle do."""
    setting, lattice = load_grating_setting(mode.grating), load_lattice(mode.mask)
    low, high = find_spectrum(mode)
    x, y = setting.anamorphism * lattice.along, lattice.across
    return int(((x + low >= -HALF) & (x + high <= HALF) & (abs(y) <= HALF)).sum())


def _span(mode: LensletMode) -> str:
    """Shortest and longest spectrum."""
    first, last = find_ends(mode)[0].T
    return f"{(last - first).min():.0f} to {(last - first).max():.0f}"


def tabulate_lenslet_broad() -> str:
    """Broad bands in the narrow field: spans, and how many spectra are complete."""
    rows = []
    for grating in load_instrument().gratings.values():
        band = grating.band if len(grating.band) > 1 else f"{grating.band}bb"
        if band in load_instrument().filters:
            mode = LensletMode(4.0, "FINE_MASK", grating.name, band)
            low, high = find_spectrum(mode)
            ends = f"{high - low:.1f}", _span(mode), f"{low:+.0f}", f"{high:+.0f}"
            rows.append((grating.name, band, *ends, find_complete(mode).sum(), _count_paraxial(mode)))
    lit = f"Complete of {len(load_lattice('FINE_MASK').i)}"
    return _table(("Grating", "Filter", "Span / px", "Over the field", "From / px", "To / px", lit, "Paraxial"), rows)


def tabulate_lenslet_narrow() -> str:
    """5 % filters at R4000: spans, clearances end to end, reach of the edges, and complete spectra in both fields."""
    rows = []
    for f in load_instrument().filters.values():
        if f.kind == "narrow5":
            wide = LensletMode(4.0, "SERRATED_WIDE", f"4000-{f.name[0]}", f.name)
            fine = LensletMode(4.0, "FINE_MASK", wide.grating, f.name)
            setting, (low, high) = load_grating_setting(wide.grating), find_spectrum(wide)
            first, last = find_spectrum(wide, 1e-3)
            middle = float(setting.disperse(500 * (f.cut_on + f.cut_off)))
            clearance = STEP * setting.anamorphism - (high - low)
            lengths = (
                f"{middle:+.0f}",
                f"{high - low:.1f}",
                _span(wide),
                f"{clearance:+.1f}",
                f"{low - first:.0f}",
                f"{last - high:.0f}",
            )
            counts = (count for m in (wide, fine) for count in (find_complete(m).sum(), _count_paraxial(m)))
            rows.append((f.name, *lengths, *counts))
    head = (
        "Filter",
        "Middle / px",
        "Span / px",
        "Over the field",
        "Clearance / px",
        "Edge below / px",
        "Edge above / px",
    )
    lit = (f"Complete of {len(load_lattice(mask).i)}" for mask in ("SERRATED_WIDE", "FINE_MASK"))
    return _table((*head, *(word for count in lit for word in (count, "Paraxial"))), rows)


def _spell_allowed(keyword: Keyword) -> str:
    named = {"filter": tuple(load_instrument().filters), "grating": tuple(load_instrument().gratings)}
    values = keyword.allowed
    for name, group in named.items():
        if set(group) <= set(values):
            values = (f"any {name}", *(v for v in values if v not in group))
    if keyword.keyword == "REFTYPE":
        values = ("any reference type",)
    return ", ".join(FORMATS.get(v, v) for v in values)


def tabulate_keywords() -> str:
    """The keyword table."""
    return _table(
        ("Keyword", "Path", "Type", "Unit", "Allowed values", "Required in", "Meaning", "Source"),
        (
            (_code(k.keyword), k.path, k.type, k.unit, _spell_allowed(k), k.required, k.description, k.source)
            for k in load_keywords().values()
        ),
    )


def _hdu_rows(hdus: Iterable[HduSpec]) -> Iterable[Sequence[Any]]:
    for hdu in hdus:
        yield _code(hdu.name), hdu.dtype, f"({', '.join(hdu.axes)})", hdu.unit, "no" if hdu.optional else "yes"


def tabulate_layouts() -> str:
    """Every layout that is not a calibration reference's."""
    parts = []
    for layout in load_layouts().values():
        if layout.role != "reference":
            level = "" if layout.level is None else f", level {layout.level}"
            head = ("HDU", "Type", "Axes or columns", "Unit", "Required")
            parts.append(f"**{layout.model}** ({layout.role}{level})\n\n{_table(head, _hdu_rows(layout.hdus))}")
    return "\n".join(parts)


def tabulate_references() -> str:
    """The reference types and how CRDS selects them."""
    head = ("Kind", "Title", "Calibration", "From", "Selected by", "Time rule", "DATAMODL", "Serves", "Status")
    rows = (
        (_code(t.kind), t.title, t.calibration or None, t.source, t.match, t.time, t.model, t.serves, t.status)
        for t in load_reference_types().values()
    )
    return _table(head, rows)


def tabulate_reference_hdus() -> str:
    """What each reference type holds."""
    rows = (
        (_code(t.kind), _code(h.name), h.dtype, f"({', '.join(h.axes)})", h.unit)
        for t in load_reference_types().values()
        for h in t.hdus
    )
    return _table(("Kind", "HDU", "Type", "Axes or columns", "Unit"), rows)


def tabulate_flags() -> str:
    """The data-quality flags."""
    rows = ((f.bit, f.value, _code(f.name), f.meaning, "yes" if f.name in PIXEL_CLASSES else "") for f in FLAGS)
    return _table(("Bit", "Value", "Name", "Meaning", "In bad pixel maps"), rows)


def tabulate_errors() -> str:
    """The exception tree."""
    kinds = [getattr(errors, name) for name in errors.__all__]
    kinds.sort(key=lambda kind: (len(kind.__mro__), kind.__name__))
    rows = ((_code(k.__name__), _code(k.__base__.__name__), (k.__doc__ or "").split("\n")[0]) for k in kinds)
    return _table(("Exception", "Derives from", "Meaning"), rows)


def _tabulate_row(kind: type) -> str:
    return _table(("Field", "Type"), ((_code(f.name), _code(str(f.type))) for f in fields(kind)))


def tabulate_vocabulary() -> str:
    """The words of the scorecard."""
    return _table(("Field", "Words"), (("`verdict`", VERDICTS), ("`family`", FAMILIES)))


TABLES: dict[str, Callable[[], str]] = {
    "facts": tabulate_facts,
    "detectors": tabulate_detectors,
    "filters": tabulate_filters,
    "gratings": tabulate_gratings,
    "lenslet_gratings": tabulate_lenslet_gratings,
    "lenslet_broad": tabulate_lenslet_broad,
    "lenslet_narrow": tabulate_lenslet_narrow,
    "keywords": tabulate_keywords,
    "layouts": tabulate_layouts,
    "references": tabulate_references,
    "reference_hdus": tabulate_reference_hdus,
    "flags": tabulate_flags,
    "errors": tabulate_errors,
    "manifest": lambda: _tabulate_row(ManifestRow),
    "scorecard": lambda: _tabulate_row(ScoreRow),
    "vocabulary": tabulate_vocabulary,
}
"""Name of the file to write and the function that makes it."""


def write_tables(folder: Path) -> None:
    """Write every table to `folder`, and only where it changed, so that rebuilding stays quick."""
    folder.mkdir(exist_ok=True)
    for name, tabulate in TABLES.items():
        path, text = folder / f"{name}.md", tabulate()
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
