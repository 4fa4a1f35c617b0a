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
    coupled = flat.copy()
    _couple(coupled, flat, links.astype(np.float64), linked)
    return coupled.reshape(signal.shape)


@njit(nogil=True, cache=True)
def _couple(out: Any, signal: Any, links: Any, linked: Any) -> None:
    """Add to `out` what the links move; f of two rows at a time is kept."""
    rows, columns, reads = signal.shape
    here, above = np.empty((columns, reads)), np.empty((columns, reads))
    _fade(signal[0], above)
    for i in range(rows):
        here, above = above, here
        if i + 1 < rows:
            _fade(signal[i + 1], above)
        for j in range(columns):
            if not linked[i, j]:
                continue
            for kind, dy, dx in ((0, 0, 1), (1, 1, 0), (2, 1, 1), (2, 1, -1)):
                y, x = i + dy, j + dx
                if y < rows and 0 <= x < columns and linked[y, x]:
                    strength = links[i, j, kind]
                    other = above if dy else here
                    for r in range(reads):
                        moved = strength * (here[j, r] - other[x, r])
                        out[i, j, r] -= moved
                        out[y, x, r] += moved


@njit(nogil=True)
def _fade(signal: Any, out: Any) -> None:
    """Fill `out` (columns, reads) with f(signal) + 2 FADING: the constant cancels in differences."""
    for j in range(signal.shape[0]):
        for r in range(signal.shape[1]):
            out[j, r] = np.sqrt(4 * FADING * (FADING + signal[j, r]))
