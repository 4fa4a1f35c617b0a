"""Persistence: traps fill while a pixel holds charge, and give it back after later resets.

Two populations of traps per pixel, with a time constant each. A ramp that ends with charge Q leaves
share * Q * sqrt(Q / LEVEL) * (1 - exp(-t / FILLING)) electrons in each, t the time it lasted, unless
more are there already. They come out exponentially, as Poisson events, through every later reset.
Traps fill from the *expected* history of earlier exposures, so that no frame depends on the noise
of another. Compare Smith et al. 2008 (SPIE 7021, 70210J). Not modelled: traps that fill during the
exposure itself, dependence of the time constants on the pixel.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from iris_contract import Detector, Exposure, Subarray
from iris_contract.errors import InputError
from iris_simulator.draws import Cube, add_increments, draw_normal
from iris_simulator.scenes import Scene
from iris_simulator.seeds import Stream, derive_key

__all__ = ["TIMES", "Earlier", "draw_traps", "emit", "fill_traps", "ramp_duration", "release"]

Plane = npt.NDArray[np.float64]

TIMES = (40.0, 400.0)
"""Time constants of the two populations in s [C]."""
SHARES, SPREAD = (1.0e-4, 1.4e-4), 0.25
"""[C] shares filled by LEVEL electrons; rms of the logarithm between pixels. They give back 0.014 % of LEVEL in the
first 150 s: H4RG-10 show less than 0.02 % (Mosby et al. 2020, JATIS 6, 046001)."""
LEVEL, FILLING = 100_000.0, 10.0  # [C] e-, s


class Earlier(NamedTuple):
    """An exposure that was taken before, and what it saw."""

    scene: Scene
    exposure: Exposure


def draw_traps(detector: Detector, region: Subarray, seed: int) -> npt.NDArray[np.float32]:
    """Return the share of LEVEL electrons that the traps of each pixel take, (ny, nx, 2), 0 on reference pixels."""
    planes = []
    for number, share in enumerate(SHARES):
        key = derive_key("as-built", seed, detector.name, f"traps {number}")
        drawn = draw_normal((*region.shape, 1, 1), Stream(key, region.ystart - 1, region.xstart - 1))[:, :, 0, 0]
        planes.append(share * np.exp(SPREAD * drawn))
    traps = np.stack(planes, axis=-1)
    traps[region.reference_pixels(detector)] = 0.0
    return traps.astype(np.float32)


def fill_traps(
    traps: npt.NDArray[np.float32],
    flat: npt.NDArray[np.float32],
    well: npt.NDArray[np.float32],
    history: Sequence[Earlier],
    exposure: Exposure,
    detector: Detector,
    region: Subarray,
) -> Plane:
    """Return the electrons in the traps, (ny, nx, 2), when `exposure` starts.

    `traps` (ny, nx, 2), `flat` and `well` e- (ny, nx) are the as-built maps of `region`. Raises InputError
    for an exposure in `history` that has not ended by then.
    """
    held, now, constants = np.zeros(traps.shape), None, np.array(TIMES)
    for scene, past in sorted(history, key=lambda earlier: earlier.exposure.start):
        ramp = ramp_duration(past, detector)
        end = past.start + past.readout.ramps * timedelta(seconds=ramp)
        if end > exposure.start:
            raise InputError("must end before the exposure it is the history of", key="history", value=str(end))
        held *= np.exp(-((end - now).total_seconds() if now else 0.0) / constants)
        charge = np.minimum(scene.rate(detector, region) * flat * ramp, well)
        taken = charge * np.sqrt(charge / LEVEL) * (1 - np.exp(-ramp / FILLING))
        held, now = np.maximum(held, traps * taken[:, :, None]), end
    return np.asarray(held * np.exp(-((exposure.start - now).total_seconds() if now else 0.0) / constants))


def emit(charge: Cube, held: Plane, times: Cube, ramp: float, stream: Callable[[str], Stream], noisy: bool) -> None:
    """Add what traps give back to `charge` e- (rows, nx, ramps, reads) in place.

    `held` (rows, nx, 2) electrons at the start of the exposure, `times` s (ramps, reads), `ramp` s from
    reset to reset, `stream` gives the random numbers of an effect by name.
    """
    for number, released in enumerate(release(times, ramp)):
        add_increments(
            charge, np.ascontiguousarray(held[:, :, number]), released, stream(f"persistence {number}"), noisy
        )


def release(times: Cube, ramp: float) -> Cube:
    """Return the share of its electrons that each population gives back between reads, (2, ramps, reads)."""
    since = times + ramp * np.arange(len(times))[:, None]
    edges = np.concatenate([(ramp * np.arange(len(times)))[:, None], since], axis=1)
    left = np.exp(-edges / np.array(TIMES)[:, None, None])
    return np.asarray(-np.diff(left, axis=-1))


def ramp_duration(exposure: Exposure, detector: Detector) -> float:
    """Time in s that a ramp lasts, from reset to the end of its last read."""
    return exposure.readout.times[-1] + exposure.subarray.frame_time(detector, exposure.readout.clock)
