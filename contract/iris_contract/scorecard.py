"""scores/scorecard.json: the flat table of verdicts that everything downstream renders.

Non-finite numbers are the strings NaN, Infinity and -Infinity, so the file is plain JSON. A field
that does not apply is null.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from iris_contract.atomic import write_json
from iris_contract.errors import InputError

__all__ = [
    "FAMILIES",
    "SCORECARD_SCHEMA",
    "VERDICTS",
    "ScoreRow",
    "Scorecard",
    "read_scorecard",
    "write_scorecard",
]

SCORECARD_SCHEMA = "iris-testbed/scorecard/1"
VERDICTS: tuple[str, ...] = ("PASS", "FAIL", "INCONCLUSIVE", "NOT_MEASURED", "NOT_APPLICABLE", "ERROR")
FAMILIES: tuple[str, ...] = (
    "ramp",
    "jump",
    "snowball",
    "reference_pixel",
    "linearity",
    "saturation",
    "gain",
    "read_noise",
    "persistence",
    "ipc",
    "dark",
    "flat",
    "bad_pixel",
    "image",
    "wavelength",
    "wavelength_map",
    "rectification",
    "extract",
    "distortion",
    "psf",
    "sky",
    "telluric",
    "flux",
    "dispersion",
    "metadata",
    "simulator",
)
_WORDS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """One measured (or unmeasured) figure and its verdict against one specification.

    `value` with the interval `low`..`high` of confidence `level` in `unit`; `method` says how the interval was
    made; limits and goals are those of the specification, one-sided where one of them is null.
    `artifacts` are paths inside the run; `reproduce` is a command line, to be given in the run directory.
    """

    metric: str
    family: str
    algorithm: str
    setting: str
    condition: str
    mode: str
    detector: str
    scenario: str
    nights: int
    n_excluded: int
    value: float | None
    unit: str
    low: float | None
    high: float | None
    method: str
    limit_low: float | None
    limit_high: float | None
    goal_low: float | None
    goal_high: float | None
    goal_met: bool | None
    verdict: str
    reason: str
    provenance: str
    requirement: str
    context: str
    seeds: str
    artifacts: tuple[str, ...]
    reproduce: str
    level: float = 0.95

    def __post_init__(self) -> None:
        if self.verdict not in VERDICTS:
            raise InputError(f"must be one of {', '.join(VERDICTS)}", key="verdict", value=self.verdict)
        if self.family not in FAMILIES:
            raise InputError(f"must be one of {', '.join(FAMILIES)}", key="family", value=self.family)


@dataclass(frozen=True, slots=True)
class Scorecard:
    """All rows of one run; `run` holds scenario, seed, nights and version."""

    run: dict[str, Any]
    rows: tuple[ScoreRow, ...]


def _encode(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    return list(value) if isinstance(value, tuple) else value


def _decode(kind: str, value: Any) -> Any:
    if kind.startswith("tuple") and isinstance(value, list):
        return tuple(value)
    return _WORDS.get(value, value) if kind.startswith("float") and isinstance(value, str) else value


_CHECKS: dict[str, Callable[[Any], bool]] = {
    "str": lambda v: isinstance(v, str),
    "int": lambda v: isinstance(v, int) and not isinstance(v, bool),
    "float": lambda v: isinstance(v, (int, float)) and not isinstance(v, bool),
    "bool": lambda v: isinstance(v, bool),
    "None": lambda v: v is None,
    "tuple[str, ...]": lambda v: isinstance(v, tuple) and all(isinstance(part, str) for part in v),
}


def _parse_row(entry: Any, number: int, path: str | Path) -> ScoreRow:
    kinds = {f.name: str(f.type) for f in fields(ScoreRow)}
    if not isinstance(entry, dict):
        raise InputError("must be an object", file=path, key=f"row {number}", value=entry)
    for name in sorted(set(entry) ^ set(kinds)):
        raise InputError(f"row {number}: missing or unknown field", file=path, key=name, value=entry.get(name))
    values = {name: _decode(kinds[name], value) for name, value in entry.items()}
    for name, value in values.items():
        if not any(_CHECKS[kind](value) for kind in kinds[name].split(" | ")):
            raise InputError(f"row {number}: must be of type {kinds[name]}", file=path, key=name, value=value)
    try:
        return ScoreRow(**values)
    except InputError as error:
        raise InputError(f"row {number}: {error.problem}", file=path, key=error.key, value=error.value) from None


def write_scorecard(path: str | Path, scorecard: Scorecard) -> None:
    """Write the scorecard atomically, rows in the order given."""
    rows = [{f.name: _encode(getattr(row, f.name)) for f in fields(ScoreRow)} for row in scorecard.rows]
    write_json(path, {"schema": SCORECARD_SCHEMA, "run": scorecard.run, "rows": rows})


def read_scorecard(path: str | Path) -> Scorecard:
    """Read a scorecard; raise InputError where it is missing, broken or of another schema."""
    try:
        content = json.loads(Path(path).read_text("utf-8"))
    except FileNotFoundError:
        raise InputError("no such file", file=path) from None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"not readable as a scorecard: {error}", file=path) from None
    found = content.get("schema") if isinstance(content, dict) else content
    if not isinstance(content, dict) or found != SCORECARD_SCHEMA:
        raise InputError(f"expected {SCORECARD_SCHEMA}", file=path, key="schema", value=found)
    for key, kind in (("run", dict), ("rows", list)):
        if not isinstance(content.get(key), kind):
            raise InputError(f"must be of type {kind.__name__}", file=path, key=key, value=content.get(key))
    rows = tuple(_parse_row(entry, number, path) for number, entry in enumerate(content["rows"], 1))
    return Scorecard(content["run"], rows)
