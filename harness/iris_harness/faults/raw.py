"""Faults of raw frames: a simulator that is not like a real detector."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from iris_contract.frames import Ramp
from iris_harness.faults.injection import Fault, edit_raw, make_generator

__all__ = ["RAW_FAULTS"]

Reads = npt.NDArray[Any]
GLOW = 0.2  # e-/s, forty times the dark current
LEAK = 0.03  # share of a pixel's signal that its right neighbour shows
BITS = 14
WALK = 16.0  # e- that each pixel moves from read to read


def _light(ramp: Ramp) -> npt.NDArray[np.bool_]:
    return np.asarray(~ramp.region().reference_pixels(ramp.detector))


def _glow(ramp: Ramp) -> Reads:
    """An amplifier that glows on every light-sensitive pixel, without noise of its own."""
    charge = (GLOW / ramp.detector.gain * ramp.times).astype(np.float32)
    return np.asarray(ramp.reads + _light(ramp)[:, :, None, None] * charge)


def _leak(ramp: Ramp) -> Reads:
    """Coupling to one more neighbour: signal above the first read, a share of it in the next column."""
    reads = ramp.reads.astype(np.float32)
    signal = (reads - reads[..., :1]) * _light(ramp)[:, :, None, None]
    reads -= np.float32(LEAK) * signal
    reads[:, 1:] += np.float32(LEAK) * signal[:, :-1]
    return reads


def _end_early(ramp: Ramp) -> Reads:
    """A converter of 14 bits."""
    return np.asarray(np.minimum(ramp.reads, 2**BITS - 1))


def _walk(ramp: Ramp) -> Reads:
    """Every pixel's level moves at random from read to read, which more reads cannot average."""
    steps = make_generator(ramp.header).standard_normal(ramp.reads.shape, dtype=np.float32)
    np.cumsum(steps, axis=-1, out=steps)
    steps *= np.float32(WALK / ramp.detector.gain)
    steps += ramp.reads
    return steps


def _shuffle_rows(ramp: Ramp) -> Reads:
    """Rows of each output in an order of their own: noise of rows stays, its colour does not."""
    outputs = ramp.region().output_of_column(ramp.detector)
    light, reads, generator = np.flatnonzero(_light(ramp).any(axis=1)), ramp.reads.copy(), make_generator(ramp.header)
    for output in np.unique(outputs):
        columns = np.flatnonzero(outputs == output)
        mine = slice(columns[0], columns[-1] + 1)
        reads[light, mine] = ramp.reads[generator.permutation(light), mine]
    return reads


def _forget_common(ramp: Ramp) -> Reads:
    """Nothing that all outputs share: each row of each read less its mean over the row."""
    reads, light = ramp.reads.astype(np.float32), _light(ramp)
    rows, columns = np.flatnonzero(light.any(axis=1)), np.flatnonzero(light.any(axis=0))
    shared = reads[np.ix_(rows, columns)].mean(axis=1)
    reads[rows] -= (shared - shared.mean(axis=(1, 2), keepdims=True))[:, None]
    return reads


RAW_FAULTS: Mapping[str, Fault] = {
    "glow": edit_raw(_glow),
    "leaking_pixels": edit_raw(_leak),
    "converter_of_14_bits": edit_raw(_end_early),
    "drifting_pixels": edit_raw(_walk),
    "shuffled_rows": edit_raw(_shuffle_rows),
    "nothing_in_common": edit_raw(_forget_common),
}
