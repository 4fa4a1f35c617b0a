"""Noise of dark ramps read as fast as a whole detector can be: how it falls with the number of reads, and its colour.

The noise of n pairs (MCDS, Fowler sampling) is the scatter, from ramp to ramp, of the mean of n reads
minus that of the n reads before, as exposures of the shortest time would show it; no reference pixel
is used. The spectrum is that of the row means of an output, white noise taken out as the scatter
within rows says. What outputs have in common is the covariance of their row means.

Not modelled: noise that a whole read has in common is seen as few times as there are ramps.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from iris_validators.anchors.raw import Cube, Mask, RawEvidence

__all__ = ["PAIRS", "Noise", "is_fast", "measure_noise"]

PAIRS = (1, 2, 4, 8, 16, 32)
CADENCE = (0.5, 2.0)  # s between reads: full frames of detectors of this kind
ROWS = 512  # rows that are used at most
LOWEST, HIGHEST, BINS = 3, 1 / 8, 6  # periods over the region; periods per row; bins of the spectrum
FULL_ROW = 8  # good pixels that a row of an output needs


@dataclass(frozen=True, slots=True)
class Noise:
    """`pairs` to noise e-; `slope` of the logarithmic spectrum along rows; `share` of CDS variance in common.

    `slope` and `share` are None where there are too few rows or outputs; NaN is a spectrum below the white noise.
    """

    pairs: dict[int, float]
    slope: float | None
    share: float | None


@dataclass(frozen=True, slots=True)
class _Output:
    """Of one output: variances e-^2 by pairs, their pixels, row means e- (rows, ramps, reads), their white variance."""

    variances: dict[int, float]
    pixels: int
    means: npt.NDArray[np.float64]
    white: float


def is_fast(evidence: RawEvidence) -> bool:
    """Whether there are two or more ramps of reads at the even pace of full frames."""
    ramps, reads = evidence.times.shape
    steps = np.diff(evidence.times, axis=1)
    low, high = float(steps.min()), float(steps.max())
    return ramps > 1 and reads > 2 and CADENCE[0] <= low and high <= min(CADENCE[1], 1.01 * low)


def measure_noise(evidence: RawEvidence) -> Noise:
    """Return the noise of a dark exposure."""
    rows = np.flatnonzero(evidence.light.any(axis=1))[:ROWS]
    span, outputs = slice(int(rows[0]), int(rows[-1]) + 1), []
    for columns in evidence.outputs():
        good = evidence.good[span, columns]
        if np.all(good.sum(axis=1) >= FULL_ROW):
            outputs.append(_measure_output(evidence.electrons(columns, span), good))
    pixels = np.array([output.pixels for output in outputs])
    pairs = {
        n: float(np.sqrt(np.average([output.variances[n] for output in outputs], weights=pixels)))
        for n in (outputs[0].variances if outputs else ())
    }
    slope = _fit_slope(outputs) if outputs and len(rows) * HIGHEST > 2 * LOWEST else None
    return Noise(pairs, slope, _find_share(outputs, pairs[1]) if len(outputs) > 1 else None)


def _measure_output(signal: Cube, good: Mask) -> _Output:
    """Measure one output's `signal` e- (rows, columns, ramps, reads) in the pixels `good` (rows, columns)."""
    reads = signal.shape[-1]
    variances = {n: _mcds_variance(signal, good, n) for n in PAIRS if 2 * n <= reads}
    noise = signal - signal.mean(axis=-1, keepdims=True)  # the pixel's pedestal after this reset
    noise -= noise.mean(axis=2, keepdims=True)  # what returns in every ramp: settling, dark current
    number = good.sum(axis=1)
    means = (noise * good[:, :, None, None]).sum(axis=1, dtype=np.float64) / number[:, None, None]
    inner = (np.square(noise - means[:, None].astype(np.float32)) * good[:, :, None, None]).mean(axis=(2, 3)).sum(
        axis=1, dtype=np.float64
    ) / (number - 1)
    return _Output(variances, int(good.sum()), means, float((inner / number).mean()))


def _mcds_variance(signal: Cube, good: Mask, pairs: int) -> float:
    """Variance e-^2 over ramps of the differences that `pairs` reads and the next `pairs` make."""
    rows, columns, ramps, reads = signal.shape
    number = reads // (2 * pairs)
    groups = signal[..., : 2 * pairs * number].reshape(rows, columns, ramps, number, 2, pairs).mean(axis=-1)
    return float((groups[..., 1] - groups[..., 0]).var(axis=2, ddof=1).mean(axis=-1)[good].mean(dtype=np.float64))


def _fit_slope(outputs: list[_Output]) -> float:
    """Slope of logarithmic power against logarithmic frequency, in bins of equal width of the latter."""
    rows = outputs[0].means.shape[0]
    window = np.hanning(rows + 2)[1:-1, None, None]
    power = np.zeros(rows // 2 + 1)
    for output in outputs:
        centred = output.means - output.means.mean(axis=0)
        seen = (np.abs(np.fft.rfft(centred * window, axis=0)) ** 2).mean(axis=(1, 2))
        power += (seen - output.white * float((window**2).sum())) / len(outputs)
    edges = np.geomspace(LOWEST, rows * HIGHEST, BINS + 1)
    periods = np.arange(len(power))
    inside = [(periods >= low) & (periods < high) for low, high in pairwise(edges)]
    kept = [places for places in inside if places.any()]
    x = [np.log(periods[places]).mean() for places in kept]
    y = np.array([power[places].mean() for places in kept])
    return float(np.polyfit(x, np.log(y), 1)[0]) if np.all(y > 0) else float("nan")


def _find_share(outputs: list[_Output], cds_noise: float) -> float:
    """Mean covariance of two outputs' row means of read differences, over the CDS variance of a pixel."""
    steps = np.diff([output.means for output in outputs], axis=-1)
    number, ramps = steps.shape[0], steps.shape[2]
    together = np.square(steps.sum(axis=0)).mean() - np.square(steps).mean(axis=(1, 2, 3)).sum()
    return float(together / (number * (number - 1)) * ramps / (ramps - 1) / cds_noise**2)
