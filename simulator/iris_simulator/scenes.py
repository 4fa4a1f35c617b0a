"""Scenes: what reaches the detector, as the rate that a pixel of median response would detect.

A scene is anything with `rate(detector, region)`; the rate is in e-/s per pixel and is defined on the
whole detector, so a sub-array sees the cut. Positions count pixels from 1 at the middle of the first
pixel, as the headers do. A scene is constant during an exposure; spectra, sky variation, distortion
and ghosts are not modelled here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from iris_contract import Detector, Subarray
from iris_contract.errors import InputError
from iris_simulator.psf import place_stamp
from iris_simulator.seeds import make_generator

__all__ = ["Blank", "FlatLamp", "Ladder", "RateImage", "Scene", "StarField", "UniformSky", "draw_stars"]

Plane = npt.NDArray[np.float64]


class Scene(Protocol):
    """Light on the detector."""

    def rate(self, detector: Detector, region: Subarray) -> Plane:
        """Return e-/s of each pixel of `region`, shape (ny, nx), finite and not negative."""
        ...


@dataclass(frozen=True, slots=True)
class Blank:
    """No light at all."""

    def rate(self, detector: Detector, region: Subarray) -> Plane:
        """Return zeros."""
        return np.zeros(region.shape)


@dataclass(frozen=True, slots=True)
class UniformSky:
    """The same `level` in e-/s on every pixel."""

    level: float

    def rate(self, detector: Detector, region: Subarray) -> Plane:
        """Return the level."""
        return np.full(region.shape, float(self.level))


@dataclass(frozen=True, slots=True)
class FlatLamp:
    """The flat lamp: `level` e-/s in the middle of the detector, by default even.

    `slope` is the relative change in x and in y from the middle to the edge; `falloff` is the
    relative loss at the middle of an edge that grows with the square of the distance.
    """

    level: float
    slope: tuple[float, float] = (0.0, 0.0)
    falloff: float = 0.0

    def rate(self, detector: Detector, region: Subarray) -> Plane:
        """Return the illumination."""
        y, x = ((2 * np.arange(s.start, s.stop) + 1) / detector.size - 1 for s in region.slices)
        x, y = x[None, :], y[:, None]
        return np.asarray(self.level * (1 + self.slope[0] * x + self.slope[1] * y - self.falloff * (x**2 + y**2)))


@dataclass(frozen=True, slots=True)
class RateImage:
    """An arbitrary rate image e-/s, (ny, nx) of the detector region `cover`."""

    image: npt.NDArray[np.floating]
    cover: Subarray

    def __post_init__(self) -> None:
        if self.image.shape != self.cover.shape:
            raise InputError(f"the image must be {self.cover.shape}", key="image", value=self.image.shape)

    def rate(self, detector: Detector, region: Subarray) -> Plane:
        """Return the cut; raises InputError where the image does not cover `region`."""
        return np.asarray(self.image[region.cut_from(self.cover)], dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Ladder:
    """Several `rates` in e-/s, in square blocks of `block` pixels interleaved over the detector.

    Along a row of blocks the rates follow one another; each row of blocks begins three further on.
    """

    rates: tuple[float, ...]
    block: int = 16

    def rate(self, detector: Detector, region: Subarray) -> Plane:
        """Return the pattern."""
        y, x = (np.arange(s.start, s.stop) // self.block for s in region.slices)
        number = (x[None, :] + 3 * y[:, None]) % len(self.rates)
        rates: Plane = np.asarray(self.rates, dtype=np.float64)[number]
        return rates


@dataclass(frozen=True, slots=True)
class StarField:
    """Stars of `flux` e-/s at `x`, `y` over an even `sky`; `stamp` is the PSF, as `iris_simulator.psf` makes."""

    x: Sequence[float]
    y: Sequence[float]
    flux: Sequence[float]
    stamp: Plane = field(repr=False)
    oversampling: int = 4
    sky: float = 0.0

    def rate(self, detector: Detector, region: Subarray) -> Plane:
        """Return stars and sky; light beyond the stamp or the region is lost."""
        image = np.full(region.shape, float(self.sky))
        for x, y, flux in zip(self.x, self.y, self.flux, strict=True):
            place_stamp(image, self.stamp, self.oversampling, x - region.xstart, y - region.ystart, flux)
        return image


def draw_stars(
    region: Subarray, number: int, faintest: float, brightest: float, stamp: Plane, *, seed: int, sky: float = 0.0
) -> StarField:
    """Return `number` stars at random over `region`, fluxes e-/s uniform in the logarithm."""
    generator = make_generator("stars", seed)
    x = region.xstart - 0.5 + region.xsize * generator.random(number)
    y = region.ystart - 0.5 + region.ysize * generator.random(number)
    flux = faintest * (brightest / faintest) ** generator.random(number)
    return StarField(tuple(x.tolist()), tuple(y.tolist()), tuple(flux.tolist()), stamp, sky=sky)
