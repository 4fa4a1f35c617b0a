"""What the listing commands show of scenarios, specifications and reference types."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from iris_contract.reftypes import load_reference_types
from iris_harness.scenario import list_scenarios, load_scenario

__all__ = ["describe_metrics", "describe_references", "describe_scenarios"]


def describe_scenarios() -> list[dict[str, Any]]:
    """Return one row per scenario that ships with the testbed."""
    rows = []
    for name, path in list_scenarios().items():
        scenario = load_scenario(path)
        rows.append(
            {
                "name": name,
                "title": scenario.title,
                "detector": scenario.detector,
                "nights": scenario.nights,
                "families": list(scenario.families),
            }
        )
    return rows


def describe_references() -> list[dict[str, Any]]:
    """Return one row per reference type."""
    return [
        {
            "kind": kind,
            "title": entry.title,
            "calibration": entry.calibration,
            "source": list(entry.source),
            "match": list(entry.match),
            "time": entry.time,
            "serves": entry.serves,
            "status": entry.status,
        }
        for kind, entry in load_reference_types().items()
    ]


def describe_metrics(run: Path | None) -> list[dict[str, Any]]:
    """Return one row per specification: limits, provenance, expected margin and power.

    With `run`, one row per verdict there, with the margin and the nights as measured.
    """
    from iris_validators import load_specifications, plan_specification

    if run is not None:
        return _describe_measured(run)
    rows = []
    for spec in load_specifications().values():
        plan = plan_specification(spec)
        rows.append(
            {
                "specification": spec.id,
                "limits": str(spec.limits),
                "unit": spec.unit,
                "provenance": spec.provenance,
                "expected": spec.prediction.value,
                "margin": float(f"{plan.margin:.3g}"),
                "power_8_nights": round(plan.power, 4),
                "nights_for_99": plan.nights_needed,
            }
        )
    return rows


def _describe_measured(run: Path) -> list[dict[str, Any]]:
    from iris_contract.scorecard import read_scorecard
    from iris_validators import Limits

    rows = []
    for row in read_scorecard(run / "scores" / "scorecard.json").rows:
        limits = Limits(row.limit_low, row.limit_high)
        margin = None if row.value is None else float(f"{limits.margin(row.value):.3g}")
        half = None if row.low is None or row.high is None else float(f"{(row.high - row.low) / 2:.3g}")
        rows.append(
            {
                "specification": row.requirement,
                "algorithm": row.algorithm,
                "setting": row.setting,
                "condition": row.condition,
                "value": row.value if row.value is None else float(f"{row.value:.5g}"),
                "half_width": half,
                "limits": str(limits),
                "margin": margin,
                "verdict": row.verdict,
            }
        )
    return rows
