"""What the pages say of specifications: the installed table, and over it what the scorecard brings along.

A scorecard may have been judged by another table than the installed one (an older version, a user's
own); its `run.specifications` then holds the words that belong to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from iris_contract.scorecard import ScoreRow
from iris_reports.wording import describe_range
from iris_validators.specification import load_specifications

__all__ = ["SpecificationText", "identify", "read_outside", "read_specifications"]


@dataclass(frozen=True, slots=True)
class SpecificationText:
    """A specification in words; several may judge one `metric`."""

    id: str
    metric: str
    title: str
    limits: str
    provenance: str
    document: str


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
        )
        for name, spec in load_specifications().items()
    }
    brought = run.get("specifications")
    for name, entry in brought.items() if isinstance(brought, dict) else ():
        if isinstance(entry, dict):
            words = [str(entry.get(key, "")) for key in ("title", "limits", "provenance", "document")]
            known = table.get(str(name))
            if known is None or known.title != words[0]:
                table[str(name)] = SpecificationText(str(name), str(entry.get("metric", name)), *words)
    return table


def identify(row: ScoreRow, table: Mapping[str, SpecificationText]) -> str:
    """Return the id of the specification that judged `row`: its `requirement`, or its metric where that is none."""
    return row.requirement if row.requirement in table else row.metric


def read_outside(run: Mapping[str, Any], asked: set[str], table: Mapping[str, SpecificationText]) -> list[str]:
    """Return the ids that the scorecard names as outside its scenario, or all that it did not ask for."""
    named = run.get("outside")
    if isinstance(named, list):
        return sorted({str(name) for name in named} & set(table))
    return sorted(set(table) - asked)
