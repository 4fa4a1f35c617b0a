"""Spectra of the lenslets: what a source sends, and what of it is detected behind filter and lenslets.

Continuum is a density in e-/s/nm, linear between the samples of a grid; lines are without width, at their own
wavelength. A source's `Light` is what a lenslet of throughput 1 would give without the filter. What the filter leaks
beyond its band (below 1e-3) is kept apart, on a coarse grid. Not modelled: polarisation, second order, change during
an exposure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from iris_contract import load_instrument
from iris_contract.lenslet import load_grating_setting, load_passband
from iris_simulator.lenslet.as_built import SpectrographAsBuilt

__all__ = ["Light", "Spectra", "detect"]

Float = npt.NDArray[np.float64]
BAND = 1e-3
"""Transmission from which on light belongs to the band."""
_SAMPLING = 0.5  # grid step over the designed dispersion: one channel of the image
_LEAK_STEP = 4.0  # nm


@dataclass(frozen=True, slots=True, eq=False)
class Light:
    """What arrives at the lenslets, as detected at throughput 1 and without filter.

    `continuum(wave)` gives e-/s/nm, (1, nwave) where all lenslets see the same or (n, nwave); `line_wave` nm (nline,)
    and `line_flux` e-/s (1 or n, nline); `brightness` (n,) multiplies all; `illumination` names how the pupil is
    filled and `shift` px (n, 2) moves PSFlets for how the lenslet is.
    """

    continuum: Callable[[Float], Float]
    line_wave: Float
    line_flux: Float
    brightness: Float
    illumination: str = "sky"
    shift: Float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Spectra:
    """What is detected of n lenslets.

    `wave` nm (nwave,), evenly spaced, and `continuum` e-/s/nm float32 (n, nwave) in the band; `leak_wave` (nleak,)
    and `leak` (n, nleak) beyond it, 0 inside; lines: `line_wave` (nline,), `line_flux` e-/s (n, nline).
    """

    wave: Float
    continuum: npt.NDArray[np.float32]
    leak_wave: Float
    leak: npt.NDArray[np.float32]
    line_wave: Float
    line_flux: Float
    illumination: str = "sky"
    shift: Float | None = None

    @property
    def flux(self) -> float:
        """All light of the band, lines included, in e-/s."""
        return float(self.line_flux.sum() + np.trapezoid(self.continuum.astype(np.float64), self.wave, axis=1).sum())

    def bin(self, wave: Float) -> npt.NDArray[np.float32]:
        """Return e-/s (n, nchan) in channels about the evenly spaced `wave`, lines included."""
        step = wave[1] - wave[0]
        edges = wave[0] + step * (np.arange(len(wave) + 1) - 0.5)
        density = self.continuum.astype(np.float64)
        running = np.zeros(density.shape)
        running[:, 1:] = np.cumsum((density[:, 1:] + density[:, :-1]) / 2 * np.diff(self.wave), axis=1)
        place = np.clip((edges - self.wave[0]) / (self.wave[1] - self.wave[0]), 0, len(self.wave) - 1)
        node = np.minimum(place.astype(int), len(self.wave) - 2)
        rest = (place - node) * (self.wave[1] - self.wave[0])
        rise = (density[:, node + 1] - density[:, node]) / (self.wave[1] - self.wave[0])
        channels = np.diff(running[:, node] + rest * (density[:, node] + rise * rest / 2), axis=1)
        number = np.floor((self.line_wave - edges[0]) / step).astype(int)
        for line in np.flatnonzero((number >= 0) & (number < len(wave))):
            channels[:, number[line]] += self.line_flux[:, line]
        return np.asarray(channels, dtype=np.float32)


def detect(light: Light, built: SpectrographAsBuilt) -> Spectra:
    """Return what passes filter and lenslets; InputError where the filter passes nothing."""
    passband = load_passband(built.mode.filter)
    low, high = passband.support(BAND)
    step = _SAMPLING * float(load_grating_setting(built.mode.grating).dispersion((low + high) / 2))
    wave = np.linspace(low, high, int((high - low) / step) + 2)
    leak_wave = _list_leaks(low, high)
    ends = (leak_wave < low) | (leak_wave > high)
    return Spectra(
        wave,
        _dim(light, built, light.continuum(wave), passband.transmission(wave), wave).astype(np.float32),
        leak_wave,
        _dim(light, built, light.continuum(leak_wave), passband.transmission(leak_wave) * ends, leak_wave).astype(
            np.float32
        ),
        light.line_wave,
        _dim(light, built, light.line_flux, passband.transmission(light.line_wave), light.line_wave),
        light.illumination,
        light.shift,
    )


def _list_leaks(low: float, high: float) -> Float:
    """Wavelengths that are detected beyond the band, with a step straight down at its ends."""
    values = load_instrument().values
    first = 1000 * min(f.cut_on for f in load_instrument().filters.values())
    last = 1000 * values["detector.long_wavelength_cutoff"]
    grid = np.arange(min(first, low) - _LEAK_STEP, max(last, high) + _LEAK_STEP, _LEAK_STEP)
    return np.unique(np.concatenate([grid, [low - 1e-6, low, high, high + 1e-6]]))


def _dim(light: Light, built: SpectrographAsBuilt, amount: Float, transmission: Float, wave: Float) -> Float:
    through = built.throughput(wave)
    through *= light.brightness[:, None]
    through *= amount * transmission
    return through
