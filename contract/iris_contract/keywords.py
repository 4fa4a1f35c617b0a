"""The keyword table: every header card a raw file, product or reference may carry.

One row per keyword: FITS name, META path (the data model's vocabulary, also CRDS's), type, unit,
allowed values, the files that must carry it, and where the name comes from. Header writers, the
checks and the documentation are all generated from it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from functools import lru_cache
from importlib import resources

from astropy.table import Table

from iris_contract.instrument import load_instrument
from iris_contract.reftypes import load_reference_types

__all__ = ["Keyword", "find_problem", "load_keywords"]

_FORMATS = {
    "@date": (re.compile(r"\d{4}-\d{2}-\d{2}"), "YYYY-MM-DD"),
    "@time": (re.compile(r"\d{2}:\d{2}:\d{2}(\.\d+)?"), "hh:mm:ss.sss"),
    "@datetime": (re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(\.\d+)?"), "YYYY-MM-DDThh:mm:ss"),
}
_TYPES: dict[str, tuple[type, ...]] = {"str": (str,), "int": (int,), "float": (float, int), "bool": (bool,)}


@dataclass(frozen=True, slots=True)
class Keyword:
    """One row of the table; `allowed` is empty where any value of the type will do."""

    keyword: str
    path: str
    type: str
    unit: str
    allowed: tuple[str, ...]
    required: tuple[str, ...]
    source: str
    description: str


def _expand(allowed: str) -> tuple[str, ...]:
    lists = {
        "@filters": tuple(load_instrument().filters),
        "@gratings": tuple(load_instrument().gratings),
        "@reference_kinds": tuple(load_reference_types()),
    }
    return tuple(v for part in allowed.split("|") if part for v in lists.get(part, (part,)))


@lru_cache(maxsize=1)
def load_keywords() -> Mapping[str, Keyword]:
    """Return the table, by FITS keyword."""
    with resources.as_file(resources.files("iris_contract").joinpath("data/keywords.ecsv")) as path:
        table = Table.read(path, format="ascii.ecsv", fill_values=None)
    rows = (
        Keyword(
            str(row["keyword"]),
            str(row["path"]),
            str(row["type"]),
            str(row["unit"]),
            _expand(str(row["allowed"])),
            tuple(str(row["required"]).split()),
            str(row["source"]),
            str(row["description"]),
        )
        for row in table
    )
    return {row.keyword: row for row in rows}


def find_problem(keyword: Keyword, value: object) -> str | None:
    """Return what is wrong with `value` for this keyword in words, or None."""
    if isinstance(value, bool) != (keyword.type == "bool") or not isinstance(value, _TYPES[keyword.type]):
        return f"must be of type {keyword.type}"
    if not keyword.allowed:
        return None
    if any(_serves(allowed, str(value)) for allowed in keyword.allowed):
        return None
    return f"must be one of {', '.join(_FORMATS[a][1] if a in _FORMATS else a for a in keyword.allowed)}"


def _serves(allowed: str, text: str) -> bool:
    if allowed not in _FORMATS:
        return text == allowed
    return bool(_FORMATS[allowed][0].fullmatch(text)) and _is_moment(text)


def _is_moment(text: str) -> bool:
    """Tell whether the calendar and the clock have this date, time or both."""
    try:
        (time if text[2] == ":" else datetime).fromisoformat(text)
    except ValueError:
        return False
    return True
