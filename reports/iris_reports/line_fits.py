"""One spectrum of an arc: its light, the lines that a solution measured in it, and the solution's error between them.

Light is truth, the mean rate of the exposures with lines in the row nearest to the spectrum. Errors have the sign of
the maps: a line's is where its wavelength falls in truth less where it was measured, so that a solution which follows
its lines passes through them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from iris_contract.fitsio import open_fits, read_data
from iris_reports.figures import FAINT, INK, Drawing, Panel, Scale, choose_ticks
from iris_reports.solutions import SolutionComparison
from iris_reports.wording import format_number
from iris_validators.evidence import find_truth

__all__ = ["SpectrumFit", "caption_fit", "describe_fit", "draw_fit", "pick_spectrum", "read_light", "tabulate_fit"]

_FLOOR = 1e-4  # of the brightest pixel, below which light is not drawn
_FAR = 2.0  # px, beyond which a line is another

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class SpectrumFit:
    """Lenslet `place` (column, row); its columns (m,) px with `light` e-/s, `error` px and stated `sigma` px.

    `lines` (k, 5) are those used: nm, measured column px, error px, stated error px, flux e-/s; `y` px is the row in
    the middle of the spectrum.
    """

    place: tuple[int, int]
    y: float
    column: Array
    light: Array
    error: Array
    sigma: Array
    lines: Array


def read_light(run: Path, raw: Sequence[str]) -> Array | None:
    """Return the mean detected rate e-/s (ny, nx) of the raw files that have lines in truth; None without any."""
    planes = []
    for name in raw:
        path = find_truth(run, name)
        if path is None:
            continue
        with open_fits(path) as hdus:
            if "LINE_FLUX" in hdus and len(hdus["LINE_FLUX"].data) and "RATE_DETECTED" in hdus:
                planes.append(read_data(hdus["RATE_DETECTED"], path).astype(np.float64))
    return np.mean(planes, axis=0) if planes else None


def pick_spectrum(comparison: SolutionComparison, light: Array) -> SpectrumFit | None:
    """Return the judged spectrum nearest to the middle of the judged field, or None where there is none."""
    evidence, errors = comparison.evidence, comparison.errors
    known = np.unique(errors.lenslet)
    if not known.size:
        return None
    truth = evidence.truth
    column, row = truth.column[known].astype(float), truth.row[known].astype(float)
    chosen = int(known[np.argmin(np.hypot(column - column.mean(), row - row.mean()))])
    mine = errors.lenslet == chosen
    y = np.rint(np.nan_to_num(errors.row[mine])).astype(int) - evidence.region.ystart + 1
    x = errors.column[mine].astype(int) - evidence.region.xstart + 1
    along = light[np.clip(y, 0, light.shape[0] - 1), np.clip(x, 0, light.shape[1] - 1)]
    planes = errors.column[mine], along, errors.error[mine], errors.sigma[mine]
    place = int(truth.column[chosen]), int(truth.row[chosen])
    return SpectrumFit(place, float(np.median(errors.row[mine])), *planes, _take_lines(comparison, chosen))


def _take_lines(comparison: SolutionComparison, lenslet: int) -> Array:
    evidence = comparison.evidence
    table: npt.NDArray[Any] = np.asarray(evidence.reference.content["LINES"])
    own = evidence.find_lenslets(table["COLUMN"], table["ROW"]) == lenslet
    table = table[own & (table["USED"] != 0)]
    wavelength, x = (table[name].astype(np.float64) for name in ("WAVELENGTH", "X"))
    true = evidence.places.find(np.full(len(table), lenslet), wavelength)[0]
    stated, flux = (table[name].astype(np.float64) for name in ("X_ERR", "FLUX"))
    lines = np.stack([wavelength, x, true - x, stated, flux], axis=1)
    sound = np.isfinite(lines[:, :4]).all(axis=1) & (np.abs(lines[:, 2]) < _FAR)  # others are counted by `purity`
    ordered: Array = lines[sound][np.argsort(lines[sound, 1])]
    return ordered


def draw_fit(fit: SpectrumFit) -> str:
    """Return the light above and the errors below as SVG text."""
    drawing = Drawing(730, 430)
    places = np.concatenate([fit.column, fit.lines[:, 1]])
    x = Scale(float(places.min()) - 4, float(places.max()) + 4)
    most = float(np.nanmax(fit.light, initial=1e-3))
    lowest = max(float(np.nanmin(fit.light, initial=most)), most * _FLOOR)
    above = Panel(drawing, x, Scale(lowest / 1.3, most * 4, log=True), left=90, right=716, top=30, bottom=186)
    above.line([(float(a), float(b)) for a, b in zip(fit.column, fit.light, strict=True)], INK, 1)
    above.points([(float(at), most * 2.2, most * 2.2, most * 2.2) for at in fit.lines[:, 1]], 1)
    across, up = choose_ticks(x.low, x.high), choose_ticks(above.y.low, above.y.high, most=4, log=True)
    above.frame((across[0], [""] * len(across[0])), up, "", "Light (e⁻/s)")
    below = Panel(drawing, x, _span(fit), left=90, right=716, top=204, bottom=378)
    below.line([(x.low, 0), (x.high, 0)], FAINT, 1)
    for way in (-1, 1):
        below.line(_list(fit.column, way * fit.sigma), FAINT, 1.2, dashed=True)
    below.line(_list(fit.column, fit.error), 0, 1.6)
    below.points([(float(at), float(e), float(e - s), float(e + s)) for _, at, e, s, _ in fit.lines], 1)
    below.frame(across, choose_ticks(below.y.low, below.y.high), "Detector column (pixels)", "Error (pixels)")
    drawing.legend(94, 20, [("error of the solution", 0), ("lines used, with their stated errors", 1)])
    return drawing.render()


def _list(x: Array, y: Array) -> list[tuple[float, float]]:
    return [(float(a), float(b)) for a, b in zip(x, y, strict=True) if np.isfinite(b)]


def _span(fit: SpectrumFit) -> Scale:
    _, _, error, stated, _ = fit.lines.T
    ends = np.concatenate([[0.0], fit.error, fit.sigma, -fit.sigma, error - stated, error + stated])
    ends = ends[np.isfinite(ends)]
    pad = 0.08 * float(np.ptp(ends)) or 1.0
    return Scale(float(ends.min()) - pad, float(ends.max()) + pad)


def caption_fit(fit: SpectrumFit) -> str:
    """Return the caption: what is seen, and what it should look like."""
    column, row = fit.place
    return (
        f"Line fits of one spectrum, lenslet column {column}, row {row}, at detector row {fit.y:.0f}. Above, the light "
        "of the arcs in truth along it, with a mark over each line used; peaks without one are weak, or of spectra 2 "
        "pixels beside. Below, the error of the wavelength in each column; dashed, plus and minus its stated standard "
        "error; and what the used lines tell. The curve should lie between the dashed lines in two columns of three, "
        "and pass through the points within their bars"
    )


def describe_fit(fit: SpectrumFit) -> str:
    """Return in words what the plot shows."""
    finite = (values[np.isfinite(values)] for values in (fit.error, fit.sigma))
    size, stated = (format_number(float(np.sqrt(np.mean(v**2)))) if v.size else "none" for v in finite)
    lines = "; ".join(f"{nm:.2f} nm: {error:.4f} ± {sigma:.4f}" for nm, _, error, sigma, _ in fit.lines) or "none"
    return f"Error of the solution in one spectrum: rms {size} pixels, {stated} stated. Errors of lines: {lines}."


def tabulate_fit(fit: SpectrumFit) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    """Return head and rows of the lines behind the plot."""
    head = ("nm", "measured column px", "error px", "stated error px", "flux e-/s")
    return head, [tuple(float(f"{value:.8g}") for value in line) for line in fit.lines]
