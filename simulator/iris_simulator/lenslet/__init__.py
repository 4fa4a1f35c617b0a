"""The lenslet spectrograph as it was built, its light, and the images that it makes.

What needs compiled code is imported when it is first asked for.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from iris_simulator.lenslet.effects import OPTICAL_EFFECTS

if TYPE_CHECKING:
    from iris_simulator.lenslet.as_built import SpectrographAsBuilt, build_spectrograph
    from iris_simulator.lenslet.flexure import flex
    from iris_simulator.lenslet.lamps import ArcLamp, WhiteLamp
    from iris_simulator.lenslet.night_sky import NightSky
    from iris_simulator.lenslet.scene import LensletScene, LensletSource, build_scene
    from iris_simulator.lenslet.sources import CubeSource, LineSource, Star
    from iris_simulator.lenslet.spectra import Light, Spectra, detect
    from iris_simulator.lenslet.truth import tell_spectrograph

__all__ = [
    "OPTICAL_EFFECTS",
    "ArcLamp",
    "CubeSource",
    "LensletScene",
    "LensletSource",
    "Light",
    "LineSource",
    "NightSky",
    "Spectra",
    "SpectrographAsBuilt",
    "Star",
    "WhiteLamp",
    "build_scene",
    "build_spectrograph",
    "detect",
    "flex",
    "tell_spectrograph",
]

_HOMES = {
    "as_built": ("SpectrographAsBuilt", "build_spectrograph"),
    "flexure": ("flex",),
    "lamps": ("ArcLamp", "WhiteLamp"),
    "night_sky": ("NightSky",),
    "scene": ("LensletScene", "LensletSource", "build_scene"),
    "sources": ("CubeSource", "LineSource", "Star"),
    "spectra": ("Light", "Spectra", "detect"),
    "truth": ("tell_spectrograph",),
}


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"iris_simulator.lenslet.{module}"), name)
    raise AttributeError(f"module 'iris_simulator.lenslet' has no attribute {name!r}")
