"""Predict the afterglow of earlier exposures.

Traps of two kinds hold charge at the end of an exposure and give it back with a time constant each,
through every later reset. What an exposure that ended with the charge Q left in them is taken as

    trapped = share * Q * (Q / Q0)^(power - 1),

with the share of each pixel, Q0 and the power as calibrated. Traps that are still full from an
earlier exposure take no more: of several exposures, the one that leaves most counts, for each kind.
A fit of straight lines to reads sees less than the mean of a rate that falls during the ramp, which
`find_slopes` allows for. Not modelled: time that filling takes, time constants of single pixels,
traps that fill while they empty.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["Afterimage", "fill_traps", "find_slopes", "release_charge"]


Float64 = npt.NDArray[np.float64]


class Afterimage(NamedTuple):
    """An earlier exposure: the charge e- (ny, nx) that pixels held at its end, and the s that have passed since."""

    charge: npt.NDArray[np.floating]
    delay: float


def fill_traps(past: Iterable[Afterimage], constants: Float64, norm: float, power: float) -> npt.NDArray[np.floating]:
    """Return what a share of 1 would hold now, e- (ny, nx, ntrap) of the dtype of the charges, after those in `past`.

    `past` holds one or more and may yield them one by one; `constants` s (ntrap,); `norm` Q0 in e-.
    """
    held: npt.NDArray[np.floating] | None = None
    for charge, delay in past:
        taken = norm * (np.maximum(charge, 0) / norm) ** power
        left = np.exp(-delay / constants).astype(charge.dtype)
        if held is None:
            held = np.zeros((*charge.shape, len(constants)), charge.dtype)
        for kind, share in enumerate(left):  # one at a time: nothing as large as the result is made beside it
            np.maximum(held[..., kind], taken * share, out=held[..., kind])
        del charge, taken  # or they would stay while the next ones are made
    if held is None:
        raise ValueError("nothing came before")
    return held


def release_charge(times: Float64, period: float, constants: Float64) -> Float64:
    """Return the share of what traps hold at the start that each read has seen, (ntrap, ngroups, nreads).

    `times` s (ngroups, nreads) from the reset of each ramp, `period` s from reset to reset.
    """
    start = period * np.arange(len(times))
    left = np.exp(-start / constants[:, None])
    return np.asarray(left[:, :, None] * -np.expm1(-times / constants[:, None, None]))


def find_slopes(times: Float64, period: float, constants: Float64, straight: bool) -> Float64:
    """Return the rate 1/s (ntrap,) that a fit sees of what traps hold at the start, its ramps' mean.

    `straight` tells a fit of lines to all reads from one of the difference between first and last.
    """
    seen = release_charge(times, period, constants)
    if not straight:
        return np.asarray(((seen[:, :, -1] - seen[:, :, 0]) / (times[:, -1] - times[:, 0])).mean(axis=1))
    centred = times - times.mean(axis=1, keepdims=True)
    weights = centred / (centred**2).sum(axis=1, keepdims=True)
    return np.asarray((seen * weights).sum(axis=2).mean(axis=1))
