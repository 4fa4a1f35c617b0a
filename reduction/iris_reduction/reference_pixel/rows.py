"""Noise that the pixels of a row share, from the reference columns beside it; used by `side` and `optimal`.

What both do with the row noise once they have it: subtract it, then the drift of each output and
half its difference between even and odd columns, both measured on what is left of the reference
pixels and shrunk as `kernels.reference_pixels` explains; so neither adds noise where it does not pay.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from iris_reduction.blocks import map_rows
from iris_reduction.kernels.reference_pixels import (
    find_quiet_pixels,
    measure_parity_levels,
    measure_reference_levels,
)
from iris_reduction.reference_pixel.protocol import Double, Float

__all__ = ["find_sides", "measure_row_noise", "subtract_row_noise"]

Columns = npt.NDArray[np.int64]


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
    from iris_reduction.reference_pixel.subtraction import subtract  # here, since it imports numba

    numbers, number = np.unique(outputs, return_inverse=True)
    noise = np.zeros((len(numbers), len(reads), *times.shape), np.float32)
    for output, plane in rows.items():
        noise[numbers == output] = plane
    y, x = np.nonzero(usable)
    pixels = (reads[y, x] - noise[number[x], y])[None]  # as a region of one row: only these are measured on
    measured = np.ones((1, len(y)), np.bool_)
    offset = np.zeros((outputs.size, *times.shape), np.float32)
    for output, level in measure_reference_levels(pixels, times, measured, outputs[x]).items():
        offset[outputs == output] = level
    sign = np.where(columns % 2, np.float32(-1), np.float32(1))[:, None, None]
    for output, half in measure_parity_levels(pixels, times, measured, outputs[x], columns[x]).items():
        offset[outputs == output] += sign[outputs == output] * half.astype(np.float32)
    corrected = np.empty(reads.shape, np.float32)
    map_rows(lambda part: subtract(reads[part], noise[:, part], number, offset, corrected[part]), reads.shape)
    return corrected
