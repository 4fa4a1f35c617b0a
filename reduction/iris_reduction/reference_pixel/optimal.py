"""As `side`, but with the filter along rows that the exposure itself shows to be the best.

Let b be the mean of the reference columns of a row and x the noise of the pixels that it shall
predict, both as sequences over the rows of a read, in cosine transform (which for red noise nearly
diagonalises the covariance, and needs no periodicity). The linear filter that makes the expectation
of |x - H b|^2 smallest at each frequency is Wiener's

    H = P_xb / P_bb,

of which P_bb is seen. b is x plus noise of its own, so P_xb is the spectrum of what both share. It is
estimated by the product of two measurements of that whose own noises are independent, averaged over
ramps, reads and bands of frequency: the noise then adds to the scatter of the estimate, but nothing
to its mean. What the measurements are depends on what the region holds:

- both borders: left and right columns belong to different outputs. Their cross-spectrum is that of the
  noise common to all outputs, and b is their mean.
- one border: its columns share the noise of their own output besides. So the second measurement is
  the mean over a row of light-sensitive pixels of the *other* outputs, after each pixel's straight line in
  time, which holds its signal, has been taken out (of the columns too, in the spectra); photon noise
  is independent of the columns. Pixels that jump are clipped.
- the outputs that hold reference columns get a filter of their own on these columns: x is then
  common plus own noise of the output, seen by two pairs of neighbouring columns, in
  which the alternating noise cancels.

H lies between 0 and 1: at slow variations near 1, where white noise wins, near 0. Filters of
this kind: Rauscher et al. 2017 (PASP 129, 105003), 2022 (PASP 134, 104503, SIRS).

Not modelled: noise within a row; own noise of outputs beyond its drift from read to read. One
border and fewer than three reads allow no filter: only the drift of outputs is subtracted.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit
from scipy.fft import dct, idct

from iris_reduction.reference_pixel.protocol import Double, Float
from iris_reduction.reference_pixel.rows import find_sides, measure_row_noise, subtract_row_noise

__all__ = ["find_filter", "optimal"]

Columns = npt.NDArray[np.int64]
_BAND = 1.25  # ratio of the ends of a band of frequencies
_EVERY = 4  # of how many light-sensitive columns one is used
_CLIP = 4.0  # standard deviations


def optimal(
    reads: npt.NDArray[np.uint16] | Float,
    times: Double,
    *,
    border: npt.NDArray[np.bool_],
    usable: npt.NDArray[np.bool_],
    outputs: npt.NDArray[np.int64],
    columns: npt.NDArray[np.int64],
) -> Float:
    """Return the reads without drift, filtered row noise and alternating columns; `ReferencePixelCorrection`."""
    sides = [chosen for chosen in find_sides(border) if usable[:, chosen].any()]
    streams = [s for s in (measure_row_noise(reads, usable, chosen) for chosen in sides) if s is not None]
    rows: dict[int, Double] = {}
    if streams:
        own = {int(outputs[chosen[0]]) for chosen in sides}
        common = _predict_common(reads, times, streams, border, outputs, own)
        if common is not None:
            rows = dict.fromkeys(np.unique(outputs).tolist(), common)
        for chosen, stream in zip(sides, streams, strict=True):
            pairs = [measure_row_noise(reads, usable, half) for half in np.array_split(chosen, 2)]
            if pairs[0] is not None and pairs[1] is not None:
                gain = find_filter(pairs[0], pairs[1], stream)
                rows[int(outputs[chosen[0]])] = _apply(gain, stream)
    return subtract_row_noise(reads, times, rows, usable, outputs, columns)


def _predict_common(
    reads: npt.NDArray[np.uint16] | Float,
    times: Double,
    streams: list[Double],
    border: npt.NDArray[np.bool_],
    outputs: npt.NDArray[np.int64],
    own: set[int],
) -> Double | None:
    """Return the row noise DN (ny, ngroups, nreads) common to all outputs; None where nothing can tell it."""
    if len(streams) == 2:
        both = (streams[0] + streams[1]) / 2
        return _apply(find_filter(streams[0], streams[1], both), both)
    others = np.flatnonzero(~np.isin(outputs, list(own)) & ~border.all(axis=0))[::_EVERY]
    if others.size == 0 or times.shape[1] < 3:
        return None
    light = _average_light(reads, others, border, _project_lines(times))
    varying = np.einsum("ygr,grs->ygs", streams[0], _project_lines(times))
    return _apply(find_filter(varying, light, varying), streams[0])


def find_filter(one: Double, other: Double, seen: Double) -> Double:
    """Return the gain (ny,) at each frequency of the cosine transform: cross-spectrum of `one` and `other` over that of
    `seen`.

    All (ny, ngroups, nreads); spectra are means over ramps, reads and bands of frequency.
    """
    spectra = [dct(plane, axis=0, norm="ortho") for plane in (one, other, seen)]
    cross = (spectra[0] * spectra[1]).mean(axis=(1, 2))
    power = (spectra[2] ** 2).mean(axis=(1, 2))
    ny = len(cross)
    edges = np.unique(np.append(np.floor(_BAND ** np.arange(np.ceil(np.log(ny) / np.log(_BAND)))), [0, ny]))
    first = edges[:-1].astype(np.int64)
    gains = np.add.reduceat(cross, first) / np.maximum(np.add.reduceat(power, first), 1e-30)
    centres = (edges[:-1] + edges[1:] - 1) / 2
    filled: Double = np.clip(np.interp(np.arange(ny), centres, gains), 0.0, 1.0)
    return filled


def _apply(gain: Double, stream: Double) -> Double:
    filtered: Double = idct(gain[:, None, None] * dct(stream, axis=0, norm="ortho"), axis=0, norm="ortho")
    return filtered


def _project_lines(times: Double) -> Double:
    """Return the matrices (ngroups, nreads, nreads) that take the straight line in time out of each ramp."""
    matrices = []
    for ramp in times:
        basis = np.linalg.qr(np.stack([np.ones_like(ramp), ramp - ramp.mean()], axis=1))[0]
        matrices.append(np.eye(len(ramp)) - basis @ basis.T)
    return np.array(matrices)


def _average_light(
    reads: npt.NDArray[np.uint16] | Float, columns: Columns, border: npt.NDArray[np.bool_], project: Double
) -> Double:
    """Return the mean (ny, ngroups, nreads) over light-sensitive pixels of `columns`, straight lines taken out."""
    sample = reads[:: max(1, len(reads) // 64), columns[:: max(1, columns.size // 64)]].astype(np.float64)
    residual = np.einsum("yxgr,grs->yxgs", sample, project)
    limit = _CLIP * 1.4826 * float(np.median(np.abs(residual)))
    total = np.zeros((len(reads), *reads.shape[2:]))
    _sum_light(reads, columns, ~border, project, limit, total)
    return total


@njit(nogil=True, cache=True)
def _sum_light(reads: Any, columns: Any, light: Any, project: Any, limit: float, total: Any) -> None:
    rows, (ngroups, nreads) = len(reads), reads.shape[2:]
    for y in range(rows):
        number = 0
        for x in columns:
            if light[y, x]:
                number += 1
                for g in range(ngroups):
                    for s in range(nreads):
                        value = 0.0
                        for r in range(nreads):
                            value += project[g, r, s] * reads[y, x, g, r]
                        total[y, g, s] += min(max(value, -limit), limit)
        for g in range(ngroups):
            for s in range(nreads):
                total[y, g, s] /= max(number, 1)
