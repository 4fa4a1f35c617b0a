"""The signal chain of the detector, from light to data numbers, in the order of nature.

Tiles of the region go through the whole chain one by one, each small enough for a processor's last-level cache,
on as many threads as numba would use. Where neighbours are coupled a tile is collected one pixel
wider. The result does not depend on how the region is cut into tiles. Memory beyond the raw cube is
a few tiles, and what rows and outputs have in common.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numba
import numpy as np
import numpy.typing as npt

from iris_contract import DQ, AsBuiltMaps, Detector, Exposure, Subarray
from iris_simulator.conversion import convert
from iris_simulator.cosmic_rays import add_hits
from iris_simulator.dark import collect_dark
from iris_simulator.draws import Cube
from iris_simulator.guide_window import find_hole, refill, renew_reset_noise
from iris_simulator.ipc import couple
from iris_simulator.nonlinearity import bend_signal
from iris_simulator.persistence import Earlier, emit, fill_traps, ramp_duration, release
from iris_simulator.photons import collect_photons
from iris_simulator.read_noise import add_read_noise
from iris_simulator.reset import add_reset_noise
from iris_simulator.seeds import ExposureSeeds, Stream
from iris_simulator.settling import add_settling
from iris_simulator.slow_noise import add_output_noise, column_of_noise, draw_output_noise
from iris_simulator.telegraph import add_telegraph
from iris_simulator.well import fill_wells

__all__ = ["ReadOut", "SignalChain"]

TILE = (128, 2**20)
"""Rows of a tile at most, and pixel-reads: 4 MB of charge, which a last-level cache holds."""


Tile = tuple[slice, slice]
WHOLE = (slice(None), slice(None))


class ReadOut(NamedTuple):
    """Reads DN (ny, nx, ramps, reads); planes (ny, nx): `flags` SATURATED, and TELEGRAPH where a level switched;
    rate `detected` e-/s, and the afterglow in it, None where there is none."""

    reads: npt.NDArray[np.uint16]
    flags: npt.NDArray[np.uint32]
    detected: npt.NDArray[np.float32]
    persistence: npt.NDArray[np.float32] | None


@dataclass(frozen=True)
class SignalChain:
    """Everything that acts on the pixels of one exposure.

    `rate` e-/s (ny, nx) is the scene on light-sensitive pixels and 0 elsewhere, `maps` those that act,
    `history` what the detector saw before, `hits` the cosmic rays, `exposure` what was commanded, `effects`
    the names of those that are on.
    """

    detector: Detector
    exposure: Exposure
    rate: npt.NDArray[np.float32]
    maps: AsBuiltMaps
    history: Sequence[Earlier]
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

    @cached_property
    def places(self) -> npt.NDArray[np.int64]:
        """Where the noise of each column is in what outputs have in common."""
        return column_of_noise(self.detector, self.region)

    @property
    def afterglows(self) -> bool:
        """Whether traps hold anything that can come out."""
        return self.maps.traps is not None and len(self.history) > 0

    def read_out(self) -> ReadOut:
        """Return what the exposure gives, and what is true of it."""
        shape = self.region.shape
        out = ReadOut(
            np.empty((*shape, *self.times.shape), dtype=np.uint16),
            np.zeros(shape, dtype=np.uint32),
            np.empty(shape, dtype=np.float32),
            np.empty(shape, dtype=np.float32) if self.afterglows else None,
        )
        common = self._draw_common()

        def fill(tile: Tile) -> None:
            wide, inner = (tile, WHOLE) if self.maps.links is None else _widen(tile, shape)
            trapped = self._fill_traps(wide)
            signal, full = self._collect(wide, trapped)
            out.reads[tile], out.flags[tile] = self._read_tile(tile, np.ascontiguousarray(signal[inner]), common)
            out.flags[tile][full[inner]] |= DQ["SATURATED"]
            self._tell_rates(out, tile, wide, inner, trapped)

        with ThreadPoolExecutor(numba.get_num_threads()) as pool:
            list(pool.map(fill, self._list_tiles()))
        return out

    def _list_tiles(self) -> Iterator[Tile]:
        ny, nx = self.region.shape
        height = min(TILE[0], ny)
        width = max(1, min(nx, TILE[1] // (height * self.times.size)))
        for y in range(0, ny, height):
            for x in range(0, nx, width):
                yield slice(y, min(y + height, ny)), slice(x, min(x + width, nx))

    def _stream(self, effect: str, tile: Tile | None = None) -> Stream:
        row, column = (tile[0].start, tile[1].start) if tile else (0, 0)
        return self.seeds.stream(effect, self.region.ystart - 1 + row, self.region.xstart - 1 + column)

    def _draw_common(self) -> Cube | None:
        """Return e- (rows, 2 * outputs, ramps, reads) of noise that even and odd columns of an output share."""
        return draw_output_noise(self.detector, self.exposure, self.effects, self._stream)

    def _read_tile(
        self, tile: Tile, signal: Cube, common: Cube | None
    ) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.uint32]]:
        """Return reads DN and flags of a tile from its `signal` e-, which is used up."""
        maps, flags = self.maps, np.zeros(signal.shape[:2], dtype=np.uint32)
        if "reset_noise" in self.effects:
            self._add_reset_noise(signal, tile)
        if maps.settling is not None:
            add_settling(signal, _cut(maps.settling, tile), self.times)
        if maps.telegraph is not None:
            flags[add_telegraph(signal, maps.telegraph[tile], self._stream("telegraph", tile))] |= DQ["TELEGRAPH"]
        if common is not None:
            add_output_noise(signal, common[tile[0]], self.places[tile[1]])
        if "read_noise" in self.effects:
            add_read_noise(signal, _cut(maps.read_noise, tile), self._stream("read_noise", tile))
        reads, over = convert(signal, _cut(maps.gain, tile), _cut(maps.offset, tile), self.detector.full_scale)
        flags[over] |= DQ["SATURATED"]
        return reads, flags

    def _add_reset_noise(self, signal: Cube, tile: Tile) -> None:
        """Add one value per ramp, but in a guide window one per read, since it has been reset in between."""
        hole = find_hole(self.exposure.guide_window, self.region, tile)
        before = None if hole is None else signal[hole].copy()
        add_reset_noise(signal, self.detector.ktc_noise, self._stream("reset_noise", tile))
        if hole is not None and before is not None:
            renew_reset_noise(before, self.detector.ktc_noise, self._stream("guide reset", _shift(hole, tile)))
            signal[hole] = before

    def _fill_traps(self, tile: Tile) -> npt.NDArray[np.float64] | None:
        if self.maps.traps is None or not self.afterglows:
            return None
        y, x = tile
        part = Subarray(self.region.xstart + x.start, self.region.ystart + y.start, x.stop - x.start, y.stop - y.start)
        maps = self.maps.traps[tile], self.maps.flat[tile], self.maps.well[tile]
        return fill_traps(*maps, self.history, self.exposure, self.detector, part)

    def _collect(self, tile: Tile, trapped: npt.NDArray[np.float64] | None) -> tuple[Cube, npt.NDArray[np.bool_]]:
        """Return the signal e- of a tile's pixels and where a well was full; neighbours inside it are coupled."""
        maps, noisy, times = self.maps, "photon_noise" in self.effects, self.times
        charge = np.zeros((*maps.well[tile].shape, *times.shape), dtype=np.float32)
        rate, flat, dark = (_cut(plane, tile) for plane in (self.rate, maps.flat, maps.dark))
        collect_photons(charge, rate, flat, times, self._stream("photons", tile), noisy)
        collect_dark(charge, dark, times, self._stream("dark", tile), noisy)
        if trapped is not None:
            ramp = ramp_duration(self.exposure, self.detector)
            emit(charge, trapped, times, ramp, lambda effect: self._stream(effect, tile), noisy)
        add_hits(charge, self.hits, tile)
        window, hole = self.exposure.guide_window, find_hole(self.exposure.guide_window, self.region, tile)
        if window is not None and hole is not None:
            stream, glow = self._stream("guide window", _shift(hole, tile)), rate * flat + dark
            refill(charge[hole], glow[hole], times, window.interval, stream, noisy)
        full = fill_wells(charge, _cut(maps.well, tile))
        if maps.loss is not None and maps.bend is not None:
            bend_signal(charge, _cut(maps.loss, tile), _cut(maps.bend, tile))
        return self._couple(charge, tile), full

    def _couple(self, signal: Cube, tile: Tile) -> Cube:
        if self.maps.links is None:
            return signal
        return couple(signal, _cut(self.maps.links, tile), self.maps.flat[tile] > 0)

    def _tell_rates(
        self, out: ReadOut, tile: Tile, wide: Tile, inner: Tile, trapped: npt.NDArray[np.float64] | None
    ) -> None:
        """Fill in the rates e-/s that a linear detector would show, and the part of them that is afterglow."""
        detected = self.rate[wide] * self.maps.flat[wide] + self.maps.dark[wide]
        if trapped is not None and out.persistence is not None:
            afterglow = trapped @ self._average_release()
            out.persistence[tile] = afterglow[inner]
            detected = detected + afterglow
        hole = find_hole(self.exposure.guide_window, self.region, wide)
        if hole is not None:
            detected[hole] = 0.0
        if self.maps.links is not None:
            detected = self._average_coupled(detected.astype(np.float64), wide)
        out.detected[tile] = detected[inner]

    def _average_coupled(self, rate: npt.NDArray[np.float64], tile: Tile) -> npt.NDArray[np.float64]:
        """Return the rate e-/s (ny, nx) that a tile shows from first to last read, on average over the ramps.

        Links fade as the signal grows, so it is not the same at every read.
        """
        ends = self.times[:, [0, -1]]
        shown = self._couple(rate[:, :, None, None] * ends, tile)
        return np.asarray((np.diff(shown, axis=3) / np.diff(ends, axis=1)).mean(axis=(2, 3)))

    def _average_release(self) -> npt.NDArray[np.float64]:
        """Return the share per second (2,) that traps release from first to last read, on average over the ramps."""
        released = release(self.times, ramp_duration(self.exposure, self.detector))[:, :, 1:].sum(axis=2)
        return np.asarray((released / (self.times[:, -1] - self.times[:, 0])).mean(axis=1))


def _shift(part: Tile, tile: Tile) -> Tile:
    """Return a part of a tile in the rows and columns of the region."""
    rows, columns = (slice(p.start + t.start, p.stop + t.start) for p, t in zip(part, tile, strict=True))
    return rows, columns


def _cut(plane: npt.NDArray[Any], tile: Tile) -> npt.NDArray[Any]:
    """Return a tile of a plane, contiguous, so that kernels are compiled for one layout."""
    return np.ascontiguousarray(plane[tile])


def _widen(tile: Tile, shape: tuple[int, int]) -> tuple[Tile, Tile]:
    """Return the tile with the pixels next to it, as far as there are any, and where in that the tile lies."""
    wide = tuple(slice(max(0, s.start - 1), min(n, s.stop + 1)) for s, n in zip(tile, shape, strict=True))
    inner = tuple(slice(s.start - w.start, s.stop - w.start) for s, w in zip(tile, wide, strict=True))
    return (wide[0], wide[1]), (inner[0], inner[1])
