"""Wavelengths of pixels in frames of the lenslets, against where these wavelengths truly fell in that exposure.

This is a wavelength solution as it is used: selected by the frame's header, and at another moment than that of its
arcs, so flexure between the two is in it. Judged are pixels within 0.8 px of the true trace of a spectrum that lies
wholly on light-sensitive pixels of the region, between half transmissions and a pixel inside them.

    assignment      those that are given to the lenslet whose trace passes there
    residual        rms of the distance, along dispersion, of a pixel from where its wavelength falls; of those
    residual_999    99.9 % quantile of its absolute value
    drift           its mean

Truth is that of the sky. Pixels of one exposure share its flexure, so nights decide.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from iris_validators.map_evidence import MapEvidence
from iris_validators.metric import Metric, index_metrics
from iris_validators.residuals import mean_of, rms_of
from iris_validators.sample import Sample

__all__ = ["METRICS", "sample_maps"]

METRICS = index_metrics(
    Metric("wavelength_map.residual", "ratio", "pixel", 0, "Rms error of the wavelengths of pixels in an exposure"),
    Metric("wavelength_map.residual_999", "ratio", "pixel", 0, "99.9 % quantile of that error"),
    Metric("wavelength_map.drift", "mean", "pixel", 0, "Mean error of the wavelengths of pixels in an exposure"),
    Metric("wavelength_map.assignment", "pixels", "1", 1, "Share of pixels given to the spectrum they are of"),
)

Array = npt.NDArray[np.float64]
NEAR = 0.8
"""How near in px to a true trace a pixel's middle lies that is judged; halfway to the next one is 1 px."""


@dataclass(frozen=True, slots=True, eq=False)
class _Spectrum:
    """Pixels of one spectrum: whether each was `given` to it (m,), and the `error` px (k,) of those that were."""

    given: npt.NDArray[np.bool_]
    error: Array


def sample_maps(exposures: Sequence[MapEvidence]) -> list[Sample]:
    """Return the samples of one night's exposures, pooled."""
    row = exposures[0].row
    spectra = [spectrum for evidence in exposures for spectrum in _compare(evidence)]
    if not spectra:
        return [metric.lack(row, "no spectrum lies wholly in it") for metric in METRICS.values()]
    given = np.concatenate([spectrum.given for spectrum in spectra])
    error = np.concatenate([spectrum.error for spectrum in spectra])
    values = {
        "wavelength_map.residual": rms_of(error),
        "wavelength_map.residual_999": float(np.quantile(np.abs(error), 0.999)) if error.size else float("nan"),
        "wavelength_map.drift": mean_of(error),
    }
    return [
        *(METRICS[name].sample(row, value, weight=error.size) for name, value in values.items()),
        METRICS["wavelength_map.assignment"].count(row, int(given.sum()), given.size),
    ]


def _compare(evidence: MapEvidence) -> Iterator[_Spectrum]:
    """Yield the pixels of every spectrum that is judged, below its trace and above it."""
    region, spectra = evidence.region, evidence.spectra
    for lenslet in np.flatnonzero(spectra.good).tolist():
        first, last = spectra.ends[0][lenslet]
        column = np.arange(np.ceil(first + 1), np.floor(last - 1) + 1)
        row = spectra.find_rows(lenslet, column)
        for y in (np.floor(row), np.floor(row) + 1):
            near = np.abs(row - y) <= NEAR
            at = (y[near] - region.ystart + 1).astype(np.intp), (column[near] - region.xstart + 1).astype(np.intp)
            given = evidence.lenslet[at] == evidence.number[lenslet]
            places, _ = spectra.places.find(lenslet, evidence.wavelength[at][given])
            yield _Spectrum(given, places - column[near][given])
