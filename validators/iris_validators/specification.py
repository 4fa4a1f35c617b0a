"""Specification: what a metric must reach, where, on whose word, and what a run is expected to show.

The table is `data/specifications.yaml`. A specification judges one metric with `limits`, closed
intervals of which one side may be open; `goals` are tighter and change no verdict. Provenance is
*requirement* (a document asks for it), *allocation* (derived from one) or *engineering* (this
project's choice); `document` says where it is written, how it was derived or why it was chosen. A `note` is what to
know before its verdicts are read, such as that no product can pass it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache
from importlib import resources
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from iris_contract.errors import InputError
from iris_contract.manifest import SETTINGS
from iris_validators.sampling import METRICS

__all__ = ["PROVENANCES", "Limits", "Prediction", "Specification", "load_specifications"]

PROVENANCES: tuple[str, ...] = ("requirement", "allocation", "engineering")


@dataclass(frozen=True, slots=True)
class Limits:
    """A range; None leaves a side open."""

    low: float | None = None
    high: float | None = None

    def holds(self, low: float, high: float) -> bool:
        """Whether the interval `low`..`high` lies inside."""
        return (self.low is None or low >= self.low) and (self.high is None or high <= self.high)

    def misses(self, low: float, high: float) -> bool:
        """Whether the interval lies wholly outside, on one side."""
        return (self.low is not None and high < self.low) or (self.high is not None and low > self.high)

    def margin(self, value: float) -> float:
        """Distance of `value` to the nearer limit, negative outside."""
        below = math.inf if self.low is None else value - self.low
        above = math.inf if self.high is None else self.high - value
        return min(below, above)

    def __str__(self) -> str:
        low, high = (None if side is None else f"{side:g}" for side in (self.low, self.high))
        if low is None or high is None:
            return "any value" if low is high else f">= {low}" if high is None else f"<= {high}"
        return f"{low} to {high}"


@dataclass(frozen=True, slots=True)
class Prediction:
    """What theory says a good algorithm shows in one night; derivations are in docs/validators.md.

    `value` of the metric; `scatter` is sigma of one night (of the logarithm for a ratio), or `events`
    is the number counted in one night, for a fraction.
    """

    value: float
    scatter: float | None = None
    events: int | None = None


@dataclass(frozen=True, slots=True)
class Specification:
    """What `metric` must reach; fields as explained in the module and at the head of the table.

    `settings`, `algorithms` and `conditions` are shell patterns that say where it applies; one that
    begins with "!" says where not.
    """

    id: str
    metric: str
    title: str
    unit: str
    limits: Limits
    goals: Limits | None
    settings: tuple[str, ...]
    algorithms: tuple[str, ...]
    conditions: tuple[str, ...]
    provenance: str
    document: str
    prediction: Prediction
    note: str = ""

    @property
    def family(self) -> str:
        """Family of algorithms that it judges."""
        return self.metric.partition(".")[0]

    def covers(self, setting: str, algorithm: str) -> bool:
        """Whether products of this setting and algorithm are judged by it."""
        return _fits(setting, self.settings) and _fits(algorithm, self.algorithms)

    def applies(self, setting: str, algorithm: str, condition: str) -> bool:
        """Whether a row of this setting, algorithm and condition is judged by it."""
        return self.covers(setting, algorithm) and _fits(condition, self.conditions)


def _fits(text: str, patterns: tuple[str, ...]) -> bool:
    barred = [pattern[1:] for pattern in patterns if pattern.startswith("!")]
    allowed = [pattern for pattern in patterns if not pattern.startswith("!")] or ["*"]
    return any(fnmatchcase(text, p) for p in allowed) and not any(fnmatchcase(text, p) for p in barred)


def load_specifications(path: str | Path | None = None) -> Mapping[str, Specification]:
    """Return the table by id: the project's own, which is read once, or the one at `path`.

    Raises InputError naming file, key and value.
    """
    if path is None:
        return _load_own()
    try:
        text = Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"not readable as YAML: {error}", file=path) from None
    return MappingProxyType(_parse_table(text, path))


@lru_cache(maxsize=1)
def _load_own() -> Mapping[str, Specification]:
    """Return the project's own table. Every sampling task asks for it, and reading so much YAML takes 0.13 s."""
    text = resources.files("iris_validators").joinpath("data/specifications.yaml").read_text("utf-8")
    return MappingProxyType(_parse_table(text, "specifications.yaml"))


def _parse_table(text: str, file: str | Path) -> dict[str, Specification]:
    try:
        tree = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise InputError(f"not readable as YAML: {error}", file=file) from None
    if not isinstance(tree, dict):
        raise InputError("must map specification ids to entries", file=file)
    return {str(name): _parse(str(name), entry, file) for name, entry in tree.items()}


_REQUIRED = {"title", "unit", "limits", "provenance", "document", "prediction"}
_OPTIONAL = {"metric", "goals", "settings", "algorithms", "conditions", "note"}


def _parse(name: str, entry: Any, file: str | Path) -> Specification:
    if not isinstance(entry, dict):
        raise InputError("must be a mapping", file=file, key=name, value=entry)
    for key in sorted(_REQUIRED - set(entry)) + sorted(set(entry) - _REQUIRED - _OPTIONAL):
        raise InputError("missing key" if key in _REQUIRED else "unknown key", file=file, key=f"{name}.{key}")
    if entry["provenance"] not in PROVENANCES:
        raise InputError(
            f"must be one of {', '.join(PROVENANCES)}", file=file, key=f"{name}.provenance", value=entry["provenance"]
        )
    metric = str(entry.get("metric", name))
    if metric not in METRICS:
        raise InputError("no such metric", file=file, key=f"{name}.metric", value=metric)
    try:
        return Specification(
            id=name,
            metric=metric,
            title=str(entry["title"]),
            unit=str(entry["unit"]),
            limits=_parse_limits(entry["limits"]),
            goals=_parse_limits(entry["goals"]) if "goals" in entry else None,
            settings=tuple(entry.get("settings", SETTINGS)),
            algorithms=tuple(entry.get("algorithms", ("*",))),
            conditions=tuple(entry.get("conditions", ("*",))),
            provenance=entry["provenance"],
            document=str(entry["document"]),
            prediction=Prediction(**entry["prediction"]),
            note=str(entry.get("note", "")),
        )
    except (TypeError, ValueError) as error:
        raise InputError(f"wrong value: {error}", file=file, key=name) from None


def _parse_limits(pair: Any) -> Limits:
    low, high = (None if side is None else float(side) for side in pair)
    if low is None and high is None:
        raise ValueError("limits need at least one side")
    if low is not None and high is not None and low > high:
        raise ValueError(f"limits {low} and {high} are in the wrong order")
    return Limits(low, high)
