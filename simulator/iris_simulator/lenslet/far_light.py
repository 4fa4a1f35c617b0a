"""Light far from where it belongs: halos of PSFlets, leaks of the filter, scattered light and a ghost.

All of it is smooth, so it is made in cells of 4 x 4 px over the detector and 1024 px around, in the Fourier plane,
and then interpolated to pixels. A share of all light is scattered into a Gaussian of 300 px; another comes back from
the detector as a ghost, turned about the middle of the field and blurred by 12 px [C]. Nothing is lost but beyond
those cells. Not modelled: structure of scattered light, ghosts of single lenslets, reflections between filters.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit
from scipy import fft

from iris_contract import Subarray
from iris_simulator.lenslet.psflet import BIN
from iris_simulator.lenslet.traces import evaluate

__all__ = [
    "CELLS",
    "GHOST",
    "ORIGIN",
    "SCATTERED",
    "FarLight",
    "add_continuum_cells",
    "add_points",
    "add_resampled",
    "empty",
    "spread",
    "stray_shares",
]

Float = npt.NDArray[np.float64]

ORIGIN = -1024
"""First column and row that the cells cover."""
CELLS = 1536
SCATTERED, SCATTER_WIDTH = 3e-3, 300.0  # [C] share and sigma px: dust and roughness of some twenty surfaces
GHOST, GHOST_WIDTH = 1e-3, 12.0  # [C] share and sigma px: one reflection between detector and a coated lens


class FarLight(NamedTuple):
    """Cells (CELLS, CELLS) of e-/s.

    `halo`, what the cores lack; `leak`, light beyond the band; `whole`, all of them and the cores.
    """

    halo: Float
    leak: Float
    whole: Float


def empty() -> FarLight:
    """Return cells without light."""
    return FarLight(*(np.zeros((CELLS, CELLS)) for _ in range(3)))


def stray_shares(effects: Collection[str]) -> tuple[float, float]:
    """Return the shares of light that are scattered and in the ghost."""
    return SCATTERED * ("scattered_light" in effects), GHOST * ("ghost" in effects)


@njit(nogil=True)
def _drop(cells, row, column, amount):  # type: ignore[no-untyped-def]
    """Share an amount between two cells of a column, so that its row stays right."""
    fine = (row - ORIGIN + 0.5) / BIN - 0.5
    cell = int(np.floor(fine))
    upper = fine - cell
    if 0 <= cell < CELLS:
        cells[cell, column] += amount * (1 - upper)
    if 0 <= cell + 1 < CELLS:
        cells[cell + 1, column] += amount * upper


@njit(nogil=True, cache=True)
def add_continuum_cells(first, second, traces, shift, ends, wave, density, weight):  # type: ignore[no-untyped-def]
    """Add continuum (n, nwave) on `wave`, linear between samples, cell by cell between the places `ends` (n, 2) px.

    `first` cells receive `weight` (nwave,) of it, `second` all; `traces` are those of wavelength and row.
    """
    running = np.empty(wave.size)
    for n in range(density.shape[0]):
        running[0] = 0.0
        for k in range(1, wave.size):
            mean = 0.5 * (np.float64(density[n, k - 1]) + np.float64(density[n, k]))
            running[k] = running[k - 1] + mean * (wave[k] - wave[k - 1])
        node, below, factor = 0, 0.0, 0.0
        start = int(np.floor((ends[n, 0] - ORIGIN + 0.5) / BIN))
        stop = int(np.ceil((ends[n, 1] - ORIGIN + 0.5) / BIN))
        for column in range(start, stop + 1):
            x = min(max(ORIGIN + BIN * column - 0.5, ends[n, 0]), ends[n, 1])  # the lower edge of the cell
            nm = min(max(evaluate(traces[0][n], x - shift[n, 0]), wave[0]), wave[-1])
            while node < wave.size - 2 and nm >= wave[node + 1]:
                node += 1
            part = (nm - wave[node]) / (wave[node + 1] - wave[node])
            above = running[node] + part * (running[node + 1] - running[node])
            if column > start and above > below:
                row = evaluate(traces[1][n], x - BIN / 2 - shift[n, 0]) + shift[n, 1]
                factor = weight[node] + part * (weight[node + 1] - weight[node])
                _drop(first, row, column - 1, factor * (above - below))
                _drop(second, row, column - 1, above - below)
            below = above


@njit(nogil=True, cache=True)
def add_points(cells, x, y, amount):  # type: ignore[no-untyped-def]
    """Add `amount` (npoint,) at `x`, `y` px, to the four nearest cells."""
    for n in range(x.size):
        fine = (x[n] - ORIGIN + 0.5) / BIN - 0.5
        column = int(np.floor(fine))
        right = fine - column
        if 0 <= column < CELLS - 1:
            _drop(cells, y[n], column, amount[n] * (1 - right))
            _drop(cells, y[n], column + 1, amount[n] * right)


def spread(light: FarLight, halo: Float, effects: Collection[str], centre: tuple[float, float]) -> Float:
    """Return e-/s per cell (CELLS, CELLS) of all light that is not in cores.

    `halo` is the shape of the PSFlets' halos.
    """
    scattered, ghost = stray_shares(effects)
    own = 1 - scattered - ghost
    whole = fft.rfft2(light.whole)
    out = own * fft.rfft2(light.halo) * fft.rfft2(_wrap(halo)) + own * fft.rfft2(light.leak)
    frequency = fft.fftfreq(CELLS)[:, None], fft.rfftfreq(CELLS)[None, :]
    if scattered:
        out += scattered * whole * _blur(frequency, SCATTER_WIDTH)
    if ghost:
        # a point turned about the centre: conjugate, then moved; cell c lies at ORIGIN + (c + 1/2) BIN - 1/2
        move = [2 * ((middle - ORIGIN + 0.5) / BIN - 0.5) for middle in centre]
        phase = np.exp(-2j * np.pi * (frequency[1] * move[0] + frequency[0] * move[1]))
        out += ghost * np.conj(whole) * phase * _blur(frequency, GHOST_WIDTH)
    return np.maximum(fft.irfft2(out, s=(CELLS, CELLS)), 0.0)


def _blur(frequency: tuple[Float, Float], sigma: float) -> Float:
    return np.asarray(np.exp(-2 * (np.pi * sigma / BIN) ** 2 * (frequency[0] ** 2 + frequency[1] ** 2)))


def _wrap(kernel: Float) -> Float:
    """Return a kernel on all cells, its middle in the first."""
    out = np.zeros((CELLS, CELLS))
    size = len(kernel)
    out[:size, :size] = kernel
    return np.roll(out, (-(size // 2), -(size // 2)), axis=(0, 1))


def add_resampled(image: npt.NDArray[np.float32], cells: Float, region: Subarray) -> None:
    """Add to the image of a region within the cells their light: linear between their middles."""
    rows, columns = region.slices
    _add_resampled(image, cells, rows.start, columns.start)


@njit(nogil=True, cache=True)
def _add_resampled(image, cells, top, left):  # type: ignore[no-untyped-def]
    line = np.empty(CELLS)
    for i in range(image.shape[0]):
        place = (top + i - ORIGIN + 0.5) / BIN - 0.5
        cell = int(np.floor(place))
        upper = place - cell
        for k in range(CELLS):
            line[k] = ((1 - upper) * cells[cell, k] + upper * cells[cell + 1, k]) / BIN**2
        for j in range(image.shape[1]):
            place = (left + j - ORIGIN + 0.5) / BIN - 0.5
            cell_x = int(np.floor(place))
            image[i, j] += np.float32(line[cell_x] + (place - cell_x) * (line[cell_x + 1] - line[cell_x]))
