"""Noise of the outputs that is correlated in time: 1/f noise, alternating columns, drifting pedestals.

1/f noise is a sum of first-order autoregressive processes with correlation times from one row to
3 minutes, four times longer each, of equal variance: a spectrum within 10 % of 1/f in between. Each
output has its own, one is common to all, and one per output has opposite sign on odd and even
columns (the alternating column noise of Rauscher 2015, PASP 127, 1144). The processes run causally
through rows and reads of one ramp, so fewer reads change none. All pixels of an output's row share
a value: what is faster than a row is part of the white read noise. After each reset the pedestal of
each output is new, and all outputs drift together and each on its own, linearly in time.

Not modelled: slow noise of single pixels, lines of the mains, what outputs pick up from one another, telegraph noise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

from iris_contract import Detector, Exposure, Subarray
from iris_simulator.draws import Cube, draw_normal
from iris_simulator.seeds import Stream

__all__ = ["ALTERNATING", "COMMON", "OWN", "column_of_noise", "draw_output_noise"]

EFFECTS = frozenset(("one_over_f", "alternating_columns", "pedestal_drift"))

OWN, COMMON, ALTERNATING = 2.8, 8.2, 1.4
"""[C] rms in e- of the 1/f noise of an output, of that of all outputs, and of the alternating columns: to 11 e- of
white noise as the 1, 3 and 0.5 e- to the 4 e- of JWST NIRSpec (indiajoe/HxRGproc, after Rauscher 2015). With
them noise falls with the number of reads as slowly as that of the Keck OSIRIS detectors: docs/simulator.md."""
PEDESTAL, DRIFT, OWN_DRIFT = 20.0, 0.02, 0.004  # [C] e- after a reset; e-/s of all outputs, and of each
PROCESSES, STEP = 11, 4.0

Streams = Callable[[str], Stream]


def draw_output_noise(detector: Detector, exposure: Exposure, effects: frozenset[str], stream: Streams) -> Cube | None:
    """Return what the even and the odd columns of each output have in common, or None where nothing is on.

    e- (rows, 2 * outputs, ramps, reads), even columns first; `stream` gives random numbers by effect.
    """
    region, times = exposure.subarray, exposure.readout.times_array()
    row = region.frame_time(detector, exposure.readout.clock) / region.ysize
    outputs = len(region.outputs(detector))
    shape = (region.ysize, outputs, *times.shape)
    noise = np.zeros((region.ysize, 2, outputs, *times.shape))
    if "one_over_f" in effects:
        common = _run_processes((region.ysize, 1, *times.shape), times, row, stream, "one over f common")
        noise += (OWN * _run_processes(shape, times, row, stream, "one over f") + COMMON * common)[:, None]
    if "alternating_columns" in effects:
        alternating = ALTERNATING * _run_processes(shape, times, row, stream, "alternating columns")
        noise += np.stack([alternating, -alternating], axis=1)
    if "pedestal_drift" in effects:
        noise += _draw_pedestals(outputs, times, stream)
    return noise.reshape(region.ysize, 2 * outputs, *times.shape) if effects & EFFECTS else None


def column_of_noise(detector: Detector, region: Subarray) -> npt.NDArray[np.int64]:
    """Return for each column (nx,) of `region` where along axis 1 of `draw_output_noise` its noise is."""
    outputs = region.outputs(detector)
    odd = (np.arange(region.xsize) + region.xstart - 1) % 2
    return np.asarray(region.output_of_column(detector) - outputs[0] + odd * len(outputs))


def _draw_pedestals(outputs: int, times: Cube, stream: Streams) -> Cube:
    """Return e- (outputs, ramps, reads): the pedestal of each output after each reset, and its drift."""
    ramps = len(times)
    level = PEDESTAL * draw_normal((1, outputs, ramps, 1), stream("pedestal"))[0]
    own = OWN_DRIFT * draw_normal((1, outputs, ramps, 1), stream("pedestal drift"))[0]
    common = DRIFT * draw_normal((1, 1, ramps, 1), stream("pedestal drift common"))[0]
    return np.asarray(level + (own + common) * times)


def _run_processes(shape: tuple[int, int, int, int], times: Cube, row: float, stream: Streams, name: str) -> Cube:
    """Return unit-variance 1/f noise of `shape` (rows, outputs, ramps, reads); `row` s is the time of a row."""
    total = np.zeros(shape)
    gaps = np.maximum(np.diff(times, axis=1, prepend=0.0) - row * (shape[0] - 1), row)
    for number in range(PROCESSES):
        constant = row * STEP**number
        noise = draw_normal(shape, stream(f"{name} {number}"))
        _correlate(noise, float(np.exp(-row / constant)), np.exp(-gaps / constant))
        total += noise
    return np.asarray(total / np.sqrt(PROCESSES))


@njit(nogil=True, cache=True)
def _correlate(noise: Any, along: float, between: Any) -> None:
    """Turn white noise into an autoregressive process that runs through rows, then reads, of each ramp."""
    rows, outputs, ramps, reads = noise.shape
    fresh_along = np.sqrt(1 - along * along)
    for output in range(outputs):
        for ramp in range(ramps):
            for read in range(reads):
                for row in range(rows):
                    if row > 0:
                        before, kept, fresh = noise[row - 1, output, ramp, read], along, fresh_along
                    elif read > 0:
                        kept = between[ramp, read]
                        before, fresh = noise[rows - 1, output, ramp, read - 1], np.sqrt(1 - kept * kept)
                    else:
                        continue
                    noise[row, output, ramp, read] = kept * before + fresh * noise[row, output, ramp, read]
