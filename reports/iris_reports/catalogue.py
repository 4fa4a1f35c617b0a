"""What the pages say of families, algorithms and metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources

import yaml

from iris_reports.wording import capitalize, humanize

__all__ = ["CALIBRATION_FAMILIES", "Family", "describe_family", "load_anchors"]

CALIBRATION_FAMILIES: tuple[str, ...] = ("dark", "flat", "gain", "read_noise", "bad_pixel")

_UNKNOWN = "An algorithm from outside this package: a plugin or a foreign pipeline. It brings no description."


@dataclass(frozen=True, slots=True)
class Family:
    """Title, one sentence, how it is judged, and a sentence per known algorithm.

    `unjudged` says of a setting or metric why figures are shown there that no specification judges.
    """

    title: str
    short: str
    judged: str
    algorithms: Mapping[str, str]
    unjudged: Mapping[str, str] = field(default_factory=dict)

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


def load_anchors() -> list[tuple[str, str, str]]:
    """Return anchor, figure and source of what real detectors were measured to do."""
    text = resources.files("iris_reports").joinpath("data/anchors.yaml").read_text("utf-8")
    return [(entry["anchor"], entry["figure"], entry["source"]) for entry in yaml.safe_load(text)]
