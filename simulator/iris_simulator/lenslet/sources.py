"""Sources in the field: anything that a spectral cube describes, stars, and lines of nebulae.

A cube gives, lenslet by lenslet, what arrives there; between its wavelengths it is interpolated linearly. A star is
the diffraction pattern of the aperture with a halo, at a few wavelengths, summed over lenslets. Light that varies
over the field fills the pupil unevenly and so moves each PSFlet by up to POINT_SHIFT along the gradient [C], the
largest systematic error known from OSIRIS (Lockhart et al. 2019). Not modelled: speckles, residual dispersion, real
phase over a lenslet.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from iris_contract.errors import InputError
from iris_contract.lenslet import load_lattice, load_passband
from iris_simulator.lenslet.as_built import SpectrographAsBuilt
from iris_simulator.lenslet.night_sky import atmosphere, collect
from iris_simulator.lenslet.spectra import Light
from iris_simulator.psf import diffraction_stamp, place_stamp

__all__ = ["CubeSource", "LineSource", "Star"]

Float = npt.NDArray[np.float64]
POINT_SHIFT = 0.05  # px [C]
_STAMP = 64  # lenslets
_NODES = 5


@dataclass(frozen=True, slots=True, eq=False)
class CubeSource:
    """A spectral cube (nwave, nrow, ncol) of the mask's bounding box at `wave` nm.

    Above the atmosphere in ph/s/nm/m2 where `on_sky`, otherwise e-/s/nm at throughput 1, without filter.
    """

    wave: Float
    cube: Float
    on_sky: bool = True
    airmass: float = 1.0

    def illuminate(self, built: SpectrographAsBuilt) -> Light:
        """Return its light; raises InputError where the cube is not of the mode's box."""
        shape = load_lattice(built.mode.mask, built.mode.column).shape
        if self.cube.shape != (len(self.wave), *shape):
            raise InputError(f"the cube must be {(len(self.wave), *shape)}", key="cube", value=self.cube.shape)
        spaxels = self.cube[:, built.row, built.column]

        def continuum(nm: Float) -> Float:
            place = np.clip(np.interp(nm, self.wave, np.arange(len(self.wave))), 0, len(self.wave) - 1)
            node = np.minimum(place.astype(int), max(len(self.wave) - 2, 0))
            rest = (place - node)[:, None]
            light = (1 - rest) * spaxels[node] + rest * spaxels[np.minimum(node + 1, len(self.wave) - 1)]
            through = collect(nm) * atmosphere(nm, self.airmass) if self.on_sky else np.ones(len(nm))
            return np.asarray((light * through[:, None]).T)

        shift = _shift_by_gradient(self.cube.sum(axis=0))[built.row, built.column]
        none = np.empty((1, 0))
        return Light(continuum, np.empty(0), none, np.ones(len(built)), "point", shift)


@dataclass(frozen=True, slots=True, eq=False)
class Star:
    """A star at `column`, `row` of the bounding box (from 0, not necessarily whole).

    `density` ph/s/nm/m2 at wavelengths nm.
    """

    column: float
    row: float
    density: Callable[[Float], Float]
    strehl: float = 0.5
    airmass: float = 1.0

    def illuminate(self, built: SpectrographAsBuilt) -> Light:
        """Return its light."""
        wave = np.linspace(*load_passband(built.mode.filter).support(1e-3), _NODES)
        cube = np.zeros((_NODES, *load_lattice(built.mode.mask, built.mode.column).shape))
        for plane, nm in zip(cube, wave, strict=True):
            stamp = diffraction_stamp(nm / 1000, _STAMP, strehl=self.strehl, pixel_scale=built.mode.scale)
            place_stamp(plane, stamp, 4, self.column, self.row, 1.0)
        share = CubeSource(wave, cube, True, self.airmass).illuminate(built)
        return Light(
            lambda nm: share.continuum(nm) * self.density(nm),
            share.line_wave,
            share.line_flux,
            share.brightness,
            "point",
            share.shift,
        )


@dataclass(frozen=True, slots=True, eq=False)
class LineSource:
    """Emission lines at `wave` nm (nline,) with maps (nline, nrow, ncol) of ph/s/m2 above the atmosphere."""

    wave: Float
    maps: Float
    airmass: float = 1.0

    def illuminate(self, built: SpectrographAsBuilt) -> Light:
        """Return its light; raises InputError where the maps are not of the mode's box."""
        shape = load_lattice(built.mode.mask, built.mode.column).shape
        if self.maps.shape != (len(self.wave), *shape):
            raise InputError(f"the maps must be {(len(self.wave), *shape)}", key="maps", value=self.maps.shape)
        flux = self.maps[:, built.row, built.column].T * collect(self.wave) * atmosphere(self.wave, self.airmass)
        shift = _shift_by_gradient(self.maps.sum(axis=0))[built.row, built.column]
        return Light(lambda nm: np.zeros((1, len(nm))), self.wave, flux, np.ones(len(built)), "point", shift)


def _shift_by_gradient(image: Float) -> Float:
    """Return px (nrow, ncol, 2), x and y.

    POINT_SHIFT times the difference over the sum of the lenslets on both sides.
    """
    wide = np.pad(image, 1, mode="edge")
    pairs = (wide[1:-1, 2:], wide[1:-1, :-2]), (wide[2:, 1:-1], wide[:-2, 1:-1])
    shifts = [(after - before) / np.maximum(after + before, np.finfo(float).tiny) for after, before in pairs]
    return POINT_SHIFT * np.stack(shifts, axis=-1)
