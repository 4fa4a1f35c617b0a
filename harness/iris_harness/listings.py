"""What the listing commands show of scenarios, algorithms, specifications and reference types."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from iris_contract.reftypes import load_reference_types
from iris_harness.algorithms import JUDGE_FITTERS, list_algorithms
from iris_harness.scenario import list_scenarios, load_scenario

__all__ = [
    "abridge_metrics",
    "abridge_scenarios",
    "abridge_specifications",
    "describe_algorithms",
    "describe_metrics",
    "describe_references",
    "describe_scenarios",
]

SYMMETRIC = 0.1  # of the half-width: arms of an interval that differ by more are told each


def describe_scenarios() -> list[dict[str, Any]]:
    """Return one row per scenario that ships with the testbed."""
    rows = []
    for name, path in list_scenarios().items():
        scenario = load_scenario(path)
        rows.append(
            {
                "name": name,
                "title": scenario.title,
                "detector": ", ".join(scenario.detectors),
                "nights": scenario.nights,
                "families": list(scenario.families),
                "file": str(path),
            }
        )
    return rows


def abridge_scenarios(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what tells scenarios apart, in as few columns as a terminal has room for."""
    return [{key: row[key] for key in ("name", "title", "detector", "nights")} for row in rows]


def describe_algorithms() -> list[dict[str, str]]:
    """Return one row per family and algorithm that a scenario can name; some families judge the ramp fitters."""
    rows = list_algorithms()
    fitters = [row for row in rows if row["family"] == "ramp"]
    return rows + [row | {"family": family} for family in JUDGE_FITTERS for row in fitters]


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

    With `run`, one row per verdict there, with margin, power and nights as measured.
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
                "family": spec.family,
                "limit_low": spec.limits.low,
                "limit_high": spec.limits.high,
                "unit": spec.unit,
                "provenance": spec.provenance,
                "expected": spec.prediction.value,
                "margin": _round(plan.margin, 3),
                "power_8_nights": round(plan.power, 4),
                "nights_for_99": plan.nights_needed,
            }
        )
    return rows


def _describe_measured(run: Path) -> list[dict[str, Any]]:
    from iris_contract.scorecard import read_scorecard
    from iris_validators import Limits, group_samples, load_specifications, plan_measured, read_samples

    specifications = load_specifications()
    scores = run / "scores"
    scored = read_scorecard(scores / "scorecard.json").rows
    nights = max((row.nights + row.n_excluded for row in scored), default=0)
    samples = group_samples(read_samples(scores / "samples.parquet"))
    rows = []
    for row in scored:
        found = samples.get((row.family, row.metric, row.setting, row.algorithm, row.condition, row.detector), [])
        spec = specifications.get(row.requirement)
        plan = plan_measured(spec, found, nights) if spec else None
        margin = None if row.value is None else Limits(row.limit_low, row.limit_high).margin(row.value)
        rows.append(
            {
                "specification": row.requirement,
                "family": row.family,
                "algorithm": row.algorithm,
                "setting": row.setting,
                "detector": row.detector,
                "condition": row.condition,
                "value": _round(row.value, 5),
                "low": _round(row.low, 5),
                "high": _round(row.high, 5),
                "limit_low": row.limit_low,
                "limit_high": row.limit_high,
                "margin": _round(margin, 3),
                "power": plan and round(plan.power, 4),
                "nights_for_99": plan and plan.nights_needed,
                "verdict": row.verdict,
            }
        )
    return rows


def abridge_specifications(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return specifications in as few columns as a terminal has room for; their names begin with the family."""
    return [
        {
            "specification": row["specification"],
            "limits": _print_limits(row["limit_low"], row["limit_high"]) + f" {row['unit']}" * (row["unit"] != "1"),
            **{key: row[key] for key in ("provenance", "expected", "margin", "power_8_nights", "nights_for_99")},
        }
        for row in rows
    ]


def abridge_metrics(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what was measured in as few columns as a terminal has room for; the verdict first.

    The detector is told where there are several.
    """
    several = ("detector",) if len({row["detector"] for row in rows}) > 1 else ()
    return [
        {
            **{key: row[key] for key in ("verdict", "specification", "algorithm", "setting", *several, "condition")},
            "value": _print_value(row["value"], row["low"], row["high"]),
            "limits": _print_limits(row["limit_low"], row["limit_high"]),
            "margin": row["margin"],
            "nights_for_99": row["nights_for_99"],
        }
        for row in rows
    ]


def _print_value(value: float | str | None, low: float | str | None, high: float | str | None) -> str:
    """Value and how far its interval reaches up and down, the value to the last digit that the interval leaves."""
    if not isinstance(value, float) or not isinstance(low, float) or not isinstance(high, float):
        return "" if value is None else f"{value:.4g}" if isinstance(value, float) else value
    up, down = high - value, value - low
    half = (high - low) / 2
    digits = 1 + math.floor(math.log10(abs(value) / half)) if value and half else 2
    shown = f"{value:.{min(max(digits + 1, 2), 5)}g}"
    return f"{shown} ± {half:.2g}" if abs(up - down) <= SYMMETRIC * half else f"{shown} +{up:.2g} -{down:.2g}"


def _print_limits(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return f"from {low:g}" if low is not None else f"to {high:g}" if high is not None else ""
    return f"±{high:g}" if low == -high else f"{low:g} to {high:g}"


def _round(value: float | None, digits: int) -> float | str | None:
    """Return a number to so many significant digits; words for what JSON has no numbers for."""
    if value is None:
        return None
    return float(f"{value:.{digits}g}") if math.isfinite(value) else str(value)
