"""Pictures of one algorithm's products: maps beside truth, pull histograms, per-output plots."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby

import numpy as np

from iris_contract.dq import PIXEL_CLASSES, has
from iris_contract.fitsio import read_header
from iris_contract.frames import read_region
from iris_contract.instrument import load_instrument
from iris_contract.manifest import ManifestRow
from iris_reports.comparison import ClassComparison, Comparer, Comparison, choose_examples
from iris_reports.distributions import OutputFigures, draw_output_figures, draw_pulls, measure_outputs, measure_pulls
from iris_reports.maps import Map, draw_class_maps, draw_maps, residual_limit
from iris_reports.run_files import RunFiles
from iris_reports.site import Link, Plot, Site
from iris_reports.wording import format_number, format_unit, make_slug, word_setting

__all__ = ["Exhibit", "Gallery", "MapView"]


@dataclass(frozen=True, slots=True)
class MapView:
    """A map with the address of its picture and of its colour scale."""

    map: Map
    src: str
    ramp: str


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One product: its maps, its pull histogram, a table of figures, and its files."""

    anchor: str
    title: str
    maps: tuple[MapView, ...]
    pulls: Plot | None
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    files: tuple[tuple[str, Link], ...]
    references: tuple[tuple[str, str], ...]
    context: str


@dataclass(slots=True)
class Gallery:
    """Makes the exhibits of a run; keeps the limits that the algorithms of a family share."""

    site: Site
    run: RunFiles
    comparer: Comparer
    limits: dict[tuple[str, str, str], float] = field(default_factory=dict)

    def exhibits(self, family: str, algorithm: str, stem: str) -> list[Exhibit]:
        """Return the exhibits of an algorithm; `stem` begins the names of their files. Raises InputError."""
        exhibits = []
        for row in choose_examples(self.run.manifest, family, algorithm):
            name = f"{stem}-{make_slug(row.setting, row.exposure)}"
            comparison, classes = self.comparer.compare(row), self.comparer.compare_classes(row)
            if comparison:
                exhibits.append(_exhibit_values(self.site, comparison, self._share_limit(comparison), name))
            elif classes:
                exhibits.append(_exhibit_classes(self.site, classes, name))
        return exhibits

    def _share_limit(self, comparison: Comparison) -> float:
        """Residual limit over all algorithms of the family that reduced the same exposure."""
        key = _key(comparison.row)
        if key not in self.limits:
            rows = [row for row in self.run.manifest if _key(row) == key]
            names = sorted({row.algorithm for row in rows} - {comparison.row.algorithm})
            others = [row for name in names for row in choose_examples(rows, key[0], name)]
            found = [other for row in others if (other := self.comparer.compare(row))]
            self.limits[key] = residual_limit([comparison, *found])
        return self.limits[key]

    def outputs(self, family: str, algorithm: str, stem: str) -> Plot | None:
        """Return the plot of a reference per detector output, from every night; None where it has none."""
        rows = [row for row in self.run.manifest if (row.family, row.algorithm) == (family, algorithm)]
        return _plot_outputs(self.site, self.comparer, rows, stem)


def _key(row: ManifestRow) -> tuple[str, str, str]:
    return row.family, row.setting, row.exposure


def _title(row: ManifestRow) -> str:
    return f"{row.exposure.replace('_', ' ').capitalize()}, {word_setting(row.setting)}, night {row.night}"


def _view_maps(site: Site, name: str, maps: Sequence[Map]) -> tuple[MapView, ...]:
    views = []
    for m in maps:
        ramp = f"figures/scale-{make_slug(m.scale.colours)}.png" if m.scale else ""
        views.append(MapView(m, site.write_png(f"{name}-{m.name}", m.png), ramp))
    return tuple(views)


def _exhibit_values(site: Site, comparison: Comparison, limit: float, name: str) -> Exhibit:
    row, histogram = comparison.row, measure_pulls(comparison)
    pulls = None
    if histogram:
        caption = "Pulls of good pixels against the normal distribution that an honest error array gives"
        pulls = site.write_plot(f"{name}-pulls", draw_pulls(histogram), histogram.alt, caption, histogram.table())
    maps = _view_maps(site, name, draw_maps(comparison, limit))
    return _exhibit(site, row, name, maps, pulls, ("over good pixels", "mean", "standard deviation", "median"),
                    _summarize(comparison))  # fmt: skip


def _summarize(comparison: Comparison) -> tuple[tuple[str, ...], ...]:
    unit = format_unit(comparison.unit)
    lines = []
    for name, values, tail in (
        ("truth", comparison.truth, unit),
        ("product", comparison.product, unit),
        ("residual", comparison.residual, unit),
        ("pull", comparison.pull, ""),
    ):
        good = values[comparison.good]
        good = good[np.isfinite(good)]
        figures = (good.mean(), good.std(), np.median(good)) if good.size else (np.nan, np.nan, np.nan)
        lines.append((name, *(f"{format_number(float(x))} {tail}".rstrip() for x in figures)))
    return tuple(lines)


def _exhibit_classes(site: Site, classes: ClassComparison, name: str) -> Exhibit:
    maps = _view_maps(site, name, draw_class_maps(classes))
    head = ("class", "true pixels", "found", "missed", "found that are not")
    return _exhibit(site, classes.row, name, maps, None, head, tuple(_count(classes, c) for c in PIXEL_CLASSES))


def _count(classes: ClassComparison, name: str) -> tuple[str, ...]:
    true, found = has(classes.truth, name) & classes.light, has(classes.product, name) & classes.light
    numbers = (true.sum(), (true & found).sum(), (true & ~found).sum(), (~true & found).sum())
    return (name.replace("_", " ").lower(), *(str(int(n)) for n in numbers))


def _exhibit(
    site: Site,
    row: ManifestRow,
    name: str,
    maps: tuple[MapView, ...],
    pulls: Plot | None,
    head: tuple[str, ...],
    rows: tuple[tuple[str, ...], ...],
) -> Exhibit:
    files = [("product", site.link_into_run(row.product)), ("truth", site.link_into_run(row.truth))]
    files += [("raw", site.link_into_run(raw)) for raw in row.raw]
    references = tuple(sorted(row.references.items()))
    return Exhibit(name, _title(row), maps, pulls, head, rows, tuple(files), references, row.context)


def _plot_outputs(site: Site, comparer: Comparer, rows: Sequence[ManifestRow], stem: str) -> Plot | None:
    series = {}
    for setting, group in groupby(sorted(rows, key=_by_setting), key=lambda row: row.setting):
        figures = _measure_setting(comparer, list(group))
        if figures:
            series[setting] = figures
    if not series:
        return None
    head = ("setting", *next(iter(series.values())).table()[0])
    body = [(setting, *line) for setting, figures in series.items() for line in figures.table()[1]]
    alt = " ".join(f"{setting}: {figures.alt}" for setting, figures in series.items())
    caption = "Each detector output: mean over nights with its 95 % interval"
    return site.write_plot(f"{stem}-outputs", draw_output_figures(series), alt, caption, (head, body))


def _by_setting(row: ManifestRow) -> tuple[str, int, str]:
    return row.setting, row.night, row.product


def _measure_setting(comparer: Comparer, rows: Sequence[ManifestRow]) -> OutputFigures | None:
    nights = [found for row in rows if (found := comparer.compare(row))]
    if not nights:
        return None
    header = read_header(rows[0].path(comparer.run))
    return measure_outputs(nights, read_region(header), load_instrument().detector(str(header.get("DETECTOR"))))
