"""Photons of a black body."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

__all__ = ["photon_radiance"]

Float = npt.NDArray[np.float64]
_SECOND = 1.438776877e7  # nm K, h c / k
_TWICE_LIGHT = 2 * 2.99792458e17  # nm/s
_ARCSEC2 = (np.pi / 180 / 3600) ** 2  # sr


def photon_radiance(wavelength: Float, temperature: float) -> Float:
    """Return ph/s/m2/arcsec2/nm of a black body at `temperature` K, at wavelengths nm."""
    per_nm2 = _TWICE_LIGHT / wavelength**4 / np.expm1(_SECOND / (wavelength * temperature))
    return np.asarray(per_nm2 * 1e18 * _ARCSEC2)
