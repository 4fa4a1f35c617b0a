"""Noise that the pixels of a row share, from the reference columns beside it; used by `side` and `optimal`.

What both do with the row noise once they have it: subtract it, then the drift of each output and
half its difference between even and odd columns, both measured on what is left of the reference
pixels and shrunk as `kernels.reference_pixels` explains; so neither adds noise where it does not pay.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt

from iris_reduction.kernels.reference_pixels import (
    find_quiet_pixels,
    measure_parity_levels,
    measure_reference_levels,
)
from iris_reduction.reference_pixel.protocol import Double, Float

__all__ = ["find_sides", "measure_row_noise", "subtract_row_noise"]

Columns = npt.NDArray[np.int64]
_STRIP = 64  # rows at a time: keeps temporaries small


def find_sides(border: npt.NDArray[np.bool_]) -> tuple[Columns, Columns]:
    """Return the indices of the left and of the right reference columns of a region (ny, nx); empty where it has none.

    A region without any light-sensitive pixel has none.
    """
    light = np.flatnonzero(~border.all(axis=0))
    index = np.arange(border.shape[1])
    return (index[: light[0]], index[light[-1] + 1 :]) if light.size else (index[:0], index[:0])


def measure_row_noise(
    reads: npt.NDArray[np.uint16] | Float, usable: npt.NDArray[np.bool_], columns: Columns
) -> Double | None:
    """Return the mean in DN over the usable pixels of `columns`, (ny, ngroups, nreads), each less its mean over a ramp.

    `reads` DN (ny, nx, ngroups, nreads); `usable` (ny, nx). Rows without a usable pixel get the mean
    of those that have one; None where no row has.
    """
    rows, which = np.nonzero(usable[:, columns])
    if rows.size == 0:
        return None
    pixels = reads[rows, columns[which]].astype(np.float64)
    kept = find_quiet_pixels(pixels)
    varying = pixels[kept] - pixels[kept].mean(axis=2, keepdims=True)
    number = np.bincount(rows[kept], minlength=len(reads))
    noise = np.zeros((len(reads), *reads.shape[2:]))
    np.add.at(noise, rows[kept], varying)
    noise /= np.maximum(number, 1)[:, None, None]
    noise[number == 0] = noise[number > 0].mean(axis=0)
    return noise


def subtract_row_noise(
    reads: npt.NDArray[np.uint16] | Float,
    times: Double,
    rows: dict[int, Double],
    usable: npt.NDArray[np.bool_],
    outputs: npt.NDArray[np.int64],
    columns: npt.NDArray[np.int64],
) -> Float:
    """Return float32 DN without row noise, drift of outputs and alternating columns.

    `rows` holds the row noise DN (ny, ngroups, nreads) of each output that it is known of.
    """
    corrected = np.empty(reads.shape, np.float32)
    noise = {output: plane.astype(np.float32) for output, plane in rows.items()}
    strips = [(slice(s, e), o) for s, e, o in _split_columns(outputs)]
    for first in range(0, len(reads), _STRIP):
        part = slice(first, first + _STRIP)
        for strip, output in strips:
            given = noise[output][part, None] if output in noise else np.float32(0)
            np.subtract(reads[part, strip], given, out=corrected[part, strip], dtype=np.float32)
    offset = np.zeros((outputs.size, *times.shape), np.float32)
    for output, level in measure_reference_levels(corrected, times, usable, outputs).items():
        offset[outputs == output] = level
    sign = np.where(columns % 2, np.float32(-1), np.float32(1))[:, None, None]
    for output, half in measure_parity_levels(corrected, times, usable, outputs, columns).items():
        offset[outputs == output] += sign[outputs == output] * half.astype(np.float32)
    for first in range(0, len(reads), _STRIP):
        corrected[first : first + _STRIP] -= offset
    return corrected


def _split_columns(outputs: npt.NDArray[np.int64]) -> list[tuple[int, int, int]]:
    """Return first column, last column + 1 and output of each strip."""
    edges = [0, *(np.flatnonzero(np.diff(outputs)) + 1).tolist(), outputs.size]
    return [(a, b, int(outputs[a])) for a, b in pairwise(edges)]
