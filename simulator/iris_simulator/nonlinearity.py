"""Nonlinearity: the more charge a pixel holds, the less the next electron adds to its signal.

A pixel that holds Q electrons shows Q * (1 - loss * u**2 * ((1 - bend) * sqrt(u) + bend * u)) of them,
u = Q / LEVEL. Loss and the shape `bend` are each pixel's own. The mean curve passes through
what the Keck OSIRIS detectors show: 1 % of signal lost at 44 500 e-, 5 % at 80 000 e-.
The half-integer power keeps any polynomial correction inexact. Not modelled: dependence on flux
(reciprocity failure), on temperature, or on time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from iris_contract import Detector, Subarray
from iris_simulator.draws import Cube, draw_normal
from iris_simulator.seeds import Stream, derive_key

__all__ = ["LEVEL", "bend_signal", "draw_nonlinearity", "show_levels"]

Plane = npt.NDArray[np.float64]

LEVEL = 80_000.0
"""Charge in e- at which `loss` is stated."""
_PER_LEVEL, _NOTHING, _ONE = np.float32(1 / LEVEL), np.float32(0), np.float32(1)
LOSS, LOSS_SPREAD = 0.05, 0.08  # anchor: 5 % at 80 000 e-; [C] rms of its logarithm from pixel to pixel
BEND, BEND_SPREAD = 0.525, 0.03  # anchor: 1 % at 44 500 e-; [C] rms from pixel to pixel


def draw_nonlinearity(detector: Detector, region: Subarray, seed: int) -> tuple[Plane, Plane]:
    """Return `loss`, the share of signal lost at LEVEL, and `bend`, the shape, both (ny, nx)."""

    def normal(name: str) -> Plane:
        key = derive_key("as-built", seed, detector.name, name)
        return draw_normal((*region.shape, 1, 1), Stream(key, region.ystart - 1, region.xstart - 1))[:, :, 0, 0]

    loss = LOSS * np.exp(LOSS_SPREAD * normal("nonlinearity"))
    return loss, BEND + BEND_SPREAD * normal("nonlinearity shape")


def show_levels(loss: Plane, bend: Plane, levels: Sequence[float]) -> npt.NDArray[np.float32]:
    """Return the signal e- (ny, nx, nlevel) that pixels show when they hold `levels` e-."""
    held = np.broadcast_to(np.array(levels), (*loss.shape, len(levels))).copy()
    _bend(held, loss, bend)
    return held.astype(np.float32)


def bend_signal(charge: Cube, loss: npt.NDArray[np.float32], bend: npt.NDArray[np.float32]) -> None:
    """Turn the charge that pixels hold into the signal they show, e- (rows, nx, ramps, reads), in place."""
    _bend(charge.reshape(*loss.shape, -1), loss, bend)


@njit(nogil=True, cache=True)
def _bend(charge: Any, loss: Any, bend: Any) -> None:
    rows, columns, reads = charge.shape
    for i in range(rows):
        for j in range(columns):
            first, second = loss[i, j] * (_ONE - bend[i, j]), loss[i, j] * bend[i, j]
            for r in range(reads):
                u = max(charge[i, j, r] * _PER_LEVEL, _NOTHING)
                charge[i, j, r] -= charge[i, j, r] * u * u * (first * np.sqrt(u) + second * u)
