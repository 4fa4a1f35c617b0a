"""Bad pixel map against the true defects, per class.

    completeness  true members of a class that carry its flag
    purity        pixels that carry the flag and are true members
    yield         light-sensitive good pixels that carry no class flag

A class is cut at a limit of a measured quantity, so pixels whose true dark current or response lies
at the limit belong to either side by the toss of the noise. Those within `GUARD` of a limit of their
class count neither way: 25 % of the dark limits (3 sigma of a dark from ten ramps of 20 reads at
the warm limit), 10 % of the response limits. The defects are the same pixels every night, so only
one night's worth counts as independent. BAD_REF_PIXEL is judged on reference pixels, the rest off them.

TELEGRAPH is judged where the detector has such pixels. One that did not switch in the night's calibration
exposures cannot be found in them and counts neither way, if truth tells; nor does one whose levels lie
less than `SURE_HEIGHT` read noises apart, of which the calibration may see too little.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from iris_contract.dq import PIXEL_CLASSES, has
from iris_validators.evidence import ReferenceEvidence
from iris_validators.metric import Metric, index_metrics
from iris_validators.sample import Sample

__all__ = ["GUARD", "METRICS", "SURE_HEIGHT", "sample_masks"]

METRICS = index_metrics(
    Metric("bad_pixel.completeness", "pixels", "1", 1, "Share of true defects that the map flags"),
    Metric("bad_pixel.purity", "pixels", "1", 1, "Share of flagged pixels that are true defects"),
    Metric("bad_pixel.yield", "pixels", "1", 1, "Share of good pixels that the map leaves unflagged"),
)
GUARD = {"dark": 0.25, "response": 0.10}
"""Half-width of the band about a class limit, relative to the limit."""
SURE_HEIGHT = 5.0
"""Height of a telegraph pixel, in its read noise, above which a map must have it."""

Mask = npt.NDArray[np.bool_]


def sample_masks(references: Sequence[ReferenceEvidence]) -> list[Sample]:
    """Return the samples of one night's bad pixel maps, one pair per class."""
    return [sample for evidence in references for sample in _sample(evidence)]


def _sample(evidence: ReferenceEvidence) -> list[Sample]:
    row, found = evidence.row, evidence.reference.content["DQ"]
    unflagged = evidence.good & ~has(found, *PIXEL_CLASSES, "TELEGRAPH")
    samples = [METRICS["bad_pixel.yield"].count(row, _number(unflagged), _number(evidence.good))]
    telegraph = () if evidence.maps.telegraph is None else ("TELEGRAPH",)
    for name in (*PIXEL_CLASSES, *telegraph):
        where = evidence.border if name == "BAD_REF_PIXEL" else ~evidence.border & ~_is_undecided(evidence, name)
        true, flagged = has(evidence.maps.bad, name) & where, has(found, name) & where
        both, condition = _number(true & flagged), f"class={name}"
        completeness, purity = METRICS["bad_pixel.completeness"], METRICS["bad_pixel.purity"]
        if where.any():
            samples.append(completeness.count(row, both, _number(true), condition))
        else:
            samples.append(completeness.skip(row, "the region holds no pixel that can be of this class", condition))
        if flagged.any():
            samples.append(purity.count(row, both, _number(flagged), condition))
        else:  # what it misses is told by the completeness
            samples.append(purity.skip(row, "the map flags no pixel of this class", condition))
    return samples


def _number(mask: Mask) -> int:
    return int(np.count_nonzero(mask))


def _is_undecided(evidence: ReferenceEvidence, name: str) -> Mask:
    """Pixels (ny, nx) that count neither way for the class `name`."""
    detector, maps = evidence.detector, evidence.maps
    if name == "TELEGRAPH" and maps.telegraph is not None:
        unsure = (maps.telegraph > 0) & (maps.telegraph < SURE_HEIGHT * maps.read_noise)
        return unsure if evidence.switched is None else unsure | ((maps.telegraph > 0) & ~evidence.switched)
    bounds = {
        "HOT": (maps.dark, "dark", [detector.hot_limit]),
        "WARM": (maps.dark, "dark", [detector.warm_limit, detector.hot_limit]),
        "DEAD": (maps.flat, "response", [detector.dead_response_limit]),
        "LOW_QE": (maps.flat, "response", [detector.dead_response_limit, detector.low_response_limit]),
    }
    plane, quantity, limits = bounds[name]
    near = [np.abs(plane - limit) < GUARD[quantity] * limit for limit in limits]
    return np.asarray(np.logical_or.reduce(near))
