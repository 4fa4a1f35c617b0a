"""Noise of a single read from the read-to-read differences of darks.

A difference of neighbouring reads has variance 2 s^2 + f dt, where s is the read noise and f the
dark rate in e-/s. The rate is measured per pixel on the same differences and its Poisson variance
taken out, so hot pixels are not biased. (The rate rests on the ends of the ramps alone and so costs
only 1/(n ngroups) of a degree of freedom per ramp: 0.03 % of the variance at 10 ramps of 20 reads,
not corrected.) Differences beyond 5 sigma (cosmic rays touch one each)
are left out iteratively. Neighbouring differences share a read, which makes n of them worth 2n/3
independent ones (correlation -1/2: von Neumann 1941).

190 differences give 6 % per pixel, far worse than the spread between pixels need be. So each
pixel's variance is shrunk towards its output's mean by v/(v + e), where e is the variance of the
measurement and v what the observed spread within the output has in excess of it (empirical Bayes).
A pixel more than 5 sigma from the median keeps its own value and stays out of the mean.

The value includes quantisation noise, gain^2/12 in e-^2 (0.14 % at 2 e-/DN and 11 e-), because
that is what a fitter meets. Not modelled: 1/f noise, of which neighbouring differences see only
the fast part; telegraph noise.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["estimate_read_noise", "measure_read_variance"]

Float = npt.NDArray[np.float32]
Double = npt.NDArray[np.float64]
_CLIP = 5.0
_PASSES = 4
_FLOOR = 1e-4  # e-^2: no detector is quieter, and a noise of 0 would make infinite weights
_ROWS = 32  # rows at a time: keeps the temporaries of a large set small


def measure_read_variance(
    reads: npt.NDArray[np.uint16 | np.float32], times: Double, gain: Float
) -> tuple[Double, Double, Double]:
    """Return per pixel the read variance e-^2, the Poisson variance of a difference e-^2, and the differences used.

    `reads` DN (ny, nx, ngroups, nreads), `times` s (ngroups, nreads), `gain` e-/DN (ny, nx); all
    results (ny, nx). The variance is unbiased and may be negative where dark dominates.
    """
    shape = reads.shape[:2]
    variance, poisson, number = (np.zeros(shape, np.float64) for _ in range(3))
    steps = np.diff(times, axis=1).ravel().astype(np.float32)
    for start in range(0, shape[0], _ROWS):
        part = slice(start, start + _ROWS)
        electrons = np.diff(reads[part].astype(np.float32), axis=-1) * gain[part, :, None, None]
        moments = _clip_moments(electrons.reshape(*electrons.shape[:2], -1), steps)
        variance[part], poisson[part], number[part] = moments
    return variance, poisson, number


def _clip_moments(differences: Float, steps: Float) -> tuple[Double, Double, Double]:
    """Return read variance, Poisson variance and count over the last axis, outliers left out."""
    kept = np.ones(differences.shape, bool)
    for _ in range(_PASSES):
        rate = (differences * kept).sum(axis=-1) / np.maximum(kept @ steps, 1e-30)
        residual = differences - rate[..., None] * steps
        count = kept.sum(axis=-1)
        total = np.einsum("...k,...k,...k->...", residual, residual, kept, dtype=np.float64) / np.maximum(count, 1)
        inside = np.abs(residual) <= _CLIP * np.sqrt(total)[..., None].astype(np.float32)
        if np.array_equal(inside, kept):
            break
        kept = inside
    poisson = rate * (kept @ steps) / np.maximum(count, 1)
    return (total - poisson) / 2, poisson.astype(np.float64), count.astype(np.float64)


def estimate_read_noise(
    variance: Double, poisson: Double, number: Double, outputs: npt.NDArray[np.int64]
) -> tuple[Float, Float]:
    """Return read noise and its error in e-, float32 (ny, nx), from `measure_read_variance`'s results.

    `outputs` (nx,) is the output of each column.
    """
    noise, error = np.zeros(variance.shape, np.float32), np.zeros(variance.shape, np.float32)
    for output in np.unique(outputs):
        mine = outputs == output
        noise[:, mine], error[:, mine] = _shrink_output(variance[:, mine], poisson[:, mine], number[:, mine])
    return noise, error


def _shrink_output(variance: Double, poisson: Double, number: Double) -> tuple[Double, Double]:
    freedom = np.maximum(2 * number / 3, 1)
    middle = max(float(np.median(variance)), _FLOOR)
    sampling = (2 * middle + np.maximum(poisson, 0)) ** 2 / (2 * freedom)  # of (2 s^2 + f dt) / 2
    observed = (1.4826 * float(np.median(np.abs(variance - middle)))) ** 2
    intrinsic = max(0.0, observed - float(np.median(sampling)))
    odd = np.abs(variance - middle) > _CLIP * np.sqrt(intrinsic + sampling)
    if not odd.all():
        middle = max(float(variance[~odd].mean()), _FLOOR)  # the median of skewed values would be biased
    weight = np.where(odd, 1.0, intrinsic / (intrinsic + sampling))
    best = np.maximum(middle + weight * (variance - middle), 0.01 * middle)
    of_middle = (intrinsic + float(np.median(sampling))) / variance.size
    noise = np.sqrt(best)
    return noise, np.sqrt(weight * sampling + of_middle) / (2 * noise)
