"""One seed tree: (instrument seed, night, exposure, effect, row), and below it single pixels.

A node of the tree is a 64-bit key, the BLAKE2b digest of its path. Effects are named, not numbered,
so a new effect disturbs no old one. `iris_simulator.draws` derives from a key, by counting and
mixing, the random numbers of every row, column, ramp and read of the *full* detector. So nothing
depends on the order in which pixels, exposures or threads are served, on the region read out, or
on how many numbers another effect has used.

It models nothing: it says which numbers are equal and which independent.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

__all__ = ["ExposureSeeds", "Stream", "derive_key", "make_generator"]


class Stream(NamedTuple):
    """Random numbers of one effect; `row` and `column` (from 0, of the detector) say where they begin."""

    key: np.uint64
    row: int = 0
    column: int = 0


def derive_key(*path: str | int) -> np.uint64:
    """Return the 64-bit key of a node of the seed tree."""
    digest = hashlib.blake2b(json.dumps(path).encode(), digest_size=8).digest()
    return np.uint64(int.from_bytes(digest, "little"))


def make_generator(*path: str | int) -> np.random.Generator:
    """Return a generator for the few numbers that do not belong to pixels (headers, stars)."""
    return np.random.Generator(np.random.Philox(key=int(derive_key(*path))))


@dataclass(frozen=True, slots=True)
class ExposureSeeds:
    """The branch of the tree that belongs to one exposure of one detector."""

    seed: int
    night: int
    detector: str
    exposure: int

    def stream(self, effect: str, row: int = 0, column: int = 0) -> Stream:
        """Return the numbers of `effect` from the detector's `row` and `column` on."""
        path = ("exposure", self.seed, self.night, self.detector, self.exposure, effect)
        return Stream(derive_key(*path), row, column)
