"""What the pages say of specifications: the installed table, and over it what the scorecard brings along.

A scorecard may have been judged by another table than the installed one (an older version, a user's
own); its `run.specifications` then holds the words that belong to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from iris_contract.scorecard import ScoreRow
from iris_reports.wording import describe_range, format_number, format_unit
from iris_validators.sampling import METRICS
from iris_validators.specification import Specification, load_specifications

__all__ = ["SpecificationText", "identify", "read_outside", "read_specifications"]


@dataclass(frozen=True, slots=True)
class SpecificationText:
    """A specification in words; several may judge one `metric`. `predicted` is what theory says of a good algorithm."""

    id: str
    metric: str
    title: str
    limits: str
    provenance: str
    document: str
    note: str = ""
    predicted: str = ""


def read_specifications(run: Mapping[str, Any]) -> dict[str, SpecificationText]:
    """Return the specifications by id; `run` is the scorecard's."""
    table = {
        name: SpecificationText(
            name,
            spec.metric,
            spec.title,
            describe_range(spec.limits.low, spec.limits.high, spec.unit),
            spec.provenance,
            spec.document,
            spec.note,
            _describe_prediction(spec),
        )
        for name, spec in load_specifications().items()
    }
    brought = run.get("specifications")
    for name, entry in brought.items() if isinstance(brought, dict) else ():
        if isinstance(entry, dict):
            words = [str(entry.get(key, "")) for key in ("title", "limits", "provenance", "document", "note")]
            known = table.get(str(name))
            if known is None or known.title != words[0]:
                table[str(name)] = SpecificationText(str(name), str(entry.get("metric", name)), *words)
    return table


def _describe_prediction(spec: Specification) -> str:
    """Return what one night of a good algorithm shows, in words: `0.024 ± 0.0024 pixels`."""
    found, unit = spec.prediction, format_unit(spec.unit)
    if found.events is not None:
        return f"{format_number(found.value)}, of {found.events} in a night"
    if METRICS[spec.metric].kind == "ratio":
        scatter = f" ± {format_number(100 * (found.scatter or 0))} %" if found.scatter else ""
        return f"{format_number(found.value)}{f' {unit}' if unit else ''}{scatter}"
    scatter = f" ± {format_number(found.scatter)}" if found.scatter else ""
    return f"{format_number(found.value)}{scatter} {unit}".rstrip()


def identify(row: ScoreRow, table: Mapping[str, SpecificationText]) -> str:
    """Return the id of the specification that judged `row`: its `requirement`, or its metric where that is none."""
    return row.requirement if row.requirement in table else row.metric


def read_outside(run: Mapping[str, Any], asked: set[str], table: Mapping[str, SpecificationText]) -> list[str]:
    """Return the ids that the scorecard names as outside its scenario, or all that it did not ask for."""
    named = run.get("outside")
    if isinstance(named, list):
        return sorted({str(name) for name in named} & set(table))
    return sorted(set(table) - asked)
