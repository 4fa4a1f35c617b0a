"""Subtract the drift of each output, measured on its own reference pixels.

For every output and read, the mean of all reference pixels that this output reads (border rows,
and border columns where its strip holds them) gives the level. Its mean over a ramp is subtracted
as it is; it has no effect on rates. What varies within a ramp is drift plus the noise of the mean
(256 pixels at 11 e- leave 0.7 e-), and that noise is common to all pixels of an output: subtracted
in full it would bias a whole output by 0.003 e-/s in 190 s. So the variation is split into its
part linear in time, which biases rates most, and the rest, and each is shrunk by the positive-part
James-Stein factor max(0, 1 - expected noise / observed), pooled over outputs and ramps of the
exposure (Efron & Morris 1973, JASA 68, 117). Where there is no drift, next to no noise is added;
strong drift is subtracted in full.

Half the difference between an output's even and odd columns, the alternating column noise, is
measured and shrunk in the same way (`measure_parity_levels`).

Not modelled: gradients along the rows of an output, 1/f noise faster than a read. What is left is
common to an output and not part of the errors.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["find_quiet_pixels", "measure_parity_levels", "measure_reference_levels", "subtract_reference_levels"]

Array = npt.NDArray[np.float64]
Reads = npt.NDArray[np.uint16 | np.float32]
_CLIP = 5.0  # sigmas by which a reference pixel's scatter may differ from the median's


def measure_reference_levels(
    reads: Reads, times: Array, usable: npt.NDArray[np.bool_], outputs: npt.NDArray[np.int64]
) -> dict[int, Array]:
    """Return the level in DN of each output that has reference pixels, (ngroups, nreads) by number.

    `reads` DN (ny, nx, ngroups, nreads); `times` s (ngroups, nreads); `usable` (ny, nx) is True on
    good reference pixels; `outputs` (nx,) is the output of each column.
    """
    rows, columns = np.nonzero(usable)
    means, drifts, variances = {}, {}, {}
    for output in np.unique(outputs[columns]).tolist():
        mine = outputs[columns] == output
        pixels = reads[rows[mine], columns[mine]].astype(np.float64)
        means[output], drifts[output], variances[output] = _average(pixels)
    shrunk = _shrink(drifts, variances, times)
    return {output: means[output][:, None] + shrunk[output] for output in means}


def _average(pixels: Array) -> tuple[Array, Array, float]:
    """Return ramp means (ngroups), drift about them (ngroups, nreads) and the noise variance of a drift value."""
    _, ngroups, nreads = pixels.shape
    ramp_means = pixels.mean(axis=2)  # each pixel's own reset level
    varying = pixels - ramp_means[:, :, None]
    freedom = ngroups * (nreads - 1)
    kept = find_quiet_pixels(pixels)
    number = int(kept.sum())
    drift = varying[kept].mean(axis=0)
    spread = ((varying[kept] - drift) ** 2).sum() / (freedom * max(number - 1, 1))
    return ramp_means[kept].mean(axis=0), drift, spread / number


def find_quiet_pixels(pixels: Array) -> npt.NDArray[np.bool_]:
    """Return which of `pixels` (n, ngroups, nreads) scatter within ramps as the median one does; all if none."""
    _, ngroups, nreads = pixels.shape
    varying = pixels - pixels.mean(axis=2, keepdims=True)
    residual = varying - np.median(varying, axis=0)
    freedom = ngroups * (nreads - 1)
    scatter = np.sqrt((residual**2).sum(axis=(1, 2)) / freedom)
    middle = float(np.median(scatter))
    kept: npt.NDArray[np.bool_] = np.abs(scatter - middle) <= _CLIP * middle / np.sqrt(2 * freedom)
    return kept if kept.any() else np.ones_like(kept)


def measure_parity_levels(
    reads: Reads,
    times: Array,
    usable: npt.NDArray[np.bool_],
    outputs: npt.NDArray[np.int64],
    columns: npt.NDArray[np.int64],
) -> dict[int, Array]:
    """Return half of even minus odd columns in DN, (ngroups, nreads), of each output whose reference pixels tell it.

    `columns` (nx,) are the detector's column numbers from 0; the rest as `measure_reference_levels`.
    """
    rows, which = np.nonzero(usable)
    halves, variances = {}, {}
    for output in np.unique(outputs[which]).tolist():
        mine = [(outputs[which] == output) & (columns[which] % 2 == parity) for parity in (0, 1)]
        if min(m.sum() for m in mine) > 1:
            even, odd = (_average(reads[rows[m], which[m]].astype(np.float64)) for m in mine)
            halves[output], variances[output] = (even[1] - odd[1]) / 2, (even[2] + odd[2]) / 4
    return _shrink(halves, variances, times)


def _shrink(drifts: dict[int, Array], variances: dict[int, float], times: Array) -> dict[int, Array]:
    """Shrink the linear part and the rest of the drifts by factors common to all outputs."""
    axis = times - times.mean(axis=1, keepdims=True)
    axis = axis / np.sqrt((axis**2).sum(axis=1, keepdims=True))
    linear = {k: (drift * axis).sum(axis=1, keepdims=True) * axis for k, drift in drifts.items()}
    rest = {k: drift - linear[k] for k, drift in drifts.items()}
    ngroups, nreads = times.shape
    keep_linear = _find_signal_variance(linear, variances, ngroups)
    keep_rest = _find_signal_variance(rest, variances, ngroups * (nreads - 2))
    shrunk = {}
    for k, noise in variances.items():
        factors = [signal / (signal + noise) if signal > 0 else 0.0 for signal in (keep_linear, keep_rest)]
        shrunk[k] = factors[0] * linear[k] + factors[1] * rest[k]
    return shrunk


def _find_signal_variance(parts: dict[int, Array], variances: dict[int, float], freedom: int) -> float:
    """Return the variance in excess of noise per degree of freedom, 0 where there is none."""
    if freedom == 0 or not parts:
        return 0.0
    excess = [(part**2).sum() - freedom * variances[k] for k, part in parts.items()]
    return max(0.0, float(np.sum(excess)) / (freedom * len(parts)))


def subtract_reference_levels(
    reads: Reads, levels: dict[int, Array], outputs: npt.NDArray[np.int64]
) -> npt.NDArray[np.float32]:
    """Return float32 DN like `reads` with each column's output level subtracted.

    Outputs without reference pixels are left as they are. The result is never cast back to
    integers: rounding would wrap negative values and add noise.
    """
    offset = np.zeros((outputs.size, *reads.shape[2:]), np.float32)
    for output, level in levels.items():
        offset[outputs == output] = level
    return np.subtract(reads, offset[None], dtype=np.float32)
