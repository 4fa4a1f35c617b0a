"""How real the simulator is: raw frames held against what real detectors were measured to show.

Every raw exposure of the family, whatever its role, says what it can:

    dark, fast reads   mcds_noise mcds_gain mcds_exponent spectrum_slope common_share
    dark, long         dark_median dark_tail bad_pixels
    dark after light   persistence; the row lists the bright exposure as its second raw file
    flat               gain_bias coupling, loss at the charges reached, saturation
    any                hit_rate hit_pixels hit_charge; never list an exposure with boosted cosmic rays

The product of such a row is the raw file itself, its truth that of the exposure. What has no
specification (a scatter of published figures, or none that could be verified) is shown, not judged.
docs/simulator.md derives what the simulator's constants must give.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from iris_contract.manifest import ManifestRow
from iris_validators.anchors.darks import count_hits, is_long, measure_afterglow, measure_dark
from iris_validators.anchors.light import measure_loss, measure_saturation, measure_transfer
from iris_validators.anchors.noise import is_fast, measure_noise
from iris_validators.anchors.raw import RawEvidence, read_evidence, read_raw
from iris_validators.metric import Metric, index_metrics
from iris_validators.sample import Sample

__all__ = ["METRICS", "sample_simulator"]

METRICS = index_metrics(
    Metric("simulator.mcds_noise", "ratio", "electron", 15.6, "Noise of n pairs of reads"),
    Metric("simulator.mcds_gain", "ratio", "1", 3.4, "Noise of one pair of reads over that of n"),
    Metric("simulator.mcds_exponent", "mean", "1", -0.34, "Power of n with which the noise of n pairs falls"),
    Metric("simulator.spectrum_slope", "mean", "1", -1, "Slope of the noise spectrum along rows"),
    Metric("simulator.common_share", "mean", "1", 0.13, "Share of the noise that all outputs have in common"),
    Metric("simulator.gain_bias", "mean", "1", 0.107, "Error of a gain from variance alone"),
    Metric("simulator.coupling", "mean", "1", 0.0125, "Coupling to a neighbour, from covariance"),
    Metric("simulator.loss", "mean", "1", 0, "Share of signal lost to nonlinearity"),
    Metric("simulator.saturation", "ratio", "electron", 1e5, "Signal of a full well"),
    Metric("simulator.dark_median", "mean", "electron/s", 0, "Median dark current"),
    Metric("simulator.dark_tail", "pixels", "1", 0, "Pixels with a dark current above 0.1 e-/s"),
    Metric("simulator.bad_pixels", "pixels", "1", 0.005, "Bad pixels"),
    Metric("simulator.persistence", "mean", "1", 0, "Charge that comes back within 150 s"),
    Metric("simulator.hit_rate", "mean", "1/(cm2 min)", 1.5, "Cosmic ray hits"),
    Metric("simulator.hit_pixels", "mean", "pixel", 2, "Pixels that a hit leaves charge in"),
    Metric("simulator.hit_charge", "ratio", "electron", 500, "Median charge of a hit"),
)
TAIL = 0.1  # e-/s


def sample_simulator(run: Path, rows: Sequence[ManifestRow]) -> list[Sample]:
    """Return what one night's exposures of one role show; raises LayoutError or ManifestError."""
    return [sample for row in rows for sample in _sample(run, read_evidence(run, row))]


def _sample(run: Path, evidence: RawEvidence) -> list[Sample]:
    samples = _sample_hits(evidence)
    if evidence.is_even:
        samples += _sample_flat(evidence)
    if evidence.is_dark and is_fast(evidence):
        samples += _sample_noise(evidence)
    if evidence.is_dark and is_long(evidence):
        samples += _sample_dark(evidence)
    if evidence.is_dark and len(evidence.row.raw) > 1:
        samples += _sample_afterglow(run, evidence)
    return samples


def _give(evidence: RawEvidence, figure: str, value: float, condition: str = "all", weight: float = 1.0) -> Sample:
    return METRICS[f"simulator.{figure}"].sample(evidence.row, value, condition, weight)


def _sample_hits(evidence: RawEvidence) -> list[Sample]:
    hits = count_hits(evidence)
    samples = [_weigh_exposure(evidence, hits.number, hits.exposure)] if hits.exposure > 0 else []
    if hits.pixels.size:
        samples.append(_give(evidence, "hit_pixels", hits.pixels.mean(), weight=hits.pixels.size))
        samples.append(_give(evidence, "hit_charge", float(np.median(hits.electrons)), weight=hits.pixels.size))
    return samples


def _weigh_exposure(evidence: RawEvidence, number: int, exposure: float) -> Sample:
    """Weight in units of a thousandth of a cm2 min, since a weight below 1 counts as 1."""
    return _give(evidence, "hit_rate", number / exposure, weight=1000 * exposure)


def _sample_flat(evidence: RawEvidence) -> list[Sample]:
    samples, transfer = [], measure_transfer(evidence)
    if transfer:
        samples = [_give(evidence, name, value) for name, value in transfer._asdict().items()]
    losses = measure_loss(evidence)
    samples += [_give(evidence, "loss", loss, f"electrons={charge}") for charge, loss in losses.items()]
    full = measure_saturation(evidence)
    return samples if full is None else [*samples, _give(evidence, "saturation", full)]


def _sample_noise(evidence: RawEvidence) -> list[Sample]:
    noise = measure_noise(evidence)
    samples = [_give(evidence, "mcds_noise", value, f"pairs={n}") for n, value in noise.pairs.items()]
    samples += [
        _give(evidence, "mcds_gain", noise.pairs[1] / value, f"pairs={n}") for n, value in noise.pairs.items() if n > 1
    ]
    if len(noise.pairs) > 2:
        fit = np.polyfit(np.log(list(noise.pairs)), np.log(list(noise.pairs.values())), 1)
        samples.append(_give(evidence, "mcds_exponent", fit[0]))
    for name, value in (("spectrum_slope", noise.slope), ("common_share", noise.share)):
        samples += [] if value is None else [_give(evidence, name, value)]
    return samples


def _sample_dark(evidence: RawEvidence) -> list[Sample]:
    dark, light = measure_dark(evidence), int(np.count_nonzero(evidence.light))
    tail, bad = METRICS["simulator.dark_tail"], METRICS["simulator.bad_pixels"]
    return [
        _give(evidence, "dark_median", float(np.median(dark)), weight=dark.size),
        tail.count(evidence.row, int(np.count_nonzero(dark > TAIL)), dark.size),
        bad.count(evidence.row, int(np.count_nonzero(evidence.defective)), light),
    ]


def _sample_afterglow(run: Path, evidence: RawEvidence) -> list[Sample]:
    share = measure_afterglow(evidence, read_raw(run, evidence.row, 1)[0])
    return [] if share is None else [_give(evidence, "persistence", share)]
