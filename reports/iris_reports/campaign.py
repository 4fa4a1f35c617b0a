"""The page of a campaign: how much each change moves each figure, on identical draws.

One table per metric: a row for each algorithm, setting, detector and condition, a column for each variant with
the paired difference to the first one. A difference whose interval holds zero is not bold.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from iris_contract.errors import InputError
from iris_reports.detectors import name_place, tell_apart
from iris_reports.site import Link, NavGroup, Site
from iris_reports.wording import format_number

__all__ = ["render_campaign"]

CAMPAIGN_SCHEMA = "iris-testbed/campaign-result/1"
Row = Mapping[str, Any]
Place = tuple[str, str, str, str, str]


def render_campaign(folder: Path) -> Path:
    """Write report/index.html of the campaign in `folder`; raise InputError for a broken campaign.json."""
    path = folder / "campaign.json"
    try:
        content = json.loads(path.read_text("utf-8"))
        schema, title, variants = content["schema"], content["title"], content["variants"]
        first = {_place(row): row for row in variants[0]["rows"]}
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise InputError(f"cannot be read as the result of a campaign: {error}", file=path) from None
    if schema != CAMPAIGN_SCHEMA:
        raise InputError(f"must be {CAMPAIGN_SCHEMA}", file=path, key="schema", value=schema)
    site = Site(folder / "report", folder, (NavGroup("Campaign", (Link("index.html", "Differences"),)),), title)
    site.copy_assets()
    tables = [_make_table(metric, variants, first) for metric in dict.fromkeys(place[0] for place in first)]
    head = ("variant", *variants[0]["rows"][0]) if first else ("variant",)
    site.write_csv("differences", head, _list_all(variants))
    site.write_page(
        "index.html",
        "campaign.html.j2",
        page_title=title,
        variants=[
            {"name": v["name"], "change": _describe(v["change"]), "link": f"../{v['run']}/scores/scorecard.json"}
            for v in variants
        ],
        tables=tables,
    )
    return folder / "report" / "index.html"


def _place(row: Row) -> Place:
    return row["metric"], row["algorithm"], row["setting"], row.get("detector", ""), row["condition"]


def _make_table(metric: str, variants: list[Row], first: Mapping[Place, Row]) -> dict[str, Any]:
    """Return head and lines of one metric; a cell is a number with its half-width, and whether zero is excluded."""
    several = tell_apart(detector for *_, detector, _ in first)
    by_variant = [{_place(row): row for row in variant["rows"]} for variant in variants[1:]]
    lines = [
        {
            "place": (place[1], name_place(place[2], place[3] if several else ""), place[4]),
            "value": format_number(row["before"]),
            "cells": [_make_cell(c.get(place)) for c in by_variant],
        }
        for place, row in first.items()
        if place[0] == metric
    ]
    unit = next(row["unit"] for place, row in first.items() if place[0] == metric)
    return {"metric": metric, "unit": unit, "names": [v["name"] for v in variants[1:]], "lines": lines}


def _make_cell(row: Row | None) -> dict[str, Any]:
    if row is None:
        return {"text": "not measured", "certain": False}
    low, high, change = row["low"], row["high"], row["change"]
    if low is None or high is None:
        return {"text": f"{change:+.2g}", "certain": False}
    return {"text": f"{change:+.2g} ± {(high - low) / 2:.1g}", "certain": not low <= 0 <= high}


def _describe(change: Row) -> str:
    parts = [f"without {', '.join(change['without'])}"] if change.get("without") else []
    parts += [f"{key} = {value}" for key, value in change.get("set", {}).items()]
    return "; ".join(parts) or "as the scenario says"


def _list_all(variants: list[Row]) -> list[tuple[object, ...]]:
    return [(variant["name"], *row.values()) for variant in variants for row in variant["rows"]]
