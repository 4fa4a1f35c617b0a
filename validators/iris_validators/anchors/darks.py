"""What darks show: dark current and its tail, afterglow of a bright exposure, hits, defects.

Dark current: mean of the last third of the reads minus the first, over the time between, averaged over
ramps. Afterglow: signal of the first ramp 150 s after its reset, above the dark current, over the
charge that the bright exposure before it showed at its end. A hit is the pixels, joined at sides or
corners, in which charge arrived between the same reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from iris_contract import Ramp
from iris_validators.anchors.light import SETTLED
from iris_validators.anchors.raw import RawEvidence

__all__ = ["Hits", "count_hits", "is_long", "measure_afterglow", "measure_dark"]

LONG = 60.0  # s that a dark lasts at least
AFTER, SOONEST = 150.0, 60.0  # s at which afterglow is measured; most that may lie between dark and light
BRIGHT = 40_000.0  # e- that the light must have left
SNOWBALL = 64  # pixels
DAY = 86_400.0

Place = tuple[int, int, int, int]  # ramp, read, row, column


class Hits(NamedTuple):
    """`number` of hits in `exposure` cm2 min; `pixels` and `electrons` (n,) of those that are no snowballs."""

    number: int
    exposure: float
    pixels: npt.NDArray[np.int64]
    electrons: npt.NDArray[np.float64]


def is_long(evidence: RawEvidence) -> bool:
    """Whether dark current can be measured: six settled reads or more over a minute or more, no afterglow."""
    settled = evidence.times[0][evidence.times[0] >= SETTLED]
    return len(settled) >= 6 and float(np.ptp(settled)) >= LONG and evidence.truth.persistence is None


def measure_dark(evidence: RawEvidence) -> npt.NDArray[np.float64]:
    """Return the dark current e-/s (n,) of all light-sensitive pixels that were not hit."""
    times = evidence.times[0]
    settled = np.flatnonzero(times >= SETTLED)
    third = len(settled) // 3
    weights = np.zeros(len(times))
    weights[settled[-third:]], weights[settled[:third]] = 1 / third, -1 / third
    unhit = np.zeros(evidence.light.shape, dtype=np.bool_)
    unhit[evidence.truth.events["Y"], evidence.truth.events["X"]] = True
    mask = evidence.light & ~unhit
    return evidence.average(weights, mask)[mask] / float(weights @ times)


def measure_afterglow(evidence: RawEvidence, bright: Ramp) -> float | None:
    """Return the share of the charge shown at the end of `bright` that comes back in AFTER s; None if late or dim."""
    times, header = evidence.times[0], evidence.ramp.header
    gap = (float(header["EXPJDST"]) - float(bright.header["EXPJDEND"])) * DAY
    if not 0 <= gap <= SOONEST or times[-1] < AFTER or bright.reads.shape[:2] != evidence.light.shape:
        return None
    late = int(np.searchsorted(times, AFTER))
    share = (AFTER - times[late - 1]) / (times[late] - times[late - 1])
    weights = np.zeros(len(times))
    weights[late], weights[late - 1], weights[0] = share, 1 - share, -1
    first = RawEvidence(evidence.row, _first_ramp(evidence.ramp), evidence.truth)
    glow = evidence.truth.persistence
    good = evidence.good
    last = bright.reads[:, :, -1, -1][good].astype(np.float64) - bright.reads[:, :, -1, 0][good]
    charge = float(np.median(last * evidence.truth.gain[good]))
    if charge < BRIGHT:
        return None
    dark = float(np.median((evidence.truth.rate_detected - (0 if glow is None else glow))[good]))
    return (float(np.median(first.average(weights, good)[good])) - AFTER * dark) / charge


def _first_ramp(ramp: Ramp) -> Ramp:
    return Ramp(ramp.header, ramp.reads[:, :, :1], ramp.times[:1])


def count_hits(evidence: RawEvidence) -> Hits:
    """Return the hits of all ramps, from reset to last read."""
    events = evidence.truth.events
    places, event = np.unique(events[["GROUP", "READ", "Y", "X"]], return_inverse=True)
    number = _join(places.tolist())
    pixels = np.bincount(number)
    charge = np.bincount(number[event], weights=events["ELECTRONS"]).astype(np.float64)
    area = np.count_nonzero(evidence.light) * (evidence.ramp.detector.pixel_pitch * 1e-4) ** 2
    small = pixels <= SNOWBALL
    return Hits(len(pixels), area * float(evidence.times[:, -1].sum()) / 60, pixels[small], charge[small])


def _join(places: Sequence[Place]) -> npt.NDArray[np.int64]:
    """Number different places (n) so that those of one hit have the same number, from 0."""
    numbers: dict[Place, int] = {}
    known, hits = set(places), 0
    for start in places:
        waiting = [start] if start not in numbers else []
        hits += len(waiting)
        while waiting:
            place = waiting.pop()
            numbers[place] = hits - 1
            group, read, y, x = place
            near = {(group, read, y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)}
            waiting += [other for other in near & known if other not in numbers]
    return np.array([numbers[place] for place in places], dtype=np.int64)
