"""Calibration sets: the list of raw exposures that one reference is made from.

A set is a JSON file ``{"schema": "iris-testbed/set/1", "kind": "flat", "files": [...]}``; relative
names are relative to it. What role a file plays is read from its header, never from its name.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from iris_contract.errors import InputError, LayoutError
from iris_contract.fitsio import Header, read_header
from iris_contract.frames import read_region
from iris_contract.reftypes import load_reference_types

__all__ = ["SET_SCHEMA", "CalibrationSet", "find_role", "make_set", "read_set"]

SET_SCHEMA = "iris-testbed/set/1"


@dataclass(frozen=True, slots=True)
class CalibrationSet:
    """Raw files for one reference of `kind`, with their headers, in order of observation."""

    kind: str
    files: tuple[Path, ...]
    headers: tuple[Header, ...]

    def select(self, *roles: str) -> list[Path]:
        """Return the files of the given roles; raise InputError if there are none."""
        found = [f for f, h in zip(self.files, self.headers, strict=True) if find_role(h) in roles]
        if not found:
            raise InputError(f"the {self.kind} set has no {' or '.join(roles)} exposure", file=self.files[0])
        return found


def find_role(header: Header) -> str:
    """Return dark, flat_on, flat_off, arc_on, arc_off or the IMTYPE, from IMTYPE, CALLAMP and CALSHUT."""
    image_type = header.get("IMTYPE")
    if image_type == "DRK":
        return "dark"
    if image_type == "NFF":
        lit = header.get("CALLAMP") == "FLAT" and header.get("CALSHUT", "OPEN") == "OPEN"
        return "flat_on" if lit else "flat_off"
    if image_type == "ARC":
        lit = header.get("CALLAMP", "NONE") != "NONE" and header.get("CALSHUT", "OPEN") == "OPEN"
        return "arc_on" if lit else "arc_off"
    return str(image_type)


def _start(header: Header) -> str:
    return f"{header.get('DATE-OBS', '')}T{header.get('TIME-OBS', '')}"


def _refuse_twice(kind: str, files: Sequence[str | Path]) -> None:
    """Raise InputError for a file that stands twice, by whatever path: it would weigh twice."""
    seen: set[Path] = set()
    for path in map(Path, files):
        if path.resolve() in seen:
            raise InputError(f"stands twice in the {kind} set; list it once", file=path, key="files", value=path.name)
        seen.add(path.resolve())


def make_set(kind: str, files: Sequence[str | Path]) -> CalibrationSet:
    """Return the set of `files`; raise LayoutError or InputError where they do not go together."""
    if not files:
        raise InputError(f"the {kind} set lists no files", key="files", value=[])
    _refuse_twice(kind, files)
    pairs = sorted(((Path(f), read_header(f)) for f in files), key=lambda pair: (_start(pair[1]), pair[0].name))
    first_path, first = pairs[0]
    table = load_reference_types()
    if kind not in table:
        raise InputError(f"choose {', '.join(table)}", key="kind", value=kind)
    for path, header in pairs[1:]:
        for key in ("INSTRUME", "DETECTOR", *table[kind].list_keys(first)):
            if header.get(key) != first.get(key):
                raise InputError(f"differs from {first_path.name}", file=path, key=key, value=header.get(key))
        if read_region(header, path) != read_region(first, first_path):
            raise InputError(f"covers another region than {first_path.name}", file=path, key="XSTART,YSTART")
    return CalibrationSet(kind, tuple(p for p, _ in pairs), tuple(h for _, h in pairs))


def read_set(path: str | Path) -> CalibrationSet:
    """Return the set that a JSON file lists; raise LayoutError or InputError naming what is wrong."""
    path = Path(path)
    try:
        content = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise LayoutError("no such file", file=path) from None
    except (OSError, ValueError) as error:
        raise LayoutError(f"not readable as JSON: {error}", file=path) from None
    if not isinstance(content, dict) or content.get("schema") != SET_SCHEMA:
        found = content.get("schema") if isinstance(content, dict) else None
        raise LayoutError(f"expected {SET_SCHEMA}", file=path, key="schema", value=found)
    kind, files = content.get("kind"), content.get("files")
    if not isinstance(kind, str):
        raise LayoutError("must be a reference kind", file=path, key="kind", value=kind)
    if not isinstance(files, list) or not all(isinstance(name, str) for name in files):
        raise LayoutError("must be a list of file names", file=path, key="files", value=files)
    return make_set(kind, [path.parent / name for name in files])
