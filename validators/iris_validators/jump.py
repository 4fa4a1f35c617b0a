"""Jump detection: the product's JUMPS table against the cosmic ray hits in truth.

    completeness  hits found in the right pixel, ramp and read, per significance (`hits`)
    false_alarms  entries in pixels that no hit touched, per pixel and ramp

A hit found one read off is missed: its charge stays in the rate. An entry at a wrong read of a hit
pixel is no false alarm, because the hit itself may have moved it. A product without a JUMPS table
has no jump detection to judge.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from iris_contract.errors import LayoutError
from iris_validators.evidence import ImageEvidence
from iris_validators.hits import SURE, find_hits
from iris_validators.metric import Metric, index_metrics
from iris_validators.sample import Sample

__all__ = ["METRICS", "sample_jumps"]

METRICS = index_metrics(
    Metric("jump.completeness", "events", "1", 1, "Share of cosmic ray hits that were found"),
    Metric("jump.false_alarms", "events", "1/pixel", 0, "False jumps per pixel and ramp"),
)
EDGES = (3.0, 4.5, SURE, 15.0, 50.0, np.inf)
RANGES = {
    f"significance>{SURE:g}": (SURE, np.inf),
    **{f"significance={a:g}-{b:g}": (a, b) for a, b in pairwise(EDGES)},
}
NO_TABLE = "no JUMPS table: this algorithm detects no jumps"


@dataclass(frozen=True, slots=True)
class _Match:
    """One exposure: significance and detection of each hit (nhits,), alarms and chances of one."""

    significance: npt.NDArray[np.float64]
    found: npt.NDArray[np.bool_]
    alarms: int
    chances: int


def sample_jumps(exposures: Sequence[ImageEvidence]) -> list[Sample]:
    """Return the samples of one night's exposures, pooled; raises LayoutError for a broken table."""
    row, complete, alarms = exposures[0].row, METRICS["jump.completeness"], METRICS["jump.false_alarms"]
    if any(e.image.jumps is None for e in exposures):
        return [*(complete.skip(row, NO_TABLE, c) for c in RANGES), alarms.skip(row, NO_TABLE, "all")]
    matches = [_match(e) for e in exposures]
    significance = np.concatenate([m.significance for m in matches])
    found = np.concatenate([m.found for m in matches])
    samples = [alarms.count(row, sum(m.alarms for m in matches), sum(m.chances for m in matches), "all")]
    for condition, (low, high) in RANGES.items():
        inside = found[(significance > low) & (significance <= high)]
        samples.append(complete.count(row, int(np.count_nonzero(inside)), inside.size, condition))
    return samples


def _match(evidence: ImageEvidence) -> _Match:
    hits, clean = find_hits(evidence), evidence.good
    claimed = _read_places(evidence)
    false = np.unique(np.ravel_multi_index(tuple(claimed[:, clean[claimed[0], claimed[1]]]), hits.shape))
    keys = [np.ravel_multi_index(tuple(places), hits.shape) for places in (hits.places, claimed)]
    return _Match(hits.significance, np.isin(*keys), false.size, int(np.count_nonzero(clean)) * hits.shape[2])


def _read_places(evidence: ImageEvidence) -> npt.NDArray[np.intp]:
    """Y, X, GROUP, READ of the JUMPS table, (4, n); raises LayoutError where one is out of range."""
    shape = (*evidence.truth.cause.shape, *evidence.times.shape)
    table = evidence.image.jumps
    places = np.array([table[name] for name in ("Y", "X", "GROUP", "READ")] if table is not None else [], dtype=np.intp)
    for name, column, size in zip(("Y", "X", "GROUP", "READ"), places, shape, strict=True):
        if column.size and not (column.min() >= 0 and column.max() < size):
            raise LayoutError(f"JUMPS column must lie in 0..{size - 1}", file=evidence.row.product, key=name)
    return places
