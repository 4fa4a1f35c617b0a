"""Where the design puts a wavelength of a lenslet, with what a plane grating does to rays off its axis.

The contract's grating equation holds in the middle of the field. Light of a lenslet at u, v px from there (before
anamorphism; the camera's focal length f in px) meets the grating at alpha - delta, tan(delta) = u / f, and at the angle
gamma out of the plane of dispersion, tan(gamma) = v / f x cos(delta). The grating keeps gamma, and

    sin(beta) = G lambda / cos(gamma) - sin(alpha - delta),
    x = x_0 + f tan(beta - beta_0),   y = y_0 + f tan(gamma) / cos(beta - beta_0)

(Schroeder 2000, Astronomical Optics, ch. 14). At the edge of the detector gamma is 5 degrees, which moves light by
30 px and curves the image of a column of lenslets. Not modelled: distortion of collimator and camera, and tilts, which
are for the smooth field to find.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from iris_contract.instrument import load_instrument
from iris_contract.lenslet import GratingSetting

__all__ = ["trace_rays"]

Double = npt.NDArray[np.float64]
_NM_PER_MM = 1e6


def trace_rays(setting: GratingSetting, x: Double, y: Double, wavelength: Double) -> tuple[Double, Double]:
    """Return columns and rows of wavelengths in nm of lenslets that the contract lays out at x, y; shapes broadcast."""
    x0, y0 = load_instrument().values["lenslet.field_centre"]
    along, across = (x - x0) / setting.anamorphism / setting.focal, (y - y0) / setting.focal
    delta = np.arctan(along)
    gamma = np.arctan(across * np.cos(delta))
    sine = wavelength * setting.line_density / _NM_PER_MM / np.cos(gamma) - np.sin(setting.incidence - delta)
    turn = np.arcsin(np.clip(sine, -1, 1)) - setting.diffraction
    column: Double = x0 + setting.focal * np.tan(turn)
    row: Double = y0 + setting.focal * np.tan(gamma) / np.cos(turn)
    return column, row
