"""Scenes and detectors whose truth is known: raw frames and truth of the as-built instrument.

What needs compiled code is imported when it is first asked for, so that naming the effects or
describing a scene costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from iris_simulator.effects import EFFECTS

if TYPE_CHECKING:
    from iris_simulator.as_built import AsBuilt, build_as_built
    from iris_simulator.observation import observe
    from iris_simulator.persistence import Earlier
    from iris_simulator.psf import diffraction_stamp, gaussian_stamp
    from iris_simulator.scenes import (
        Blank,
        FlatLamp,
        Ladder,
        RateImage,
        Scene,
        StarField,
        UniformSky,
        draw_stars,
    )
    from iris_simulator.write import write_exposure

__all__ = [
    "EFFECTS",
    "AsBuilt",
    "Blank",
    "Earlier",
    "FlatLamp",
    "Ladder",
    "RateImage",
    "Scene",
    "StarField",
    "UniformSky",
    "build_as_built",
    "diffraction_stamp",
    "draw_stars",
    "gaussian_stamp",
    "observe",
    "write_exposure",
]

_HOMES = {
    "as_built": ("AsBuilt", "build_as_built"),
    "observation": ("observe",),
    "persistence": ("Earlier",),
    "psf": ("diffraction_stamp", "gaussian_stamp"),
    "scenes": ("Blank", "FlatLamp", "Ladder", "RateImage", "Scene", "StarField", "UniformSky", "draw_stars"),
    "write": ("write_exposure",),
}


def __getattr__(name: str) -> Any:
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f"iris_simulator.{module}"), name)
    raise AttributeError(f"module 'iris_simulator' has no attribute {name!r}")
