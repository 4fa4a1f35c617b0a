"""PSFlets: the image of one wavelength of one lenslet, in pixels, at any sub-pixel place.

Tables at nodes of wavelength and of the camera's sharpness hold what pixels collect with the source at each of 16 x
16 phases within a pixel; between phases they are interpolated linearly, which keeps flux and centroid and widens by
less than (1/32 px)^2. Over wavelength and field a PSFlet is the convex mixture of its nodes: positive, and of flux 1.
The core fades out between 4.5 and 8 px; what is beyond makes a halo in steps of 4 px
(`iris_simulator.lenslet.far_light`).

Not modelled: change of shape within 4 px of the halo's structure, shape that differs from lenslet to lenslet.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import fft

from iris_contract.lenslet import LensletMode, load_grating_setting, load_passband
from iris_simulator.lenslet.optical_transfer import Complex, Illumination, find_cutoff, transfer

__all__ = ["PHASES", "REACH", "STAMP", "Psflets", "Widths", "build_psflets", "measure_widths"]

Float = npt.NDArray[np.float64]

PHASES = 16
STAMP, REACH = 16, 7
"""Pixels on a side of a stamp; the pixel that holds the source is number REACH of them."""
SHARP, SOFT = 0.16, 0.34  # [C] sigma px of the camera at best and worst focus: 7 % (K) to 17 % (Z) in width between
BIN = 4
"""Px of a cell of the halo."""
_FADE = (4.5, 8.0)
_FIELD = 64  # px of the periodic field in which cores are computed
_HALO_FIELD, _HALO_STEP = 512, 4  # px, samples per px
_SPACING = 0.05  # nodes are at most so far apart in the logarithm of wavelength


@dataclass(frozen=True, slots=True, eq=False)
class Psflets:
    """Tables of one mode and illumination.

    `wave` nm (nnode,); `core` float32 (nnode, 2, phases y, phases x, STAMP, STAMP), sharp and soft, of sum `share`
    (nnode,), with phases 0 to PHASES; `halo` (ncell, ncell) of sum 1, its middle at [ncell // 2, ncell // 2].
    """

    wave: Float
    core: npt.NDArray[np.float32]
    share: Float
    halo: Float

    def share_at(self, wavelength: npt.ArrayLike) -> Float:
        """Return the share of light in the core, of the shape of `wavelength` nm."""
        return np.asarray(np.interp(np.asarray(wavelength, dtype=np.float64), self.wave, self.share))


@lru_cache(maxsize=4)
def build_psflets(mode: LensletMode, illumination: Illumination) -> Psflets:
    """Compute the tables for all that the filter passes to 1e-3."""
    low, high = load_passband(mode.filter).support(1e-3)
    nodes = np.geomspace(low, high, 2 + int(np.log(high / low) / _SPACING))
    core = np.empty((len(nodes), 2, PHASES + 1, PHASES + 1, STAMP, STAMP), np.float32)
    share = np.empty(len(nodes))
    for n, wavelength in enumerate(nodes):
        pair = np.stack(
            [_tabulate(_sample(mode, wavelength, camera, illumination, _FIELD, PHASES)) for camera in (SHARP, SOFT)]
        )
        flux = pair.sum(axis=(3, 4), keepdims=True)  # alike to 1e-4: wings do not care about focus or phase
        share[n] = flux.mean()
        core[n] = pair * (share[n] / flux)
    middle = float(np.sqrt(low * high))
    return Psflets(nodes, core, share, _make_halo(mode, middle, illumination))


def _sample(
    mode: LensletMode, wavelength: float, camera: float, illumination: Illumination, field: int, steps: int
) -> Float:
    """Return what a pixel collects, sampled `steps` times per px over `field` px, with the source in the middle."""
    frequency = np.asarray(np.fft.fftfreq(field * steps, 1 / steps), dtype=np.float64)
    anamorphism = load_grating_setting(mode.grating).anamorphism
    passed = np.flatnonzero(np.abs(frequency) <= find_cutoff(wavelength, anamorphism))
    some = frequency[passed]
    plane: Complex = np.zeros((len(frequency), len(frequency)), np.complex128)
    plane[np.ix_(passed, passed)] = transfer(
        (some[None, :], some[:, None]), wavelength, mode.scale, anamorphism, camera, illumination
    )
    return np.asarray(np.fft.fftshift(fft.ifft2(plane, overwrite_x=True).real) * steps**2)


def _fade(distance: Float) -> Float:
    """Return 1 near the source, 0 far from it, smooth between."""
    start, end = _FADE
    turn = np.clip((np.abs(distance) - start) / (end - start), 0, 1) * np.pi / 2
    return np.asarray(np.cos(turn) ** 2)


def _tabulate(sampled: Float) -> Float:
    """Cut the stamps of all phases (phases y, phases x, STAMP, STAMP) out of a sampled PSFlet."""
    axis = (np.arange(len(sampled)) - len(sampled) // 2) / PHASES
    core = np.maximum(sampled, 0) * _fade(axis) * _fade(axis)[:, None]
    # pixel c with the source at phase p lies (c - REACH) - p / PHASES from the source
    index = len(sampled) // 2 + (np.arange(STAMP) - REACH) * PHASES - np.arange(PHASES + 1)[:, None]
    return np.asarray(core[index[:, None, :, None], index[None, :, None, :]])


def _make_halo(mode: LensletMode, wavelength: float, illumination: Illumination) -> Float:
    sampled = _sample(mode, wavelength, (SHARP + SOFT) / 2, illumination, _HALO_FIELD, _HALO_STEP)
    axis = (np.arange(len(sampled)) - len(sampled) // 2) / _HALO_STEP
    beyond = np.maximum(sampled, 0) * (1 - _fade(axis) * _fade(axis)[:, None])
    side = BIN * _HALO_STEP
    beyond = np.roll(beyond, (side // 2, side // 2), axis=(0, 1))  # the source into the middle of a cell
    cells = beyond.reshape(len(sampled) // side, side, -1, side).sum(axis=(1, 3))
    return np.asarray(cells / cells.sum())


class Widths(NamedTuple):
    """Of a PSFlet: `fwhm` px along and across dispersion of the sum over the other direction; share of light in a strip
    2 px wide whose middle is 2 px away in y, on one side; share `beyond` 8 px in y, on both sides."""

    fwhm: tuple[float, float]
    strip: float
    beyond: float


def measure_widths(mode: LensletMode, wavelength: float, softness: float, illumination: Illumination) -> Widths:
    """Measure a PSFlet, as pixels see it, in one dimension at a time."""
    length, step = 1024, 1 / 32
    frequency = np.asarray(np.fft.fftfreq(int(length / step), step), dtype=np.float64)
    anamorphism = load_grating_setting(mode.grating).anamorphism
    nothing = np.zeros_like(frequency)

    def profile(along: Float, across: Float) -> Float:
        planes = [
            weight * transfer((along, across), wavelength, mode.scale, anamorphism, camera, illumination)
            for weight, camera in ((1 - softness, SHARP), (softness, SOFT))
        ]
        return np.asarray(np.fft.fftshift(np.fft.ifft(planes[0] + planes[1]).real))  # of sum 1

    place = np.asarray((np.arange(len(frequency)) - len(frequency) // 2) * step, dtype=np.float64)
    along, across = profile(frequency, nothing), profile(nothing, frequency)
    strip = across[(place > 1) & (place < 3)].sum()
    return Widths(
        (_full_width(place, along), _full_width(place, across)), float(strip), float(across[np.abs(place) > 8].sum())
    )


def _full_width(place: Float, profile: Float) -> float:
    """Return the full width at half of the maximum, interpolated linearly."""
    half = profile.max() / 2
    above = np.flatnonzero(profile >= half)
    first, last = above[0], above[-1]
    left = np.interp(half, profile[first - 1 : first + 1], place[first - 1 : first + 1])
    right = np.interp(-half, -profile[last : last + 2], place[last : last + 2])
    return float(right - left)
