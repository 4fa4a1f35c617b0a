"""The gratings as designed: wavelength to distance along dispersion.

In first order sin(beta) = G lambda - sin(alpha) with incidence alpha = tilt + 22.5 deg, and a camera of focal length
f = 355 mm behind which x - x_0 = (f / p) tan(beta - beta_0), beta_0 = tilt - 22.5 deg, p = 15 um: all that in the plane
of symmetry, for a lenslet in the middle of the field, x_0. `rays` has the rest of the field. A grating stands at one
tilt for all its filters [C]. Not modelled: other orders, blaze.
Source of tilts and line densities: oirlab/liger_iris_sim; angles and focal length follow from them (instrument.yaml).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import cos, radians, sin

import numpy as np
import numpy.typing as npt

from iris_contract.errors import InputError
from iris_contract.instrument import load_instrument

__all__ = ["GratingSetting", "load_grating_setting"]

Float = npt.NDArray[np.float64]
_NM_PER_MM = 1e6


@dataclass(frozen=True, slots=True)
class GratingSetting:
    """A grating at its tilt: `incidence` and `diffraction` of the centre in rad, lines per mm, `focal` length in px."""

    name: str
    incidence: float
    diffraction: float
    line_density: float
    focal: float

    @property
    def anamorphism(self) -> float:
        """Factor by which the grating narrows what lies along dispersion in the middle of the field."""
        return cos(self.incidence) / cos(self.diffraction)

    @property
    def centre(self) -> float:
        """Wavelength in nm that falls on the middle of the field, along both axes."""
        return (sin(self.incidence) + sin(self.diffraction)) / self.line_density * _NM_PER_MM

    def disperse(self, wavelength: npt.ArrayLike) -> Float:
        """Px from the centre along dispersion, of nm of a lenslet in the middle; NaN where the camera sees none."""
        sine = np.asarray(wavelength, dtype=np.float64) * (self.line_density / _NM_PER_MM) - sin(self.incidence)
        angle = np.arcsin(np.where(np.abs(sine) < 1, sine, np.nan)) - self.diffraction
        seen: Float = self.focal * np.tan(np.where(np.abs(angle) < np.pi / 2, angle, np.nan))
        return seen

    def invert(self, distance: npt.ArrayLike) -> Float:
        """Wavelength in nm at a distance in px from the centre: the inverse of `disperse`."""
        angle = self.diffraction + np.arctan(np.asarray(distance, dtype=np.float64) / self.focal)
        wavelength: Float = (np.sin(angle) + sin(self.incidence)) / self.line_density * _NM_PER_MM
        return wavelength

    def dispersion(self, wavelength: npt.ArrayLike) -> Float:
        """Nm per px at wavelengths in nm."""
        tangent = self.disperse(wavelength) / self.focal
        angle = self.diffraction + np.arctan(tangent)
        step: Float = np.cos(angle) / (1 + tangent**2) / (self.line_density / _NM_PER_MM * self.focal)
        return step


@cache
def load_grating_setting(name: str) -> GratingSetting:
    """Return the grating called `name`, say 4000-K; raise InputError with the choices if there is none."""
    instrument = load_instrument()
    if name not in instrument.gratings:
        raise InputError(f"no such grating; choose {', '.join(instrument.gratings)}", key="GRATING", value=name)
    grating, half = instrument.gratings[name], instrument.values["ifs.collimator_camera_angle"] / 2
    focal = instrument.values["ifs.camera_focal_length"] * 1e3 / instrument.detector("IFU").pixel_pitch
    return GratingSetting(name, radians(grating.tilt + half), radians(grating.tilt - half), grating.line_density, focal)
