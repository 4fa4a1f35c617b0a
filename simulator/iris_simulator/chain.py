"""The signal chain of the detector, from light to data numbers, in the order of nature.

Rows are independent, so strips of rows go through the whole chain one by one, each small enough for
a processor's cache, on as many threads as numba would use. The result does not depend on how rows
are cut into strips. Memory beyond the raw cube is a few strips.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from iris_contract import AsBuiltMaps, Detector, Subarray
from iris_simulator.conversion import convert
from iris_simulator.cosmic_rays import add_hits
from iris_simulator.dark import collect_dark
from iris_simulator.draws import Cube
from iris_simulator.photons import collect_photons
from iris_simulator.read_noise import add_read_noise
from iris_simulator.reset import add_reset_noise
from iris_simulator.seeds import ExposureSeeds, Stream
from iris_simulator.well import fill_wells

__all__ = ["SignalChain"]

STRIP = 2**17
"""Pixel-reads in a strip: 1 MB of charge."""


@dataclass(frozen=True, slots=True)
class SignalChain:
    """Everything that acts on the pixels of one exposure.

    `rate` e-/s (ny, nx) is the scene on light-sensitive pixels and 0 elsewhere, `maps` those that act,
    `hits` the cosmic rays, `times` s (ramps, reads), `effects` the names of those that are on.
    """

    detector: Detector
    region: Subarray
    rate: npt.NDArray[np.float32]
    maps: AsBuiltMaps
    hits: npt.NDArray[np.void]
    times: Cube
    seeds: ExposureSeeds
    effects: frozenset[str]

    def read_out(self) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.bool_]]:
        """Return reads DN (ny, nx, ramps, reads) and where (ny, nx) well or converter overflowed."""
        reads = np.empty((*self.region.shape, *self.times.shape), dtype=np.uint16)
        saturated = np.empty(self.region.shape, dtype=np.bool_)

        def fill(rows: slice) -> None:
            reads[rows], saturated[rows] = self._read_rows(rows)

        with ThreadPoolExecutor(numba.get_num_threads()) as pool:
            list(pool.map(fill, self._strips()))
        return reads, saturated

    def _strips(self) -> Iterator[slice]:
        height = max(1, STRIP // (self.region.xsize * self.times.size))
        return (slice(y, min(y + height, self.region.ysize)) for y in range(0, self.region.ysize, height))

    def _read_rows(self, rows: slice) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.bool_]]:
        def stream(effect: str) -> Stream:
            return self.seeds.stream(effect, self.region.ystart - 1 + rows.start, self.region.xstart - 1)

        def plane(values: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
            return values[rows].astype(np.float64)

        maps, noisy = self.maps, "photon_noise" in self.effects
        charge = np.zeros((rows.stop - rows.start, self.region.xsize, *self.times.shape))
        collect_photons(charge, plane(self.rate), plane(maps.flat), self.times, stream("photons"), noisy)
        collect_dark(charge, plane(maps.dark), self.times, stream("dark"), noisy)
        add_hits(charge, self.hits, rows.start)
        full = fill_wells(charge, maps.well[rows])
        if "reset_noise" in self.effects:
            add_reset_noise(charge, self.detector.ktc_noise, stream("reset_noise"))
        if "read_noise" in self.effects:
            add_read_noise(charge, plane(maps.read_noise), stream("read_noise"))
        reads, over = convert(charge, plane(maps.gain), plane(maps.offset), self.detector.full_scale)
        return reads, full | over
