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

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from numba import njit

from iris_contract import Detector, Exposure, Subarray
from iris_simulator.draws import Cube, draw_normal
from iris_simulator.seeds import Stream

__all__ = ["ALTERNATING", "COMMON", "OWN", "add_output_noise", "column_of_noise", "draw_output_noise"]

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
    if not effects & EFFECTS:
        return None
    region, times = exposure.subarray, exposure.readout.times_array()
    row = region.frame_time(detector, exposure.readout.clock) / region.ysize
    outputs = len(region.outputs(detector))
    noise = np.zeros((region.ysize, 2 * outputs, *times.shape), dtype=np.float32)
    even, odd = noise[:, :outputs], noise[:, outputs:]
    if "one_over_f" in effects:
        common = np.zeros((region.ysize, 1, *times.shape), dtype=np.float32)
        _add_processes([common], [COMMON], times, row, stream, "one over f common")
        noise += common
        _add_processes([even, odd], [OWN, OWN], times, row, stream, "one over f")
    if "alternating_columns" in effects:
        _add_processes([even, odd], [ALTERNATING, -ALTERNATING], times, row, stream, "alternating columns")
    if "pedestal_drift" in effects:
        pedestals = _draw_pedestals(outputs, times, stream)
        even += pedestals
        odd += pedestals
    return noise


def add_output_noise(signal: Cube, common: Cube, places: npt.NDArray[np.int64]) -> None:
    """Add to `signal` e- (rows, nx, ramps, reads), in place, for each column (nx,) the noise `common` at its place."""
    _add(signal.reshape(*signal.shape[:2], -1), common.reshape(*common.shape[:2], -1), places)


@njit(nogil=True, cache=True)
def _add(signal: Any, common: Any, places: Any) -> None:
    rows, columns, reads = signal.shape
    for i in range(rows):
        for j in range(columns):
            place = np.uint64(places[j])
            for r in range(reads):
                signal[i, j, r] += common[i, place, r]


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


def _add_processes(
    planes: Sequence[Cube], rms: Sequence[float], times: Cube, row: float, stream: Streams, name: str
) -> None:
    """Add 1/f noise to each of `planes` (rows, outputs, ramps, reads), the same times `rms`, one thread per output.

    `row` s is the time of a row.
    """
    rows, outputs = planes[0].shape[:2]
    constants = row * STEP ** np.arange(PROCESSES)
    gaps = np.maximum(np.diff(times, axis=1, prepend=0.0) - row * (rows - 1), row)
    along, between = np.exp(-row / constants), np.exp(-gaps / constants[:, None, None])
    streams = [stream(f"{name} {number}") for number in range(PROCESSES)]

    def run(output: int) -> None:
        total = np.zeros((rows, 1, *times.shape))
        for kept, kept_between, numbers in zip(along, between, streams, strict=True):
            noise = draw_normal(total.shape, numbers._replace(column=numbers.column + output))
            _correlate(total, noise, kept, kept_between)
        for plane, size in zip(planes, rms, strict=True):
            plane[:, output] += total[:, 0] * (size / np.sqrt(PROCESSES))

    with ThreadPoolExecutor(numba.get_num_threads()) as pool:
        list(pool.map(run, range(outputs)))


@njit(nogil=True, cache=True)
def _correlate(total: Any, noise: Any, along: float, between: Any) -> None:
    """Add to `total` the autoregressive process that white `noise` drives through rows, then reads, of each ramp."""
    rows, _, ramps, reads = noise.shape
    fresh = np.sqrt(1 - along * along)
    for g in range(ramps):
        for r in range(reads):
            value = noise[0, 0, g, r]
            if r > 0:
                kept = between[g, r]
                value = kept * noise[rows - 1, 0, g, r - 1] + np.sqrt(1 - kept * kept) * value
            noise[0, 0, g, r] = value
            total[0, 0, g, r] += value
            for row in range(1, rows):
                value = along * value + fresh * noise[row, 0, g, r]
                noise[row, 0, g, r] = value
                total[row, 0, g, r] += value
