"""The directory of static files: pages from templates, figures, tables, style and script.

Everything is written below one root under names made of letters, digits and hyphens. Templates
escape what they print; nothing is fetched from anywhere.
"""

from __future__ import annotations

import csv
import io
import math
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jinja2

from iris_reports.wording import (
    VERDICT_MEANINGS,
    capitalize,
    format_number,
    format_unit,
    humanize,
    pluralize,
    print_powers,
)

__all__ = ["Link", "NavGroup", "Plot", "Site"]


@dataclass(frozen=True, slots=True)
class Link:
    """A page or file of the report: its address relative to the pages, and its text."""

    href: str
    text: str


@dataclass(frozen=True, slots=True)
class NavGroup:
    """A titled list of pages in the navigation."""

    title: str
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Plot:
    """A picture with everything that comes with it: alternative text, caption, numbers, CSV file."""

    src: str
    alt: str
    caption: str
    csv: str
    head: tuple[str, ...]
    rows: list[tuple[object, ...]]
    width: int = 0
    height: int = 0


def _print_cell(value: object) -> str:
    if value is None:
        return ""
    return format_number(value) if isinstance(value, float) else str(value)


def _plain(value: object) -> object:
    """A number for CSV as Python writes it; not a number and infinity as words."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    return "" if value is None else value


@dataclass(slots=True)
class Site:
    """A report being written below `root`; its links go by `way_back` into the run directory `run`."""

    root: Path
    run: Path
    nav: tuple[NavGroup, ...] = ()
    title: str = ""
    way_back: str = ".."
    environment: jinja2.Environment = field(init=False)

    def __post_init__(self) -> None:
        self.environment = jinja2.Environment(
            loader=jinja2.PackageLoader("iris_reports", "templates"),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.environment.filters.update(
            humanize=humanize,
            capitalize=capitalize,
            number=format_number,
            unit=format_unit,
            cell=_print_cell,
            plural=pluralize,
            powers=print_powers,
        )
        self.environment.globals.update(meanings=VERDICT_MEANINGS)
        for folder in ("figures", "data", "assets"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)

    def copy_assets(self) -> None:
        """Copy style sheet and script."""
        for asset in ("report.css", "report.js", "icon.svg"):
            with resources.as_file(resources.files("iris_reports").joinpath(f"assets/{asset}")) as source:
                shutil.copyfile(source, self.root / "assets" / asset)

    def write_page(self, name: str, template: str, **context: Any) -> None:
        """Write the page `name` from a template."""
        page = self.environment.get_template(template)
        text = page.render(page_name=name, nav=self.nav, site_title=self.title, **context)
        (self.root / name).write_text(text, encoding="utf-8", newline="\n")

    def write_csv(self, name: str, head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
        """Write a table under data/ and return its address."""
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(head)
        writer.writerows([[_plain(value) for value in row] for row in rows])
        (self.root / "data" / f"{name}.csv").write_text(stream.getvalue(), encoding="utf-8", newline="\n")
        return f"data/{name}.csv"

    def write_plot(
        self, name: str, svg: str, alt: str, caption: str, table: tuple[tuple[str, ...], list[tuple[object, ...]]]
    ) -> Plot:
        """Write an SVG under figures/ with its numbers under data/."""
        (self.root / "figures" / f"{name}.svg").write_text(svg, encoding="utf-8", newline="\n")
        head, rows = table
        return Plot(f"figures/{name}.svg", alt, caption, self.write_csv(name, head, rows), head, rows, *_size(svg))

    def write_png(self, name: str, png: bytes) -> str:
        """Write a picture under figures/ and return its address."""
        (self.root / "figures" / f"{name}.png").write_bytes(png)
        return f"figures/{name}.png"

    def link_into_run(self, relative: str) -> Link:
        """Return a link to a file of the run; without an address where it is absent or lies outside."""
        path = (self.run / relative).resolve() if "\0" not in relative else self.run.parent
        inside = path.is_relative_to(self.run) and path.exists() and not Path(relative).is_absolute()
        return Link(f"{self.way_back}/{quote(Path(relative).as_posix())}" if inside else "", relative)


def _size(svg: str) -> tuple[int, int]:
    """Width and height in CSS pixels, from the viewBox."""
    width, height = svg.partition('viewBox="')[2].partition('"')[0].split()[2:4]
    return round(float(width)), round(float(height))
