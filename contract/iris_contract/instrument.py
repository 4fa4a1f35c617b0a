"""The as-designed instrument, read from package data in which every number has unit and source.

`load_instrument()` gives plain frozen dataclasses; `load_facts()` gives the same numbers with
their provenance, for the documentation and the reports. Nothing here is an as-built value.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import lru_cache
from importlib import resources
from typing import Any

import yaml
from astropy.table import Table

from iris_contract.errors import InputError

__all__ = [
    "CLOCKS",
    "DETECTORS",
    "Detector",
    "Fact",
    "Filter",
    "Grating",
    "Instrument",
    "load_facts",
    "load_instrument",
]

DETECTORS: tuple[str, ...] = ("IMG1", "IMG2", "IMG3", "IMG4", "IFU")
CLOCKS: tuple[str, ...] = ("FAST", "SLOW")


@dataclass(frozen=True, slots=True)
class Fact:
    """One number of the design: dotted `name`, `value`, `unit`, `tag` (R W D M C) and `source`."""

    name: str
    value: Any
    unit: str
    tag: str
    source: str


@dataclass(frozen=True, slots=True)
class Detector:
    """One as-designed detector; nominal values that the real one departs from.

    Units: pitch um, well and noise e-, dark e-/s, gain e-/DN, levels DN, clocks Hz,
    cosmic ray rate hits cm-2 min-1. `frame_overhead` multiplies the pure pixel time.
    """

    name: str
    type: str
    size: int
    outputs: int
    reference_border: int
    pixel_pitch: float
    well_depth: float
    dark_current: float
    read_noise: float
    gain: float
    bias_level: float
    ktc_noise: float
    saturation_level: float
    converter_bits: int
    cosmic_ray_rate: float
    hot_limit: float
    warm_limit: float
    low_response_limit: float
    dead_response_limit: float
    clocks: dict[str, float]
    frame_overhead: dict[str, float]
    quadrant: tuple[int, int]

    @property
    def output_width(self) -> int:
        """Columns that one output reads."""
        return self.size // self.outputs

    @property
    def full_scale(self) -> int:
        """Largest number the converter can give, in DN."""
        return int(2**self.converter_bits - 1)


@dataclass(frozen=True, slots=True)
class Filter:
    """A passband: cut-on and cut-off in um; Vega zero point ph/s/m2; sky ph/s/m2/arcsec2."""

    name: str
    kind: str
    cut_on: float
    cut_off: float
    vega_zero_point: float
    sky: float
    thermal: float


@dataclass(frozen=True, slots=True)
class Grating:
    """A grating: nominal resolution, band, tilt in deg, line density per mm."""

    name: str
    resolution: int
    band: str
    tilt: float
    line_density: float


@dataclass(frozen=True, slots=True)
class Instrument:
    """IRIS as designed."""

    detectors: dict[str, Detector]
    filters: dict[str, Filter]
    gratings: dict[str, Grating]
    values: dict[str, Any]

    def detector(self, name: str) -> Detector:
        """Return the detector called `name`; raise InputError with the choices if there is none."""
        try:
            return self.detectors[name]
        except KeyError:
            choices = ", ".join(self.detectors)
            raise InputError(f"no such detector; choose {choices}", key="DETECTOR", value=name) from None

    def filter(self, name: str) -> Filter:
        """Return the filter called `name`; raise InputError if there is none."""
        try:
            return self.filters[name]
        except KeyError:
            choices = ", ".join(self.filters)
            raise InputError(f"no such filter; choose {choices}", key="FILTER", value=name) from None


def _read_yaml() -> dict[str, Any]:
    text = resources.files("iris_contract").joinpath("data/instrument.yaml").read_text("utf-8")
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


def _read_table(name: str) -> list[dict[str, Any]]:
    with resources.as_file(resources.files("iris_contract").joinpath(f"data/{name}")) as path:
        table = Table.read(path, format="ascii.ecsv")
    columns = {column: table[column].tolist() for column in table.colnames}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _collect_facts(tree: dict[str, Any], prefix: str) -> list[Fact]:
    facts: list[Fact] = []
    for key, entry in tree.items():
        name = f"{prefix}{key}"
        if "value" in entry:
            facts.append(Fact(name, entry["value"], entry["unit"], entry["tag"], entry["source"]))
        elif "quadrant" in entry:
            facts.append(Fact(f"{name}.quadrant", entry["quadrant"], "", entry["tag"], entry["source"]))
        else:
            facts.extend(_collect_facts(entry, f"{name}."))
    return facts


@lru_cache(maxsize=1)
def load_facts() -> tuple[Fact, ...]:
    """Return every number of the design with unit, tag and source."""
    return tuple(_collect_facts(_read_yaml(), ""))


def _build_detector(name: str, tree: dict[str, Any]) -> Detector:
    plane = tree["focal_planes"][name]
    common = {key: entry["value"] for key, entry in tree["detector"].items()}
    own = {key: entry["value"] for key, entry in tree["detectors"][plane["type"]].items()}
    own_names = {field.name for field in fields(Detector)}
    return Detector(
        name=name,
        type=plane["type"],
        size=common["format"],
        clocks={"FAST": common["clock_fast"], "SLOW": common["clock_slow"]},
        frame_overhead={"FAST": common["overhead_fast"], "SLOW": common["overhead_slow"]},
        quadrant=tuple(plane["quadrant"]),
        **own,
        **{key: value for key, value in common.items() if key in own_names},
    )


@lru_cache(maxsize=1)
def load_instrument() -> Instrument:
    """Return the as-designed instrument."""
    tree = _read_yaml()
    filters = [Filter(**row) for row in _read_table("filters.ecsv")]
    gratings = [Grating(**row) for row in _read_table("gratings.ecsv")]
    return Instrument(
        detectors={name: _build_detector(name, tree) for name in DETECTORS},
        filters={f.name: f for f in filters},
        gratings={g.name: g for g in gratings},
        values={fact.name: fact.value for fact in load_facts()},
    )
