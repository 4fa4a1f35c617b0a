"""How bright each line of each image is: the median over spectra, since listed strengths are not to be trusted.

A line that was not measured yet is given its listed strength times the median ratio of the lamp's other lines; one
that was looked for and hardly found is taken as missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from iris_reduction.arc_lines.image import ArcImage
from iris_reduction.arc_lines.pattern import LampLines, Points

__all__ = ["Levels", "measure_levels"]

Double = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
_FEWEST, _SHARE = 5, 0.2
_AREA = 9.0  # pixels whose noise a line has


@dataclass(frozen=True, slots=True, eq=False)
class Levels:
    """Flux in e-/s of the lines of each image, and the variance that it has without them, of each image."""

    flux: tuple[Double, ...]
    floor: tuple[float, ...]
    slope: tuple[float, ...]

    def expect(self, points: Points) -> tuple[Double, Double]:
        """Return flux and signal to noise (k,) that are expected of points."""
        flux, noise = np.zeros(len(points.x)), np.ones(len(points.x))
        for n, of_lines in enumerate(self.flux):
            mine = points.image == n
            flux[mine] = of_lines[points.line[mine]]
            noise[mine] = np.sqrt(_AREA * self.floor[n] + self.slope[n] * flux[mine])
        return flux, flux / noise


def measure_levels(
    images: Sequence[ArcImage], lamps: Sequence[LampLines], points: Points, flux: Double, good: Mask
) -> Levels:
    """Return the levels of lines from points that were looked for, and which of them are `good` (k,)."""
    found = []
    for n, lines in enumerate(lamps):
        level, missing = np.full(len(lines.wavelength), np.nan), np.zeros(len(lines.wavelength), np.bool_)
        for line in range(len(level)):
            mine = (points.image == n) & (points.line == line)
            seen = mine & good
            if seen.any():
                level[line] = np.median(flux[seen])
            missing[line] = mine.sum() >= _FEWEST and seen.sum() < _SHARE * mine.sum()
        measured = np.isfinite(level) & ~missing
        ratio = float(np.median(level[measured] / lines.strength[measured])) if measured.any() else 0.0
        level = np.where(np.isfinite(level), level, ratio * lines.strength)
        found.append(np.where(missing, 0.0, level))
    floors = tuple(float(np.median(image.floor)) for image in images)
    return Levels(tuple(found), floors, tuple(image.slope for image in images))
