"""What the pages say of families, algorithms and metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from typing import Any

import yaml

from iris_reports.wording import capitalize, humanize

__all__ = ["CALIBRATION_FAMILIES", "Anchor", "AnchorPlot", "Family", "describe_family", "load_anchors"]

CALIBRATION_FAMILIES: tuple[str, ...] = (
    "dark",
    "flat",
    "gain",
    "read_noise",
    "bad_pixel",
    "wavelength",
    "saturation_level",
    "traps",
)
"""Families of references in the order of their pages; the last two have no metrics of their own."""

_UNKNOWN = "An algorithm from outside this package: a plugin or a foreign pipeline. It brings no description."


@dataclass(frozen=True, slots=True)
class Family:
    """Title, one sentence, how it is judged, and a sentence per known algorithm.

    `unjudged` says of a setting or metric why figures are shown there that no specification judges; `note` is
    what to know before its verdicts are read.
    """

    title: str
    short: str
    judged: str
    algorithms: Mapping[str, str]
    unjudged: Mapping[str, str] = field(default_factory=dict)
    note: str = ""

    def describe(self, algorithm: str) -> str:
        """Return the sentence on `algorithm`; a plugin brings none and is named as such."""
        return self.algorithms.get(algorithm, _UNKNOWN)


@lru_cache(maxsize=1)
def _load() -> dict[str, Family]:
    text = resources.files("iris_reports").joinpath("data/families.yaml").read_text("utf-8")
    return {name: Family(**entry) for name, entry in yaml.safe_load(text).items()}


def describe_family(name: str) -> Family:
    """Return the texts on a family; one without an entry gets its name as title."""
    return _load().get(name) or Family(capitalize(humanize(name)), "", "", {})


@dataclass(frozen=True, slots=True)
class AnchorPlot:
    """A metric against its condition beside `published` points (x, y) of others, by their label."""

    metric: str
    title: str
    x: str
    y: str
    published: Mapping[str, list[tuple[float, float]]]


@dataclass(frozen=True, slots=True)
class Anchor:
    """What real detectors were measured to do, where that is written, and the metrics that it is compared by."""

    anchor: str
    figure: str
    source: str
    metrics: tuple[str, ...]
    plot: AnchorPlot | None = None


def load_anchors() -> list[Anchor]:
    """Return what real detectors were measured to do."""
    text = resources.files("iris_reports").joinpath("data/anchors.yaml").read_text("utf-8")
    return [_parse_anchor(**entry) for entry in yaml.safe_load(text)]


def _parse_anchor(anchor: str, figure: str, source: str, metrics: list[str], plot: Any = None) -> Anchor:
    return Anchor(anchor, figure, source, tuple(metrics), AnchorPlot(**plot) if plot else None)
