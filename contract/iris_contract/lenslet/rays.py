"""Where the design puts a wavelength of a lenslet: rays through a plane grating, in three dimensions.

The design is a square array of lenslets in the focal plane of a collimator, a plane grating, and a camera of the same
focal length f, all without error. Light of a lenslet at u along dispersion and v across (`Lattice`, px of the detector)
meets the grating at alpha - delta, tan(delta) = u / f, and at the angle gamma out of the plane of dispersion,
tan(gamma) = v / f cos(delta). The grating keeps gamma (conical diffraction), and

    sin(beta) = G lambda / cos(gamma) - sin(alpha - delta),
    x = x_0 + f tan(beta - beta_0),   y = y_0 + f tan(gamma) / cos(beta - beta_0)

with alpha, beta_0, G and f of the `GratingSetting`, whose own equation is that of u = v = 0. So lines of one wavelength
are curved, and spectra off the middle rise; nothing is expanded, and no lenslet stands anywhere "at the central
wavelength" but where its ray falls. Not modelled: distortion of collimator and camera, other orders, anything as built.
Source: Schroeder 2000, Astronomical Optics, ch. 14; Loewen & Popov, Diffraction Gratings, 2.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from iris_contract.instrument import load_instrument
from iris_contract.lenslet.grating import GratingSetting

__all__ = ["trace_rays"]

Float = npt.NDArray[np.float64]
_NM_PER_MM = 1e6


def trace_rays(setting: GratingSetting, along: Float, across: Float, wavelength: npt.ArrayLike) -> tuple[Float, Float]:
    """Return columns x and rows y, px from 0, of wavelengths in nm of lenslets at `along`, `across` px in their array.

    Shapes broadcast. NaN where the grating sends no such wavelength into the camera.
    """
    x0, y0 = load_instrument().values["lenslet.field_centre"]
    delta = np.arctan(along / setting.focal)
    gamma = np.arctan(across / setting.focal * np.cos(delta))
    lines = np.asarray(wavelength, dtype=np.float64) * (setting.line_density / _NM_PER_MM)
    sine = lines / np.cos(gamma) - np.sin(setting.incidence - delta)
    turn = np.arcsin(np.where(np.abs(sine) < 1, sine, np.nan)) - setting.diffraction
    turn = np.where(np.abs(turn) < np.pi / 2, turn, np.nan)
    x: Float = x0 + setting.focal * np.tan(turn)
    y: Float = y0 + setting.focal * np.tan(gamma) / np.cos(turn)
    return x, y
