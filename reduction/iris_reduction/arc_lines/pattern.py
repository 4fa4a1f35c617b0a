"""Where lines should fall: those of a lamp that the filter passes, in every spectrum.

Strengths are the listed ones times the filter's transmission, 1 for the strongest line of a lamp; they tell which lines
may matter, and nothing is measured with them. Lines below a thousandth are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from iris_contract.errors import InputError
from iris_contract.lenslet import Passband
from iris_contract.spectral_data import load_arc_lines
from iris_reduction.arc_lines.image import ArcImage

__all__ = ["LampLines", "Place", "Points", "list_lines", "predict_points"]

Double = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]
Place = Callable[[Index, Double], tuple[Double, Double]]
"""A function of spectra (k,) and wavelengths (k,) in nm that returns columns and rows (k,)."""
_WEAKEST = 1e-3
_MARGIN = 2.0  # px that a line must be inside the image


@dataclass(frozen=True, slots=True, eq=False)
class LampLines:
    """Lines of a lamp in a filter: wavelength in nm and strength (k,), 1 for the strongest."""

    lamp: str
    wavelength: Double
    strength: Double


@dataclass(frozen=True, slots=True, eq=False)
class Points:
    """Lines of spectra on images (k,): number of the image, the spectrum, the line of its lamp; nm; px; strength."""

    image: Index
    spectrum: Index
    line: Index
    wavelength: Double
    x: Double
    y: Double
    strength: Double

    def take(self, chosen: npt.NDArray[np.bool_] | Index) -> Points:
        """Return some of the points."""
        return Points(*(getattr(self, entry.name)[chosen] for entry in fields(self)))


def list_lines(lamp: str, passband: Passband) -> LampLines:
    """Return the lines of a lamp that a filter passes; raise InputError for another lamp, or where there are none."""
    wavelength, intensity = load_arc_lines(lamp)
    low, high = passband.support()
    inside = (wavelength > low) & (wavelength < high)
    if not inside.any():
        problem = f"has no listed line in the filter {'+'.join(passband.names)}; leave its exposures out"
        raise InputError(problem, key="CALLAMP", value=lamp)
    strength = intensity[inside] * passband.transmission(wavelength[inside])
    strength /= strength.max()
    kept = strength > _WEAKEST
    return LampLines(lamp, wavelength[inside][kept], strength[kept])


def predict_points(images: Sequence[ArcImage], lamps: Sequence[LampLines], number: int, place: Place) -> Points:
    """Return every line of `number` spectra that falls on an image; `lamps` go with the images."""
    parts = [
        _predict(n, image, lines, number, place) for n, (image, lines) in enumerate(zip(images, lamps, strict=True))
    ]
    return Points(*(np.concatenate([getattr(part, entry.name) for part in parts]) for entry in fields(Points)))


def _predict(number: int, image: ArcImage, lines: LampLines, spectra: int, place: Place) -> Points:
    count = len(lines.wavelength)
    spectrum, line = np.repeat(np.arange(spectra), count), np.tile(np.arange(count), spectra)
    x, y = place(spectrum, lines.wavelength[line])
    every = Points(np.full(len(x), number), spectrum, line, lines.wavelength[line], x, y, lines.strength[line])
    return every.take(image.contains(x, y, _MARGIN))
