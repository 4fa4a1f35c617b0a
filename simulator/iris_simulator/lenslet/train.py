"""The optical train from lenslet to detector, ray by ray: collimator, grating, camera, detector.

The chief ray of a lenslet leaves the collimator at an angle of its own, in the plane of dispersion and out of it. A
plane grating keeps the component of a direction along its grooves and adds G lambda to that across them, so out of
plane cos(gamma) (sin alpha + sin beta) = G lambda: lines of one wavelength are curved (smile), spectra inclined and
curved. The camera maps the angle theta from its axis to f (tan theta + k (theta - sin(w theta) / w)); the detector is
a plane, turned and inclined, which the ray meets exactly. Everything is a rotation or a closed formula, nothing is
expanded.

Not modelled: aberrations (they are in the PSFlet), higher orders of the grating, distortion of the collimator,
chromatic focal lengths. Source: Born & Wolf, Principles of Optics, 8.6.1; Loewen & Popov, Diffraction Gratings, 2
(conical diffraction).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, sin

import numpy as np
import numpy.typing as npt

from iris_simulator.lenslet.rotation import Matrix

__all__ = ["OpticalTrain"]

Float = npt.NDArray[np.float64]
WAVES = 12.0
"""w of the camera's distortion.

The sine has turned by 1.5 rad in the detector's corner, no low power of theta follows it.
"""
_STEP = 0.5  # nm, of numerical slopes
_ROUNDS = 6  # of Newton's method; it doubles the digits each time


@dataclass(frozen=True, slots=True, eq=False)
class OpticalTrain:
    """Lengths in px of the detector, angles in rad.

    `collimator` and `camera` focal lengths; `incidence` and `diffraction`, angles of their axes to the grating's
    normal as designed; `density` of grooves 1/nm; `distortion` k of the camera; `grating` turns the grating and
    `detector` the detector away from where they should be (3 x 3); `centre` (x, y), pixel on the camera's axis.
    """

    collimator: float
    camera: float
    incidence: float
    diffraction: float
    density: float
    distortion: float
    grating: Matrix
    detector: Matrix
    centre: tuple[float, float]

    def place(self, along: Float, across: Float, wavelength: npt.ArrayLike) -> tuple[Float, Float]:
        """Return x, y in px from 0 of wavelengths nm.

        `along`, `across` px, lenslets in the collimator's focal plane, broadcast with them. NaN where the grating
        sends no such wavelength.
        """
        tangent_x, tangent_y = self._diffract(along, across, np.asarray(wavelength, dtype=np.float64))
        x, y = self._focus(tangent_x, tangent_y)
        return self._meet(x, y)

    def _diffract(self, along: Float, across: Float, wavelength: Float) -> tuple[Float, Float]:
        """Tangents in the camera's frame, along and across dispersion, of the diffracted rays."""
        length = np.sqrt(along**2 + across**2 + self.collimator**2)
        left, up, ahead = -along / length, -across / length, self.collimator / length
        # the ray seen from the grating: across its grooves, along them, along its normal, all as designed
        ray = (
            left * cos(self.incidence) + ahead * sin(self.incidence),
            up,
            ahead * cos(self.incidence) - left * sin(self.incidence),
        )
        turn = self.grating
        d, g, _ = (turn[k, 0] * ray[0] + turn[k, 1] * ray[1] + turn[k, 2] * ray[2] for k in range(3))
        out_d, out_g = self.density * wavelength - d, -g
        rest = 1 - out_d**2 - out_g**2
        out_n = np.sqrt(np.where(rest > 0, rest, np.nan))
        x, y, z = (turn[0, k] * out_d + turn[1, k] * out_g + turn[2, k] * out_n for k in range(3))
        depth = x * sin(self.diffraction) + z * cos(self.diffraction)
        return (x * cos(self.diffraction) - z * sin(self.diffraction)) / depth, y / depth

    def _focus(self, tangent_x: Float, tangent_y: Float) -> tuple[Float, Float]:
        """Px from the axis in the camera's focal plane."""
        tangent = np.hypot(tangent_x, tangent_y)
        angle = np.arctan(tangent)
        bend = self.distortion * (angle - np.sin(WAVES * angle) / WAVES)
        stretch = self.camera * (1 + bend / np.maximum(tangent, 1e-12))
        return stretch * tangent_x, stretch * tangent_y

    def _meet(self, x: Float, y: Float) -> tuple[Float, Float]:
        """Px on the detector, whose plane goes through the middle of the focal plane."""
        turn, f = self.detector, self.camera
        scale = f * turn[2, 2] / (turn[2, 0] * x + turn[2, 1] * y + turn[2, 2] * f)
        px, py, pz = scale * x, scale * y, (scale - 1) * f
        along, across = (turn[k, 0] * px + turn[k, 1] * py + turn[k, 2] * pz for k in range(2))
        return along + self.centre[0], across + self.centre[1]

    def wavelength_at(self, along: Float, across: Float, x: npt.ArrayLike) -> Float:
        """Return the wavelength nm that lenslets send to columns x px: `place` inverted by Newton's method."""
        target = np.asarray(x, dtype=np.float64)
        middle = (sin(self.incidence) + sin(self.diffraction)) / self.density
        wavelength = np.full(np.broadcast_shapes(np.shape(along), np.shape(across), target.shape), middle)
        for _ in range(_ROUNDS):
            ahead, behind = (self.place(along, across, wavelength + step)[0] for step in (_STEP, -_STEP))
            here = self.place(along, across, wavelength)[0]
            wavelength = wavelength + (target - here) * 2 * _STEP / (ahead - behind)
        return wavelength
