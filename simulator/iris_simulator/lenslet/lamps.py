"""Lamps of the calibration unit: argon, krypton, xenon and neon with their lines, and the flat lamp's smooth continuum.

Listed intensities are kept within an element and scaled so that the brightest line of the passband has the rate that
is asked for; real lamps depart from the list, line by line. They also show weak lines that no list has (other ions,
molecules, impurities), a faint continuum, and grow brighter while they warm up. Which and how much are choices [C],
drawn for the instrument. The listed wavelengths are measured ones, and in error: each line shines LIST_ERROR rms beside
its place in the list, the same in all exposures and nights, and truth tells where. Not modelled: errors that lines of
an element share, widths and isotopes of lines, change of ratios with temperature, light of other lamps.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from math import exp

import numpy as np
import numpy.typing as npt

from iris_contract.errors import InputError
from iris_contract.lenslet import load_passband
from iris_contract.spectral_data import load_arc_lines
from iris_simulator.effects import choose_effects
from iris_simulator.lenslet.as_built import SpectrographAsBuilt
from iris_simulator.lenslet.effects import OPTICAL_EFFECTS
from iris_simulator.lenslet.field import draw_field
from iris_simulator.lenslet.planck import photon_radiance
from iris_simulator.lenslet.spectra import Light
from iris_simulator.seeds import make_generator

__all__ = ["ArcLamp", "WhiteLamp"]

Float = npt.NDArray[np.float64]

UNEVEN = 0.03  # [C] rms over the field: an integrating sphere seen through the relay
INTENSITY_SCATTER = 0.3  # [C] rms of the logarithm: lists are of other lamps at other currents
UNLISTED = 0.03  # [C] unlisted lines per nm, some three in a 5 % filter
UNLISTED_RANGE = (1e-3, 2e-2)  # [C] of the brightest line, uniform in the logarithm
LIST_ERROR = 2e-3
"""[C] nm rms: NIST's database states 2 to 20 units of the last decimal [W nist.gov/pml/data/asd_contents.cfm]; most
lines of argon and krypton in the list have three decimals, so this is the least. Neon has four and is better."""
CONTINUUM = 1e-5  # [C] per nm, of the brightest line: recombination, glowing electrodes
COLD, WARMING = 0.2, 300.0  # [C] share that is missing at switching on, and time constant s
TEMPERATURE = 2900.0  # [C] K of the flat lamp
_RANGE = (780.0, 2550.0)  # nm


@dataclass(frozen=True, slots=True)
class ArcLamp:
    """The lamp `name` (CALLAMP) whose brightest line in the passband gives a lenslet `rate` e-/s.

    `age` s is the time since it was switched on, `effects` those of the optics that are on.
    """

    name: str
    rate: float
    age: float = 3600.0
    effects: Collection[str] = OPTICAL_EFFECTS

    def illuminate(self, built: SpectrographAsBuilt) -> Light:
        """Return its light; raises InputError for another lamp, or where the passband holds none of its lines."""
        on = choose_effects(self.effects, OPTICAL_EFFECTS)
        wave, listed = load_arc_lines(self.name)
        generator = make_generator("lamp", built.seed, self.name)
        strength = listed * np.exp(INTENSITY_SCATTER * generator.normal(size=len(listed)))
        passed = strength * load_passband(built.mode.filter).transmission(wave)
        low, high = load_passband(built.mode.filter).half
        brightest = passed[(wave > low) & (wave < high)].max(initial=0.0)
        if brightest <= 0:
            raise InputError(f"no line of {self.name} lies in the passband", key="FILTER", value=built.mode.filter)
        strength = strength / brightest
        if "listed_errors" in on:
            errors = make_generator("lamp", built.seed, self.name, "listed wavelengths")
            wave = wave + LIST_ERROR * errors.normal(size=len(wave))
        if "unlisted_lines" in on:
            more = _draw_unlisted(generator)
            wave, strength = np.concatenate([wave, more[0]]), np.concatenate([strength, more[1]])
        return Light(
            lambda nm: np.full((1, len(nm)), CONTINUUM * self.rate),
            wave,
            self.rate * strength[None, :],
            _light_field(built, self.age if "warm_up" in on else np.inf),
            "lamp",
        )


@dataclass(frozen=True, slots=True)
class WhiteLamp:
    """The flat lamp, `rate` e-/s/nm of a lenslet in the middle of the passband."""

    rate: float
    age: float = 3600.0
    effects: Collection[str] = OPTICAL_EFFECTS

    def illuminate(self, built: SpectrographAsBuilt) -> Light:
        """Return its light; raises InputError where no light passes."""
        on = choose_effects(self.effects, OPTICAL_EFFECTS)
        middle = np.array([sum(load_passband(built.mode.filter).half) / 2])
        unit = self.rate / float(photon_radiance(middle, TEMPERATURE)[0])
        return Light(
            lambda nm: unit * photon_radiance(nm, TEMPERATURE)[None, :],
            np.empty(0),
            np.empty((1, 0)),
            _light_field(built, self.age if "warm_up" in on else np.inf),
            "lamp",
        )


def _light_field(built: SpectrographAsBuilt, age: float) -> Float:
    """Brightness (n,) over the field, about 1, of a lamp that has been on for `age` s."""
    field = draw_field(built.seed, "lamp", UNEVEN).at(built.along, built.across)
    return np.asarray((1 - COLD * exp(-age / WARMING)) * np.exp(field))


def _draw_unlisted(generator: np.random.Generator) -> tuple[Float, Float]:
    """Wavelengths nm and strengths of the lines that the list lacks."""
    number = int(generator.poisson(UNLISTED * (_RANGE[1] - _RANGE[0])))
    low, high = UNLISTED_RANGE
    return generator.uniform(*_RANGE, number), low * (high / low) ** generator.random(number)
