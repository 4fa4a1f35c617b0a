"""Deposit the cores of PSFlets into an image: channels of half a pixel of continuum, and lines at their own place.

A spectrum is cut at every quarter and three quarters of a pixel, and what lies between goes to the multiple of half a
pixel in the middle. A pixel's own response has no power at two cycles per pixel, so a smooth spectrum comes out as if
it had not been sampled. Every band of rows is filled by one thread, with spectra in the order of the lattice: the sum
of a pixel does not depend on threads, nor on the region that is asked for. PSFlets are mixed anew every 8 px along a
spectrum.

Kernels release the interpreter lock. `place` below is (first row, first column) of the image.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from iris_simulator.lenslet.psflet import PHASES, REACH, STAMP
from iris_simulator.lenslet.traces import evaluate

__all__ = ["Channels", "add_continuum", "add_lines"]

Float = npt.NDArray[np.float64]
BLOCK = 16
"""Channels that share a mixture."""


class Channels(NamedTuple):
    """Continuum of n lenslets as the kernels need it.

    Traces (n, ncoeff) of `wavelength` and `row`; `shift` px (n, 2); first and last channel, `ends` (n, 2), in half px;
    `density` e-/s/nm (n, nwave) on a grid from `start` by `step` nm; `softness` (n, 2) at the ends.
    """

    wavelength: Float
    row: Float
    shift: Float
    ends: npt.NDArray[np.int64]
    density: npt.NDArray[np.float32]
    start: float
    step: float
    softness: Float


@njit(nogil=True)
def _integrate(running, density, start, step, wavelength):  # type: ignore[no-untyped-def]
    """Return the light below a wavelength.

    `running` (nwave,) is that below each sample, density linear between them.
    """
    place = (wavelength - start) / step
    if place <= 0.0:
        return 0.0
    last = density.size - 1
    if place >= last:
        return running[last]
    node = int(place)
    rest = place - node
    return running[node] + step * rest * (density[node] + 0.5 * rest * (density[node + 1] - density[node]))


@njit(nogil=True)
def _accumulate(running, density, step):  # type: ignore[no-untyped-def]
    running[0] = 0.0
    for k in range(1, density.size):
        running[k] = running[k - 1] + 0.5 * step * (np.float64(density[k - 1]) + np.float64(density[k]))


@njit(nogil=True)
def _mix(out, core, waves, wavelength, soft, py, px):  # type: ignore[no-untyped-def]
    """Fill `out` (STAMP, STAMP) with the mixture at one phase."""
    node = 0
    while node < waves.size - 2 and wavelength > waves[node + 1]:
        node += 1
    upper = min(max((wavelength - waves[node]) / (waves[node + 1] - waves[node]), 0.0), 1.0)
    a, b = np.float32((1 - upper) * (1 - soft)), np.float32((1 - upper) * soft)
    c, d = np.float32(upper * (1 - soft)), np.float32(upper * soft)
    sharp, dull = core[node, 0, py, px], core[node, 1, py, px]
    sharp_up, dull_up = core[node + 1, 0, py, px], core[node + 1, 1, py, px]
    for r in range(STAMP):
        for s in range(STAMP):
            out[r, s] = a * sharp[r, s] + b * dull[r, s] + c * sharp_up[r, s] + d * dull_up[r, s]


@njit(nogil=True)
def _add_two(image, below, above, low, high, row, column):  # type: ignore[no-untyped-def]
    """Add low * below + high * above with the first pixel at `row`, `column` of the image; what is outside is left."""
    first, last = max(0, -row), min(STAMP, image.shape[0] - row)
    if column >= 0 and column + STAMP <= image.shape[1]:
        for r in range(first, last):
            line = image[row + r, column : column + STAMP]
            for s in range(STAMP):
                line[s] += low * below[r, s] + high * above[r, s]
    else:
        for r in range(first, last):
            for s in range(max(0, -column), min(STAMP, image.shape[1] - column)):
                image[row + r, column + s] += low * below[r, s] + high * above[r, s]


@njit(nogil=True)
def _fit(out, coefficients, x):  # type: ignore[no-untyped-def]
    """Fill `out` (3,) with the parabola in k that a series is from column x over a block: right to 1e-7 px."""
    first, last = evaluate(coefficients, x), evaluate(coefficients, x + 0.5 * BLOCK)
    middle = evaluate(coefficients, x + 0.25 * BLOCK)
    out[0] = first
    out[1] = (4 * middle - 3 * first - last) / BLOCK
    out[2] = 2 * (first - 2 * middle + last) / BLOCK**2


@njit(nogil=True, cache=True)
def add_continuum(image, place, lenslets, channels, waves, core, share):  # type: ignore[no-untyped-def]
    """Add `share` of the continuum of some `lenslets` to a band of rows, image float32 (ny, nx)."""
    mixed = np.empty((2, 2, STAMP, STAMP), np.float32)  # x phases 0 and 1/2, y phases p and p + 1
    running, nm, rows = np.empty(channels.density.shape[1]), np.empty(3), np.empty(3)
    left, right = 2 * (place[1] - REACH - 2), 2 * (place[1] + image.shape[1] + REACH + 2)
    for n in lenslets:
        first, last = max(channels.ends[n, 0], left), min(channels.ends[n, 1], right)
        if first > last:
            continue
        density, dx, dy = channels.density[n], channels.shift[n, 0], channels.shift[n, 1]
        _accumulate(running, density, channels.step)
        length = channels.ends[n, 1] - channels.ends[n, 0] + 1
        edge = evaluate(channels.wavelength[n], 0.5 * first - 0.25 - dx)
        below = _integrate(running, density, channels.start, channels.step, edge)
        block, phase, wavelength, soft = -(2**40), -1, edge, 0.0
        for k in range(first, last + 1):
            if k // BLOCK != block:
                block, phase = k // BLOCK, -1
                _fit(nm, channels.wavelength[n], 0.5 * BLOCK * block + 0.25 - dx)
                _fit(rows, channels.row[n], 0.5 * BLOCK * block - dx)
                wavelength = nm[0] + 0.5 * BLOCK * nm[1]
                u = (BLOCK * (block + 0.5) - channels.ends[n, 0]) / length
                soft = min(max((1 - u) * channels.softness[n, 0] + u * channels.softness[n, 1], 0.0), 1.0)
            at = k - BLOCK * block
            edge = nm[0] + at * (nm[1] + at * nm[2])
            above = _integrate(running, density, channels.start, channels.step, edge)
            flux, below = share * (above - below), above
            y = rows[0] + at * (rows[1] + at * rows[2]) + dy
            row = int(np.floor(y))
            fine = PHASES * (y - row)
            py = min(int(fine), PHASES - 1)
            if py != phase:
                phase = py
                for half in range(2):
                    for step in range(2):
                        _mix(mixed[half, step], core, waves, wavelength, soft, py + step, half * (PHASES // 2))
            low, high = np.float32(flux * (1 - (fine - py))), np.float32(flux * (fine - py))
            half = k & 1
            column = (k - half) // 2 - REACH - place[1]
            _add_two(image, mixed[half, 0], mixed[half, 1], low, high, row - REACH - place[0], column)


@njit(nogil=True, cache=True)
def add_lines(image, place, x, y, wavelength, flux, soft, waves, core, share):  # type: ignore[no-untyped-def]
    """Add `share` of lines (nline,) of `flux` at `x`, `y` px to a band of rows."""
    mixed = np.empty((4, STAMP, STAMP), np.float32)
    for n in range(x.size):
        column, row = int(np.floor(x[n])), int(np.floor(y[n]))
        fine_x, fine_y = PHASES * (x[n] - column), PHASES * (y[n] - row)
        px, py = min(int(fine_x), PHASES - 1), min(int(fine_y), PHASES - 1)
        for corner in range(4):
            _mix(mixed[corner], core, waves, wavelength[n], soft[n], py + corner // 2, px + corner % 2)
        along, across, amount = fine_x - px, fine_y - py, share * flux[n]
        for step, weight in ((0, 1 - across), (1, across)):
            low, high = np.float32(amount * weight * (1 - along)), np.float32(amount * weight * along)
            first, second = mixed[2 * step], mixed[2 * step + 1]
            _add_two(image, first, second, low, high, row - REACH - place[0], column - REACH - place[1])
