"""The table of calibration reference types: the one source of CRDS specs, constraints and rules.

A reference measured on a sub-array states the region it covers (XSTART, YSTART, XSIZE, YSIZE) and
serves data inside it; a FULL one serves every region. `SUBARRAY` is therefore never a match key.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from types import MappingProxyType
from typing import Any

import yaml

__all__ = ["ONLY_WHERE", "HduSpec", "ReferenceType", "load_reference_types"]

ONLY_WHERE: Mapping[str, tuple[str, str]] = MappingProxyType({"LLMSKCOL": ("LLMSKST", "FINE_MASK_CALIBRATION")})
"""Match keys that say something only where another keyword has a value; elsewhere they are N/A and may be absent."""


@dataclass(frozen=True, slots=True)
class HduSpec:
    """One HDU: dtype name (or "table"), names of the numpy axes (or columns), unit."""

    name: str
    dtype: str
    axes: tuple[str, ...]
    unit: str = ""
    optional: bool = False


@dataclass(frozen=True, slots=True)
class ReferenceType:
    """One kind of reference; fields as explained at the head of `data/reference_types.yaml`."""

    kind: str
    title: str
    calibration: int
    source: tuple[str, ...]
    match: tuple[str, ...]
    time: str
    model: str
    serves: str
    status: str
    hdus: tuple[HduSpec, ...]

    def list_keys(self, header: Mapping[str, Any]) -> tuple[str, ...]:
        """Return the match keys that say something of a file with this header of FITS keywords."""
        stated = {key: header.get(other) == value for key, (other, value) in ONLY_WHERE.items()}
        return tuple(key for key in self.match if stated.get(key, True))


@lru_cache(maxsize=1)
def load_reference_types() -> Mapping[str, ReferenceType]:
    """Return the table, by kind."""
    text = resources.files("iris_contract").joinpath("data/reference_types.yaml").read_text("utf-8")
    table: dict[str, ReferenceType] = {}
    for kind, entry in yaml.safe_load(text).items():
        hdus = tuple(HduSpec(name, d, tuple(axes), unit) for name, (d, axes, unit) in entry.pop("hdus").items())
        source, match = tuple(entry.pop("source")), tuple(entry.pop("match"))
        table[kind] = ReferenceType(kind=kind, source=source, match=match, hdus=hdus, **entry)
    return table
