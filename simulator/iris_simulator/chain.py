"""The signal chain of the detector, from light to data numbers, in the order of nature.

Tiles of the region go through the whole chain one by one, each small enough for a processor's cache,
on as many threads as numba would use. Where neighbours are coupled a tile is collected one pixel
wider. The result does not depend on how the region is cut into tiles. Memory beyond the raw cube is
a few tiles, and what rows and outputs have in common.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

from iris_contract import DQ, AsBuiltMaps, Detector, Exposure, Subarray
from iris_simulator.conversion import convert
from iris_simulator.cosmic_rays import add_hits
from iris_simulator.dark import collect_dark
from iris_simulator.draws import Cube
from iris_simulator.ipc import couple
from iris_simulator.nonlinearity import bend_signal
from iris_simulator.persistence import emit, ramp_duration
from iris_simulator.photons import collect_photons
from iris_simulator.read_noise import add_read_noise
from iris_simulator.reset import add_reset_noise
from iris_simulator.seeds import ExposureSeeds, Stream
from iris_simulator.settling import add_settling
from iris_simulator.slow_noise import column_of_noise, draw_output_noise
from iris_simulator.telegraph import add_telegraph
from iris_simulator.well import fill_wells

__all__ = ["SignalChain"]

TILE = (32, 2**18)
"""Rows of a tile at most, and pixel-reads: 2 MB of charge."""


@dataclass(frozen=True, slots=True)
class SignalChain:
    """Everything that acts on the pixels of one exposure.

    `rate` e-/s (ny, nx) is the scene on light-sensitive pixels and 0 elsewhere, `maps` those that act,
    `trapped` e- (ny, nx, 2) in traps at the start or None, `hits` the cosmic rays, `exposure` what was
    commanded, `effects` the names of those that are on.
    """

    detector: Detector
    exposure: Exposure
    rate: npt.NDArray[np.float32]
    maps: AsBuiltMaps
    trapped: npt.NDArray[np.float64] | None
    hits: npt.NDArray[np.void]
    seeds: ExposureSeeds
    effects: frozenset[str]

    @property
    def region(self) -> Subarray:
        """What is read out."""
        return self.exposure.subarray

    @property
    def times(self) -> Cube:
        """Seconds from reset to read, (ramps, reads)."""
        return self.exposure.readout.times_array()

    def read_out(self) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint32]]:
        """Return reads DN (ny, nx, ramps, reads) and flags (ny, nx): SATURATED, TELEGRAPH where it switched."""
        reads = np.empty((*self.region.shape, *self.times.shape), dtype=np.uint16)
        flags = np.zeros(self.region.shape, dtype=np.uint32)
        common = self._draw_common()

        def fill(tile: tuple[slice, slice]) -> None:
            reads[tile], flags[tile] = self._read_tile(tile, common)

        with ThreadPoolExecutor(numba.get_num_threads()) as pool:
            list(pool.map(fill, self._list_tiles()))
        return reads, flags

    def _list_tiles(self) -> Iterator[tuple[slice, slice]]:
        ny, nx = self.region.shape
        height = min(TILE[0], ny)
        width = max(1, min(nx, TILE[1] // (height * self.times.size)))
        for y in range(0, ny, height):
            for x in range(0, nx, width):
                yield slice(y, min(y + height, ny)), slice(x, min(x + width, nx))

    def _stream(self, effect: str, tile: tuple[slice, slice] | None = None) -> Stream:
        row, column = (tile[0].start, tile[1].start) if tile else (0, 0)
        return self.seeds.stream(effect, self.region.ystart - 1 + row, self.region.xstart - 1 + column)

    def _draw_common(self) -> Cube | None:
        """Return e- (rows, 2 * outputs, ramps, reads) of noise that even and odd columns of an output share."""
        return draw_output_noise(self.detector, self.exposure, self.effects, self._stream)

    def _read_tile(
        self, tile: tuple[slice, slice], common: Cube | None
    ) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint32]]:
        signal, full = self._collect(tile)
        maps, flags = self.maps, np.zeros(signal.shape[:2], dtype=np.uint32)
        if "reset_noise" in self.effects:
            add_reset_noise(signal, self.detector.ktc_noise, self._stream("reset_noise", tile))
        if maps.settling is not None:
            add_settling(signal, maps.settling[tile], self.times)
        if maps.telegraph is not None:
            flags[add_telegraph(signal, maps.telegraph[tile], self._stream("telegraph", tile))] |= DQ["TELEGRAPH"]
        if common is not None:
            signal += common[tile[0]][:, column_of_noise(self.detector, self.region)[tile[1]]]
        if "read_noise" in self.effects:
            add_read_noise(signal, _double(maps.read_noise[tile]), self._stream("read_noise", tile))
        gain, offset = _double(maps.gain[tile]), _double(maps.offset[tile])
        reads, over = convert(signal, gain, offset, self.detector.full_scale)
        flags[full | over] |= DQ["SATURATED"]
        return reads, flags

    def _collect(self, tile: tuple[slice, slice]) -> tuple[Cube, npt.NDArray[np.bool_]]:
        """Return the signal e- of a tile's pixels and where a well was full, neighbours coupled."""
        if self.maps.links is None:
            return self._fill_wells(tile)
        wide, inner = _widen(tile, self.region.shape)
        signal, full = self._fill_wells(wide)
        light = ~self.region.reference_pixels(self.detector)[wide]
        coupled = couple(signal, self.maps.links[wide], light)
        return np.ascontiguousarray(coupled[inner]), full[inner]

    def _fill_wells(self, tile: tuple[slice, slice]) -> tuple[Cube, npt.NDArray[np.bool_]]:
        maps, noisy, times = self.maps, "photon_noise" in self.effects, self.times
        charge = np.zeros((*maps.well[tile].shape, *times.shape))
        rate, flat, dark = (_double(plane[tile]) for plane in (self.rate, maps.flat, maps.dark))
        collect_photons(charge, rate, flat, times, self._stream("photons", tile), noisy)
        collect_dark(charge, dark, times, self._stream("dark", tile), noisy)
        if self.trapped is not None:
            ramp = ramp_duration(self.exposure, self.detector)
            emit(charge, self.trapped[tile], times, ramp, lambda effect: self._stream(effect, tile), noisy)
        add_hits(charge, self.hits, tile)
        full = fill_wells(charge, maps.well[tile])
        if maps.loss is not None and maps.bend is not None:
            bend_signal(charge, _double(maps.loss[tile]), _double(maps.bend[tile]))
        return charge, full


def _double(plane: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    return plane.astype(np.float64)


def _widen(tile: tuple[slice, slice], shape: tuple[int, int]) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Return the tile with the pixels next to it, as far as there are any, and where in that the tile lies."""
    wide = tuple(slice(max(0, s.start - 1), min(n, s.stop + 1)) for s, n in zip(tile, shape, strict=True))
    inner = tuple(slice(s.start - w.start, s.stop - w.start) for s, w in zip(tile, wide, strict=True))
    return (wide[0], wide[1]), (inner[0], inner[1])
