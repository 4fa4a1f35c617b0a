"""Wavelengths of pixels in frames of the lenslets, against where these wavelengths truly fell in that exposure.

This is a wavelength solution as it is used: selected by the frame's header, and at another moment than that of its
arcs, so flexure between the two is in it. Judged are pixels within 0.8 px of the true trace of a spectrum that lies
wholly on light-sensitive pixels of the region, between half transmissions and a pixel inside them, where no other
trace passes within a px: what two spectra share, as where they overlap end to end, is nobody's.

    assignment      those that are given to the lenslet whose trace passes there
    purity          of all pixels that are given to a lenslet, those within 1.5 px of its trace
    residual        rms of the distance, along dispersion, of a pixel from where its wavelength falls, if rightly given
    residual_999    99.9 % quantile of its absolute value
    drift           its mean

Truth is that of the sky. Pixels of one exposure share its flexure, so nights decide. A row is of one filter, grating,
scale and mask. DATA, ERR and DQ of the frame are not judged here: they are those of the rate image less the dark.
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
    Metric("wavelength_map.purity", "pixels", "1", 1, "Share of pixels given to a spectrum that are of it"),
)

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
NEAR = 0.8
"""How near in px to a true trace a pixel's middle lies that is judged; halfway to the next one is about 1 px."""
APART = 1.0
"""How far in px every other trace is from it."""
OWN = 1.5
"""How far in px from its trace, and beyond its ends, a pixel may lie that is given to a spectrum."""


@dataclass(frozen=True, slots=True, eq=False)
class _Spectrum:
    """Pixels of one spectrum: whether each was `given` to it (m,), and the `error` px (k,) of those that were."""

    given: Mask
    error: Array


def sample_maps(exposures: Sequence[MapEvidence]) -> list[Sample]:
    """Return the samples of one night's exposures, which share a setting, pooled."""
    row, condition = exposures[0].row, exposures[0].spectra.condition
    spectra = [spectrum for evidence in exposures for spectrum in _compare(evidence)]
    if not spectra:
        return [metric.lack(row, "no spectrum lies wholly in it", condition) for metric in METRICS.values()]
    given = np.concatenate([spectrum.given for spectrum in spectra])
    error = np.concatenate([spectrum.error for spectrum in spectra])
    values = {
        "wavelength_map.residual": rms_of(error),
        "wavelength_map.residual_999": float(np.quantile(np.abs(error), 0.999)) if error.size else float("nan"),
        "wavelength_map.drift": mean_of(error),
    }
    right, named = np.sum([_count_own(evidence) for evidence in exposures], axis=0)
    return [
        *(METRICS[name].sample(row, value, condition, error.size) for name, value in values.items()),
        METRICS["wavelength_map.assignment"].count(row, int(given.sum()), given.size, condition),
        METRICS["wavelength_map.purity"].count(row, int(right), int(named), condition),
    ]


def _compare(evidence: MapEvidence) -> Iterator[_Spectrum]:
    """Yield the pixels of every spectrum that is judged, below its trace and above it."""
    spectra, shared = evidence.spectra, _find_shared(evidence)
    for lenslet in np.flatnonzero(spectra.good).tolist():
        y, x, off = _walk(evidence, lenslet, NEAR, -1.0)
        alone = (off <= NEAR) & ~shared[y, x]
        y, x = y[alone], x[alone]
        given = evidence.lenslet[y, x] == evidence.number[lenslet]
        places, _ = spectra.places.find(lenslet, evidence.wavelength[y, x][given])
        yield _Spectrum(given, places - (x[given] + evidence.region.xstart - 1))


def _walk(evidence: MapEvidence, lenslet: int, reach: float, beyond: float) -> tuple[npt.NDArray[np.intp], ...]:
    """Return y, x of pixels (m,) within `reach` px of a true trace, to `beyond` px past its ends, and how far off."""
    spectra, region = evidence.spectra, evidence.region
    first, last = spectra.ends[0][lenslet]
    column = np.arange(np.ceil(first - beyond), np.floor(last + beyond) + 1)
    row = spectra.find_rows(lenslet, column)
    steps = np.arange(-int(reach), int(reach) + 2)
    y = (np.floor(row)[:, None] + steps).ravel()
    x, off = np.repeat(column, len(steps)), np.abs(np.repeat(row, len(steps)) - y)
    y, x = (y - region.ystart + 1).astype(np.intp), (x - region.xstart + 1).astype(np.intp)
    seen = (off <= reach) & (y >= 0) & (y < region.ysize) & (x >= 0) & (x < region.xsize)
    return y[seen], x[seen], off[seen]


def _find_shared(evidence: MapEvidence) -> Mask:
    """Tell of each pixel (ny, nx) whether more than one true trace passes within a px."""
    traces = np.zeros(evidence.region.shape, dtype=np.int8)
    for lenslet in range(len(evidence.number)):
        y, x, _ = _walk(evidence, lenslet, APART, 0.0)
        np.add.at(traces, (y, x), 1)
    return traces > 1


def _count_own(evidence: MapEvidence) -> tuple[int, int]:
    """Return how many pixels are given to a lenslet near whose trace they lie, and how many to any; of the window."""
    own = np.zeros(evidence.region.shape, dtype=bool)
    for lenslet, number in enumerate(evidence.number.tolist()):
        y, x, _ = _walk(evidence, lenslet, OWN, OWN)
        mine = evidence.lenslet[y, x] == number
        own[y[mine], x[mine]] = True
    rows, columns = (np.asarray(plane, dtype=np.float64) for plane in np.indices(evidence.region.shape))
    place = columns + evidence.region.xstart - 1, rows + evidence.region.ystart - 1
    named = (evidence.lenslet >= 0) & evidence.spectra.lies_within(*place)
    return int((own & named).sum()), int(named.sum())
