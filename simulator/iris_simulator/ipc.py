"""Interpixel capacitance: each pixel shows a little of its neighbours' signal, and they of its own.

A link of strength a between two pixels moves a * (f(s) - f(t)) from the one with the signal s to the other with
t, so the sum is conserved (Moore, Ninkov & Forrest 2006, Opt. Eng. 45, 076402), where

    f(s) = 2 FADING * (sqrt(1 + s / FADING) - 1),

s itself where signals are small. The fuller the pixels, the shallower their depletion and the weaker their
coupling, a * f'(s) = a / sqrt(1 + s / FADING): H2RG couple with 1.45 % when empty and 0.68 % when full
(Donlon, Ninkov & Baum 2018, arXiv:1805.09413), H4RG-10 much more evenly: of what is nonlinear in the correlations
of their flats most is not coupling (Freudenburg et al. 2020, arXiv:2003.05978). Links join the eight
neighbours; their strength varies over the field, along rows more than along columns, and each link departs from
that by a chance of its own. Links to reference and open pixels do not act. At the rim of a
sub-array the links outward are missing. Not modelled: the brighter-fatter effect, which moves charge.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from iris_contract import Detector, Subarray
from iris_simulator.draws import Cube, draw_normal
from iris_simulator.seeds import Stream, derive_key, make_generator

__all__ = ["couple", "draw_links"]

SIDE, UNEVEN, VARIATION, CORNER = 0.0125, 0.06, 0.12, 0.0012
"""[C] mean of the side links, excess along rows, relative change over the field, corner links; 1.0 to 1.5 %
per neighbour are usual (H4RG-10: Mosby et al. 2020, JATIS 6, 046001)."""
SCATTER = 0.04  # [C] rms of the logarithm of single links about the field's
FADING = 200_000.0  # [C] e-; a pixel of 100 000 e- among empty ones moves 10 % less than its links say (H2RG: 53 %)
_ONE, _TWO, _PER_FADING = np.float32(1), np.float32(2), np.float32(1 / FADING)


def draw_links(detector: Detector, region: Subarray, seed: int) -> npt.NDArray[np.float32]:
    """Return the strengths (ny, nx, 3) of each pixel's links to its right, upper and two upper corner neighbours.

    They hold where there is no signal.
    """
    tilt = make_generator("as-built", seed, detector.name, "ipc").uniform(-1, 1, 4)
    y, x = (np.arange(s.start, s.stop) * 2.0 / detector.size - 1 for s in region.slices)
    smooth = 1 + VARIATION * (
        0.5 * (tilt[0] * x[None, :] + tilt[1] * y[:, None])
        + tilt[2] * (x[None, :] ** 2 - 1 / 3)
        + tilt[3] * np.outer(y, x)
    )
    own = Stream(derive_key("as-built", seed, detector.name, "link"), region.ystart - 1, region.xstart - 1)
    links = np.exp(SCATTER * draw_normal((*region.shape, 1, 3), own)[:, :, 0])
    links *= smooth[:, :, None] * np.array([SIDE * (1 + UNEVEN), SIDE * (1 - UNEVEN), CORNER])
    links[region.reference_pixels(detector)] = 0.0
    return links.astype(np.float32)


def couple(signal: Cube, links: npt.NDArray[np.float32], linked: npt.NDArray[np.bool_]) -> Cube:
    """Return `signal` e- (rows, nx, ...) as coupled by `links` (rows, nx, 3); `linked` (rows, nx): where links act."""
    flat = signal.reshape(*linked.shape, -1)
    coupled = np.empty_like(flat)
    _couple(coupled, flat, links, linked)
    return coupled.reshape(signal.shape)


@njit(nogil=True)
def _join(links: Any, linked: Any) -> Any:
    """Return the links to the right, upper, upper right and upper left neighbour, one pixel wider all round.

    They are 0 where there is no such neighbour, or where links of it or of the pixel do not act.
    """
    rows, columns = linked.shape
    joined = np.zeros((rows + 2, columns + 2, 4), np.float32)
    for i in range(rows):
        for j in range(columns):
            for number, kind, dy, dx in ((0, 0, 0, 1), (1, 1, 1, 0), (2, 2, 1, 1), (3, 2, 1, -1)):
                y, x = i + dy, j + dx
                if linked[i, j] and y < rows and 0 <= x < columns and linked[y, x]:
                    joined[i + 1, j + 1, number] = links[i, j, kind]
    return joined


@njit(nogil=True, cache=True)
def _couple(out: Any, signal: Any, links: Any, linked: Any) -> None:
    """Fill `out` with what pixels have and gain from neighbours; in three loops, which become vector instructions."""
    rows, columns, reads = signal.shape
    joined, faded = _join(links, linked), np.empty_like(signal)
    _fade(signal.reshape(-1), faded.reshape(-1))
    for i in range(rows):
        below, row, above = np.uint64(max(i - 1, 0)), np.uint64(i), np.uint64(min(i + 1, rows - 1))
        for j in range(columns):
            left, column, right = np.uint64(max(j - 1, 0)), np.uint64(j), np.uint64(min(j + 1, columns - 1))
            a, b = joined[i + 1, j, 0], joined[i + 1, j + 1, 0]
            for r in range(reads):
                own = faded[row, column, r]
                moved = a * (faded[row, left, r] - own) + b * (faded[row, right, r] - own)
                out[row, column, r] = signal[row, column, r] + moved
            a, b, c = joined[i, j, 2], joined[i, j + 1, 1], joined[i, j + 2, 3]
            for r in range(reads):
                own = faded[row, column, r]
                moved = a * (faded[below, left, r] - own) + b * (faded[below, column, r] - own)
                out[row, column, r] += moved + c * (faded[below, right, r] - own)
            a, b, c = joined[i + 1, j + 1, 3], joined[i + 1, j + 1, 1], joined[i + 1, j + 1, 2]
            for r in range(reads):
                own = faded[row, column, r]
                moved = a * (faded[above, left, r] - own) + b * (faded[above, column, r] - own)
                out[row, column, r] += moved + c * (faded[above, right, r] - own)


@njit(nogil=True)
def _fade(signal: Any, out: Any) -> None:
    """Fill `out` with f(signal), written without a difference of large numbers."""
    for n in range(signal.size):
        out[n] = _TWO * signal[n] / (_ONE + np.sqrt(_ONE + signal[n] * _PER_FADING))
