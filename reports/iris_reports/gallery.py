"""Pictures of one algorithm's products: maps beside truth, pull histograms, per-output plots."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby

import numpy as np
import numpy.typing as npt

from iris_contract.dq import PIXEL_CLASSES, has
from iris_contract.errors import InputError
from iris_contract.fitsio import read_header
from iris_contract.frames import read_region
from iris_contract.instrument import load_instrument
from iris_contract.manifest import ManifestRow
from iris_reports.arc_lines import CAPTION, describe_lines, draw_lines, gather_lines, tabulate_lines
from iris_reports.comparison import ClassComparison, Comparer, Comparison, choose_examples
from iris_reports.detectors import name_place, tell_apart, word_place
from iris_reports.distributions import OutputFigures, draw_output_figures, draw_pulls, measure_outputs, measure_pulls
from iris_reports.line_fits import caption_fit, describe_fit, draw_fit, pick_spectrum, read_light, tabulate_fit
from iris_reports.maps import Map, draw_class_maps, draw_light, draw_maps, residual_limit
from iris_reports.run_files import RunFiles
from iris_reports.site import Link, Plot, Site
from iris_reports.solutions import (
    LEGEND,
    SolutionComparison,
    compare_solution,
    describe_ends,
    describe_region,
    draw_solution_maps,
    list_histograms,
    solution_limit,
    summarize_solution,
)
from iris_reports.wording import format_number, format_unit, make_slug

__all__ = ["Exhibit", "Gallery", "MapView"]

PIXELS = (
    "One map pixel is one detector pixel (or a block of a large frame); the first column and row are at the lower "
    "left, and count from 0. Truth and product share their limits, residuals share theirs between the algorithms of "
    "this family. Grey is not a number."
)
LIGHT = (
    "Truth, mean of the exposures with lines; each dot is a line, each row of dots the spectrum of a lenslet. Judged "
    "spectra of the map of residuals should lie on dots."
)


@dataclass(frozen=True, slots=True)
class MapView:
    """A map with the address of its picture and of its colour scale."""

    map: Map
    src: str
    ramp: str


@dataclass(frozen=True, slots=True)
class Exhibit:
    """One product: its maps and what they show, its pull histogram, a table of figures, its files; `more` plots.

    `extent` says which part of the detector or of the field is shown.
    """

    anchor: str
    title: str
    maps: tuple[MapView, ...]
    pulls: Plot | None
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    files: tuple[tuple[str, Link], ...]
    references: tuple[tuple[str, str], ...]
    context: str
    legend: str = PIXELS
    more: tuple[Plot, ...] = ()
    extent: str = ""


@dataclass(slots=True)
class Gallery:
    """Makes the exhibits of a run, all algorithms of a family at once: they share the limits of their residuals.

    `stems` begins the names of an algorithm's files. What cannot be compared is listed in `absent`, in words.
    """

    site: Site
    run: RunFiles
    comparer: Comparer
    stems: Mapping[tuple[str, str], str]
    absent: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    made: dict[str, dict[str, list[Exhibit]]] = field(default_factory=dict)

    def exhibits(self, family: str, algorithm: str) -> list[Exhibit]:
        """Return the exhibits of an algorithm."""
        if family not in self.made:
            self.made[family] = self._make(family)
        return self.made[family].get(algorithm, [])

    def _make(self, family: str) -> dict[str, list[Exhibit]]:
        """Read each product once, one setting and exposure after the other, so that few are held at a time."""
        made: dict[str, list[Exhibit]] = defaultdict(list)
        for _, group in groupby(choose_examples(self.run.manifest, family), key=_place):
            found = [(row, self._compare(row)) for row in group]
            limit = residual_limit([other for _, other in found if isinstance(other, Comparison)])
            extent = solution_limit([other for _, other in found if isinstance(other, SolutionComparison)])
            light = self._light([other for _, other in found if isinstance(other, SolutionComparison)])
            for row, comparison in found:
                parts = row.setting, row.exposure, self._tell(row)
                name = f"{self.stems[family, row.algorithm]}-{make_slug(*filter(None, parts))}"
                if isinstance(comparison, Comparison):
                    made[row.algorithm].append(_exhibit_values(self.site, comparison, limit, name, self._title(row)))
                elif isinstance(comparison, SolutionComparison):
                    names = name, self._title(row)
                    made[row.algorithm].append(_exhibit_solution(self.site, comparison, extent, names, light))
                elif comparison is not None:
                    made[row.algorithm].append(_exhibit_classes(self.site, comparison, name, self._title(row)))
        return made

    def _light(self, solutions: Sequence[SolutionComparison]) -> npt.NDArray[np.float64] | None:
        """Light of the arcs e-/s (ny, nx) that the solutions were made from, in truth."""
        return read_light(self.comparer.run, solutions[0].row.raw) if solutions else None

    def _tell(self, row: ManifestRow) -> str:
        """The detector of a product; nothing where the run has one."""
        return row.detector if tell_apart(other.detector for other in self.run.manifest) else ""

    def _title(self, row: ManifestRow) -> str:
        where = word_place(row.setting, self._tell(row))
        return f"{row.exposure.replace('_', ' ').capitalize()}, {where}, night {row.night}"

    def _compare(self, row: ManifestRow) -> Comparison | ClassComparison | SolutionComparison | None:
        """The comparison; None where there is nothing to compare, or where a file is absent or broken."""
        try:
            solution = compare_solution(self.comparer.run, row)
            return solution or self.comparer.compare_classes(row) or self.comparer.compare(row)
        except InputError as error:
            where = "" if error.file is None else str(error.file).removeprefix(f"{self.comparer.run}/")
            message = f"{self._title(row)}: {f'{where}: ' if where else ''}{error.problem}"
            if message not in (known := self.absent[row.family, row.algorithm]):
                known.append(message)
            return None

    def outputs(self, family: str, algorithm: str) -> Plot | None:
        """Return the plot of a reference per detector output, from every night; None where it has none."""
        own = [row for row in self.run.manifest if (row.family, row.algorithm) == (family, algorithm)]
        rows = [row for row in own if row.model != "ArcModel"]  # it has no pixels
        series = {}
        for place, group in groupby(sorted(rows, key=_by_place), key=lambda row: (row.setting, self._tell(row))):
            nights = [found for row in group if isinstance(found := self._compare(row), Comparison)]
            figures = self._measure(nights) if nights else None
            if figures:
                series[name_place(*place)] = figures
        return _plot_outputs(self.site, series, self.stems[family, algorithm]) if series else None

    def _measure(self, nights: Sequence[Comparison]) -> OutputFigures | None:
        header = read_header(nights[0].row.path(self.comparer.run))
        detector = load_instrument().detector(str(header.get("DETECTOR")))
        return measure_outputs(nights, read_region(header), detector)


def _place(row: ManifestRow) -> tuple[str, str, str]:
    return row.setting, row.exposure, row.detector


def _view_maps(site: Site, name: str, maps: Sequence[Map]) -> tuple[MapView, ...]:
    views = []
    for m in maps:
        ramp = f"figures/scale-{make_slug(m.scale.colours)}.png" if m.scale else ""
        views.append(MapView(m, site.write_png(f"{name}-{m.name}", m.png), ramp))
    return tuple(views)


def _exhibit_values(site: Site, comparison: Comparison, limit: float, name: str, title: str) -> Exhibit:
    row, histogram = comparison.row, measure_pulls(comparison)
    pulls = None
    if histogram:
        caption = f"Pulls of good pixels against the normal distribution that honest errors give. {histogram.words}"
        pulls = site.write_plot(f"{name}-pulls", draw_pulls(histogram), histogram.alt, caption, histogram.table())
    maps = _view_maps(site, name, draw_maps(comparison, limit))
    return _exhibit(site, row, (name, title), maps, pulls, ("over good pixels", "mean", "standard deviation", "median"),
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
        if name == "pull" and not (comparison.sigma > 0).any():
            continue  # the product states no errors
        good = values[comparison.good]
        good = good[np.isfinite(good)]
        figures = (good.mean(), good.std(), np.median(good)) if good.size else (np.nan, np.nan, np.nan)
        lines.append((name, *(f"{format_number(float(x))} {tail}".rstrip() for x in figures)))
    return tuple(lines)


def _exhibit_classes(site: Site, classes: ClassComparison, name: str, title: str) -> Exhibit:
    maps = _view_maps(site, name, draw_class_maps(classes))
    head = ("class", "true pixels", "found", "missed", "found wrongly")
    counts = tuple(_count(classes, c) for c in PIXEL_CLASSES)
    return _exhibit(site, classes.row, (name, title), maps, None, head, counts)


def _count(classes: ClassComparison, name: str) -> tuple[str, ...]:
    true, found = has(classes.truth, name) & classes.light, has(classes.product, name) & classes.light
    numbers = (true.sum(), (true & found).sum(), (true & ~found).sum(), (~true & found).sum())
    return (name.replace("_", " ").lower(), *(str(int(n)) for n in numbers))


def _exhibit_solution(
    site: Site,
    solution: SolutionComparison,
    limit: float,
    names: tuple[str, str],
    light: npt.NDArray[np.float64] | None,
) -> Exhibit:
    name, drawn = names[0], draw_solution_maps(solution, limit)
    fit = None
    if light is not None:
        note = f"{describe_region(solution.evidence.region)} {LIGHT}"
        drawn.append(draw_light("light", "Light of the arc lamps on the detector", light, "electron/s", note))
        fit = pick_spectrum(solution, light)
    maps = _view_maps(site, name, drawn)
    plots = [
        site.write_plot(f"{name}-{stem}", draw_pulls(histogram), histogram.alt, caption, histogram.table())
        for stem, caption, histogram in list_histograms(solution)
    ]
    lines = gather_lines(solution.lines)
    if lines:
        plots.append(
            site.write_plot(f"{name}-fits", draw_lines(lines), describe_lines(lines), CAPTION, tabulate_lines(lines))
        )
    if fit:
        numbers = tabulate_fit(fit)
        plots.insert(0, site.write_plot(f"{name}-one", draw_fit(fit), describe_fit(fit), caption_fit(fit), numbers))
    made = _exhibit(site, solution.row, names, maps, None, *summarize_solution(solution))
    extent = "" if any(m.name == "ends" for m in drawn) else describe_ends(solution)
    return replace(made, legend=LEGEND, more=tuple(plots), extent=extent)


def _exhibit(
    site: Site,
    row: ManifestRow,
    names: tuple[str, str],
    maps: tuple[MapView, ...],
    pulls: Plot | None,
    head: tuple[str, ...],
    rows: tuple[tuple[str, ...], ...],
) -> Exhibit:
    files = [("product", site.link_into_run(row.product)), ("truth", site.link_into_run(row.truth))]
    files += [("raw", site.link_into_run(raw)) for raw in row.raw]
    references = tuple(sorted(row.references.items()))
    extent = describe_region(read_region(read_header(row.path(site.run)), row.product))
    return Exhibit(*names, maps, pulls, head, rows, tuple(files), references, row.context, extent=extent)


def _plot_outputs(site: Site, series: Mapping[str, OutputFigures], stem: str) -> Plot:
    head = ("setting", *next(iter(series.values())).table()[0])
    body = [(setting, *line) for setting, figures in series.items() for line in figures.table()[1]]
    alt = " ".join(f"{setting}: {figures.alt}" for setting, figures in series.items())
    caption = "Each detector output: mean over nights with its 95 % interval"
    return site.write_plot(f"{stem}-outputs", draw_output_figures(series), alt, caption, (head, body))


def _by_place(row: ManifestRow) -> tuple[str, str, int, str]:
    return row.setting, row.detector, row.night, row.product
