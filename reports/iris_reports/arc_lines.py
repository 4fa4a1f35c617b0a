"""Lines of arc lamps by wavelength: how wrong the places of a solution's lines are, and which it did not find.

Lines of one wavelength stand in hundreds of spectra. Their mean error is what a line has in common everywhere, as of a
neighbour that no list tells or an error of the list; their scatter is what photons and pixels leave.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from iris_reports.figures import FAINT, Drawing, Panel, Scale, choose_ticks
from iris_validators.line_identification import LISTED, Identification

__all__ = ["CAPTION", "LineFigures", "describe_lines", "draw_lines", "gather_lines", "tabulate_lines"]

CAPTION = (
    "Lines of the arcs by wavelength: mean error of the places where the used ones were measured, with the standard "
    "deviation over spectra as a bar and the sign of the maps: positive where a solution through the line would name "
    "too long a wavelength. At the top, in the second colour, bright lines of which more than a tenth were not found. "
    "Should lie about zero; all moved alike are an error of the zero point, one apart from its neighbours shines "
    "beside its place in the list, or another line blends with it"
)
_LOST, _FAR = 0.1, 2.0  # share, px

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LineFigures:
    """One line: `wavelength` nm, `used` times, `found` of `wanted` bright ones; wrong by `mean` px with `scatter`.

    An error is positive where the line falls in truth beyond its measured place. `stated` px is the median of the
    errors that the product states; the three are None where the line is not used.
    """

    wavelength: float
    used: int
    found: int
    wanted: int
    mean: float | None
    scatter: float | None
    stated: float | None

    @property
    def lost(self) -> bool:
        """Whether too many of the bright ones were not found."""
        return self.wanted > 0 and self.wanted - self.found > _LOST * self.wanted


def gather_lines(lines: Identification) -> list[LineFigures]:
    """Return the figures of every line that was used or should have been, by wavelength."""
    known = _group(np.concatenate([lines.named[np.isfinite(lines.named)], lines.wanted]))
    return [_measure(lines, wavelength) for wavelength in known]


def _group(wavelengths: Array) -> Array:
    """Wavelengths in nm, one for all within twice what a line may shine off its place in the list."""
    known = np.unique(wavelengths)
    return known[np.append(True, np.diff(known) > LISTED)] if known.size else known


def _measure(lines: Identification, wavelength: float) -> LineFigures:
    mine, asked = (_lie_at(values, wavelength) for values in (lines.named, lines.wanted))
    error, found, wanted = -lines.off[mine], int(lines.met[asked].sum()), int(asked.sum())
    error = error[np.abs(error) <= _FAR]  # what is farther off, or no number, is another line; `purity` counts it
    if not error.size:
        return LineFigures(wavelength, int(mine.sum()), found, wanted, None, None, None)
    figures = float(error.mean()), float(error.std()), float(np.median(lines.sigma[mine]))
    return LineFigures(wavelength, int(mine.sum()), found, wanted, *figures)


def _lie_at(values: Array, wavelength: float) -> npt.NDArray[np.bool_]:
    near: npt.NDArray[np.bool_] = (values >= wavelength) & (values <= wavelength + 2 * LISTED)
    return near


def draw_lines(lines: Sequence[LineFigures]) -> str:
    """Return the plot as SVG text."""
    shown = [(line.wavelength, line.mean, line.scatter or 0.0) for line in lines if line.mean is not None]
    ends = [0.0, *(mean + way * scatter for _, mean, scatter in shown for way in (-1, 1))]
    pad = 0.12 * (max(ends) - min(ends)) or 1.0
    low, high = lines[0].wavelength, lines[-1].wavelength
    x, y = _widen(low, high), Scale(min(ends) - pad, max(ends) + pad)
    drawing = Drawing(730, 250)
    panel = Panel(drawing, x, y, left=90, right=716, top=30, bottom=198)
    panel.line([(x.low, 0), (x.high, 0)], FAINT, 1, dashed=True)
    panel.points([(at, mean, mean - scatter, mean + scatter) for at, mean, scatter in shown], 0)
    top = y.high - pad / 3
    panel.points([(line.wavelength, top, top, top) for line in lines if line.lost], 1)
    panel.frame(choose_ticks(x.low, x.high), choose_ticks(y.low, y.high), "Wavelength (nm)", "Error (pixels)")
    drawing.legend(panel.left + 4, 20, [("used", 0), ("more than a tenth not found", 1)])
    return drawing.render()


def _widen(low: float, high: float) -> Scale:
    pad = 0.03 * (high - low) or 1.0
    return Scale(low - pad, high + pad)


def describe_lines(lines: Sequence[LineFigures]) -> str:
    """Return in words what the plot shows."""
    means = [abs(line.mean) for line in lines if line.mean is not None]
    lost = [f"{line.wavelength:.2f}" for line in lines if line.lost]
    largest = f"largest mean error {max(means):.3g} pixels" if means else "none used"
    return f"{len(lines)} lines, {largest}; not found in more than a tenth: {', '.join(lost) or 'none'}"


def tabulate_lines(lines: Sequence[LineFigures]) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
    """Return head and rows of the numbers behind the plot."""
    head = ("nm", "used", "bright ones found", "bright ones", "mean error px", "scatter px", "stated error px")
    rows: list[tuple[object, ...]] = [
        (line.wavelength, line.used, line.found, line.wanted, line.mean, line.scatter, line.stated) for line in lines
    ]
    return head, rows
