"""The night sky, and what telescope and adaptive optics glow: lines of OH, continuum, heat.

Lines of the contract's list are scaled to the photons that each band is known to receive (filters.ecsv), with the
scale interpolated in wavelength between bands. Between lines lies a continuum of the measured brightness; the
atmosphere glows where it absorbs, mirrors as their emissivities say. Not modelled: change with time, airmass and
place, groups of lines that vary apart, moonlight, zodiacal light, molecules of the atmosphere below 900 nm. Sources:
continuum 18.6, 18.4, 18.2 mag arcsec-2 in Y, J, H, computed from the Gemini Mauna Kea sky; emissivities and
temperatures oirlab/iris_etc; throughput of the lenslet spectrograph IRIS PDR-1 Table 7 in oirlab/iris_etc.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from iris_contract import load_instrument
from iris_contract.spectral_data import load_atmosphere, load_oh_lines
from iris_simulator.lenslet.as_built import SpectrographAsBuilt
from iris_simulator.lenslet.planck import photon_radiance
from iris_simulator.lenslet.spectra import Light

__all__ = ["NightSky", "atmosphere", "collect"]

Float = npt.NDArray[np.float64]

_BANDS = ("Y", "J", "H", "Ks")
_CONTINUUM = ((1020.0, 1248.0, 1633.0, 2145.0), (0.98, 0.76, 0.45, 0.5))
"""nm, ph/s/m2/arcsec2/nm between the lines; the last [C], since in K only the sum with heat is known."""
_THROUGHPUT = ((830.0, 900.0, 2000.0, 2200.0, 2300.0, 2412.0), (0.34, 0.42, 0.42, 0.49, 0.44, 0.40))
_AIR_TEMPERATURE = 258.0  # K


@dataclass(frozen=True, slots=True)
class NightSky:
    """An even sky; `strength` multiplies the lines of OH, `airmass` deepens absorption and the heat of the air."""

    strength: float = 1.0
    airmass: float = 1.0

    def illuminate(self, built: SpectrographAsBuilt) -> Light:
        """Return its light."""
        area = (built.mode.scale / 1000) ** 2
        wave, flux = _list_lines()

        def continuum(nm: Float) -> Float:
            return (area * self._glow(nm))[None, :]

        lines = area * self.strength * flux * collect(wave)
        return Light(continuum, wave, lines[None, :], np.ones(len(built)))

    def _glow(self, nm: Float) -> Float:
        """e-/s/nm/arcsec2 between the lines: sky, then what shines behind it."""
        values = load_instrument().values
        sky = np.interp(nm, *_CONTINUUM) + (1 - atmosphere(nm, self.airmass)) * photon_radiance(nm, _AIR_TEMPERATURE)
        mirrors = values["telescope.mirror_emissivity"] * photon_radiance(nm, values["telescope.mirror_temperature"])
        optics = values["nfiraos.emissivity"] * photon_radiance(nm, values["nfiraos.temperature"])
        behind = collect(nm) / values["telescope.throughput"]
        return np.asarray(collect(nm) * sky + behind * mirrors + behind / _pass_optics(nm) * optics)


def collect(nm: Float) -> Float:
    """Return e- for each photon per m2 above the telescope: area, telescope, NFIRAOS, spectrograph, but no filter."""
    values = load_instrument().values
    area = values["telescope.collecting_area"] * values["telescope.throughput"]
    return np.asarray(area * _pass_optics(nm) * np.interp(nm, *_THROUGHPUT))


def _pass_optics(nm: Float) -> Float:
    values = load_instrument().values
    return np.asarray(np.where(nm < 1000.0, values["nfiraos.throughput_short"], values["nfiraos.throughput_long"]))


def atmosphere(nm: Float, airmass: float) -> Float:
    """Return the transmission at wavelengths nm; 1 below 900 nm, where the contract's table begins."""
    wave, transmission = load_atmosphere()
    return np.asarray(np.interp(nm, wave, transmission, left=1.0) ** airmass)


def _list_lines() -> tuple[Float, Float]:
    """Wavelengths nm and ph/s/m2/arcsec2 of the lines of OH."""
    wave, relative = load_oh_lines()
    middles, scales = [], []
    for name in _BANDS:
        band = load_instrument().filter(name)
        low, high = 1000 * band.cut_on, 1000 * band.cut_off
        middle = (low + high) / 2
        between = float(np.interp(middle, *_CONTINUUM)) * (high - low)
        within = relative[(wave > low) & (wave < high)].sum()
        middles.append(middle)
        scales.append((band.sky - between) / within)
    return wave, relative * np.interp(wave, middles, scales)
