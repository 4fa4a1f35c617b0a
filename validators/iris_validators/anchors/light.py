"""What flats show: photon transfer with the covariance of neighbours, nonlinearity, saturation.

Photon transfer: one difference of reads per ramp, at low charge, its scatter from ramp to ramp. The
covariance of pixels eight columns apart, which is the noise that rows have in common, is taken out of
variance and covariances, and the true read noise of the variance. With variance V and mean M in true
electrons a gain that knows nothing of neighbours is off by M/V - 1; C between neighbours at a side
gives the coupling C / (2 sqrt(V M)), exact to second order.

Nonlinearity: mean signal against mean true charge, read by read, interpolated in logarithms, of pixels that
collect alike: one beside an open pixel fills a quarter faster.

Not modelled: charge that spreads before it is collected (brighter-fatter effect), which adds covariance.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from iris_validators.anchors.raw import Mask, RawEvidence
from iris_validators.cramer_rao import read_variance

__all__ = ["CHARGES", "Transfer", "measure_loss", "measure_saturation", "measure_transfer"]

CHARGES = (20_000, 30_000, 44_500, 60_000, 80_000)
"""Charges in e- at which the loss of signal is measured."""
SETTLED = 4.0  # s after which a reset no longer shows
LOW, LEAST = 20_000.0, 1_000.0  # e-: most charge and least difference for photon transfer
FAINT = 10_000.0  # e-, of which 0.02 % are lost
APART = 8  # columns: too far to be coupled, the same kind of column
ALIKE = 0.1  # departure from the median rate
OVERFULL = 1.15  # multiple of the design's well that every pixel's own lies below
MANY = 100  # pixels

Plane = npt.NDArray[np.float32]


class Transfer(NamedTuple):
    """Relative error of a gain from variance alone, and the coupling to a neighbour at a side."""

    gain_bias: float
    coupling: float


def measure_transfer(evidence: RawEvidence) -> Transfer | None:
    """Return what photon transfer gives; None where there is no second ramp, or no difference at low charge."""
    charge = evidence.times[0] * float(evidence.truth.rate_detected[evidence.light].mean())
    usable = np.flatnonzero((evidence.times[0] >= SETTLED) & (charge <= LOW))
    if evidence.times.shape[0] < 2 or len(usable) < 2 or np.ptp(charge[usable]) < LEAST:
        return None
    change = _collect_change(evidence, int(usable[0]), int(usable[-1]))
    good, ramps = evidence.sound, change.shape[-1]
    mean = float(change[good].mean(dtype=np.float64))
    change -= change.mean(axis=-1, keepdims=True)
    per_row = _covariance(change, good, 0, APART)
    scale = ramps / (ramps - 1)
    white = 2 * read_variance(evidence.truth.read_noise[good], evidence.truth.gain[good]).mean()
    variance = scale * (_covariance(change, good, 0, 0) - per_row) - white
    next_row = _covariance(change, good, 1, APART)
    sides = _covariance(change, good, 0, 1) - per_row, _covariance(change, good, 1, 0) - next_row
    side = scale * sum(sides) / 2
    poisson = max(0.0, mean * variance) ** 0.5 or float("nan")
    return Transfer(mean / variance - 1, side / (2 * poisson))


def _collect_change(evidence: RawEvidence, first: int, last: int) -> Plane:
    """Signal e- gained between two reads, (ny, nx, ramps)."""
    parts = []
    for columns in evidence.outputs():
        reads = evidence.ramp.reads[:, columns]
        step = reads[..., last].astype(np.float32) - reads[..., first]
        parts.append(step * evidence.truth.gain[:, columns, None])
    return np.concatenate(parts, axis=1)


def _covariance(change: Plane, good: Mask, dy: int, dx: int) -> float:
    """Mean product e-^2 of pixels `dy` rows and `dx` columns apart, both good."""
    ny, nx = good.shape
    one, other = (slice(0, ny - dy), slice(0, nx - dx)), (slice(dy, ny), slice(dx, nx))
    both = good[one] & good[other]
    return float((change[one][both] * change[other][both]).mean(dtype=np.float64)) if both.any() else float("nan")


def measure_loss(evidence: RawEvidence) -> dict[int, float]:
    """Return, by charge e-, the share of signal lost at those of CHARGES that the ramps reach.

    Signal counts from the last read that holds less than FAINT, where next to nothing is lost.
    """
    mask, times, rate = evidence.sound, evidence.times[0], evidence.truth.rate_detected
    if not mask.any():
        return {}
    mask = mask & (np.abs(rate / np.median(rate[mask]) - 1) < ALIKE)
    rates = rate[mask].astype(np.float64)
    charge, found = times * rates.mean(), {}
    first = int(np.searchsorted(charge, FAINT)) - 1
    unfilled = times * np.quantile(rates, 0.999) < evidence.ramp.detector.well_depth
    for read in np.flatnonzero(unfilled & (charge > min(CHARGES) / 2)) if first >= 0 else ():
        signal = evidence.average(_subtract(len(times), first, int(read)), mask)[mask].mean()
        found[float(charge[read])] = 1 - float(signal + charge[first]) / float(charge[read])
    return _interpolate(found)


def _interpolate(losses: dict[float, float]) -> dict[int, float]:
    charges, values = np.array(list(losses)), np.array(list(losses.values()))
    inside = [charge for charge in CHARGES if charges.size and charges[0] <= charge <= charges[-1]]
    if not np.all(values > 0):  # no power of the charge passes through it
        return {charge: float(np.interp(charge, charges, values)) for charge in inside}
    return {charge: float(np.exp(np.interp(np.log(charge), np.log(charges), np.log(values)))) for charge in inside}


def _subtract(reads: int, first: int, last: int) -> npt.NDArray[np.float64]:
    weights = np.zeros(reads)
    weights[first], weights[last] = -1, 1
    return weights


def measure_saturation(evidence: RawEvidence) -> float | None:
    """Return the median signal e- of pixels whose wells are full at the last read; None where they are few."""
    times = evidence.times[0]
    full = evidence.sound & (evidence.truth.rate_detected * times[-1] > OVERFULL * evidence.ramp.detector.well_depth)
    if np.count_nonzero(full) < MANY:
        return None
    return float(np.median(evidence.average(_subtract(len(times), 0, len(times) - 1), full)[full]))
