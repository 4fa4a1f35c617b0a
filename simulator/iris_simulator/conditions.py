"""Environment, dispersion corrector, adaptive optics and PSF metadata of an exposure.

Each night has its own weather and seeing; each exposure a little of its own besides. Plausible
values only: nothing in the simulated light depends on them yet. Typical values are choices [C]
about those of the Maunakea site and of NFIRAOS in the contract.
"""

from __future__ import annotations

import numpy as np

from iris_contract import load_instrument
from iris_simulator.pointing import wrap
from iris_simulator.seeds import make_generator

__all__ = ["describe_conditions"]

Cards = dict[str, float | str]


def describe_conditions(
    pointing: dict[str, float | str], wavelength: float, *, seed: int, night: int, exposure: int, on_sky: bool
) -> Cards:
    """Return the cards of environment, corrector, NFIRAOS and PSF; `wavelength` um is held fixed by the ADC."""
    nightly = make_generator("conditions", seed, night)
    now = make_generator("conditions", seed, night, exposure)
    airmass = float(pointing["AIRMASS"])
    cards = _describe_environment(nightly, now)
    cards |= _describe_corrector(float(pointing["ZA"]), float(pointing["PROTANG"]), wavelength, on_sky)
    cards |= _describe_optics(nightly, now, airmass, on_sky)
    cards |= _describe_instrument(now, float(pointing["PROTANG"]))
    return cards | (_describe_guide_star(now) if on_sky else {})


def _describe_environment(nightly: np.random.Generator, now: np.random.Generator) -> Cards:
    temperature = load_instrument().values["telescope.mirror_temperature"]
    return {
        "ENVTAIR": temperature + nightly.normal(0, 2) + now.normal(0, 0.2),
        "ENVPRES": 605 + nightly.normal(0, 1.5) + now.normal(0, 0.1),
        "ENVRH": float(np.clip(nightly.uniform(0.05, 0.5) + now.normal(0, 0.01), 0.01, 1)),
        "ENVWIND": nightly.uniform(2, 10) * float(np.exp(now.normal(0, 0.1))),
    }


def _describe_corrector(zenith: float, pupil: float, wavelength: float, on_sky: bool) -> Cards:
    """Two prism pairs turned oppositely from the horizon, the less the stronger the dispersion."""
    limit = load_instrument().values["telescope.zenith_angle_max"]
    strength = min(1.0, np.tan(np.radians(zenith)) / np.tan(np.radians(limit)))
    opening = float(np.degrees(np.arccos(strength)))
    return {
        "ADCPRISA": wrap(pupil + opening),
        "ADCPRISB": wrap(pupil - opening),
        "ADCWAVE": wavelength,
        "ADCFOLL": "FOLLOWING" if on_sky else "NOT_FOLLOWING",
    }


def _describe_optics(nightly: np.random.Generator, now: np.random.Generator, airmass: float, on_sky: bool) -> Cards:
    values = load_instrument().values
    seeing = float(np.exp(nightly.normal(0, 0.2) + now.normal(0, 0.05)))
    fried = values["nfiraos.fried_parameter"] * seeing * airmass**-0.6
    return {
        "LGSR0": fried,
        "LGSL0": values["nfiraos.outer_scale"],
        "LGSTAU0": 0.0065 * seeing * airmass**-0.6,
        "LGSTHT0": 2200.0 * seeing * airmass**-1.6,
        "AORATEHO": 800.0,
        "AORATELO": 90.0,
        "AOENCPRE": 605 + nightly.normal(0, 1.5),
        "AOLOOP": "CLOSED" if on_sky else "OPEN",
    }


def _describe_guide_star(now: np.random.Generator) -> Cards:
    major = 1.3 * float(np.exp(now.normal(0, 0.1)))
    ellipticity = now.uniform(0.02, 0.15)
    return {
        "ODGWIMEL": ellipticity,
        "ODGWIMS1": major,
        "ODGWIMS2": major * (1 - ellipticity),
        "ODGWIMRT": now.uniform(-90, 90),
    }


def _describe_instrument(now: np.random.Generator, pupil: float) -> Cards:
    temperature = load_instrument().values["detector.temperature"]
    return {
        "CLDSTPX": now.normal(0, 0.02),
        "CLDSTPY": now.normal(0, 0.02),
        "CLDSTPTH": wrap(pupil + now.normal(0, 0.05)),
        "IMGDTEMP": temperature + now.normal(0, 0.005),
        "IFSDTEMP": temperature + now.normal(0, 0.005),
    }
