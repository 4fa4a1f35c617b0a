"""What each part between telescope and pixel does to the image of one wavelength, in the Fourier plane.

A lenslet of pitch d and focal length f_l makes an image of the pupil, f_l s D / d wide for a spaxel s and an aperture
D, spread by the diffraction of its square opening, sinc^2 with its first zero at lambda f_l / d. Both are in one
ratio, (lambda / D) / s, and one magnification, which is chosen (ZERO), brings them to px. The lenslet is turned by
atan(1/16) against the detector, and the grating narrows everything along dispersion by its anamorphism. Then come the
camera (a Gaussian core and wings like r^-3) and the square pixel. Frequencies are in cycles per px.

Not modelled: coherence between pupil and lenslet (a star inside a lenslet makes another pattern than an even field),
spiders and segments of the pupil, aberrations of the lenslet, diffusion of charge in the pixel.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import j0, j1

from iris_contract import load_instrument

__all__ = ["ILLUMINATIONS", "Illumination", "find_cutoff", "transfer"]

Float = npt.NDArray[np.float64]
Complex = npt.NDArray[np.complex128]

ZERO = 1.87 / 2180.0
"""px per nm [C]: first zero of the lenslet's sinc^2; gives 1.9 to 2.0 px FWHM across dispersion in K."""
TURN = float(np.arctan(1 / 16))
WINGS, WING_RADIUS = (
    0.005,
    2.0,
)  # [C] share of light in the camera's wings, and their radius px: polish and dust of lenses
_MAS = np.pi / 180 / 3600e3


@dataclass(frozen=True, slots=True)
class Illumination:
    """How a source fills the pupil, in diameters of the pupil: outer and inner `edge`, `offset` and `slope` (x, y).

    `slope` is the relative change of brightness from the middle to the edge.
    """

    edge: tuple[float, float]
    offset: tuple[float, float] = (0.0, 0.0)
    slope: tuple[float, float] = (0.0, 0.0)


def _telescope() -> tuple[float, float]:
    values = load_instrument().values
    return 1.0, float(values["telescope.central_obscuration"] / values["telescope.aperture_diameter"])


ILLUMINATIONS = {
    "sky": Illumination(_telescope()),
    "point": Illumination(_telescope()),
    # [C] the calibration unit overfills the stop a little, has no obscuration and is not quite central nor even;
    # the centroid moves by offset + slope / 8 of a pupil 0.5 px (4 mas) or 1.1 px (9 mas) wide: 0.02 or 0.05 px
    "lamp": Illumination((1.04, 0.0), (0.018, -0.012), (0.18, -0.12)),
}


def transfer(
    frequency: tuple[Float, Float],
    wavelength: float,
    scale: float,
    anamorphism: float,
    camera: float,
    illumination: Illumination,
) -> Complex:
    """Return the transfer function at `frequency` (along, across), for a spaxel of `scale` mas at `wavelength` nm.

    `camera` is the sigma px of its core. It is 1 at frequency 0.
    """
    along, across = anamorphism * frequency[0], frequency[1]
    zero = ZERO * wavelength
    width = zero * scale * _MAS * load_instrument().values["telescope.aperture_diameter"] / (wavelength * 1e-9)
    pupil = _image_pupil(along, across, width, illumination)
    return (
        pupil
        * _diffract(along, across, zero)
        * _blur(*frequency, camera)
        * np.sinc(frequency[0])
        * np.sinc(frequency[1])
    )


def find_cutoff(wavelength: float, anamorphism: float) -> float:
    """Return the frequency in cycles per px above which, in either direction, nothing of `wavelength` nm passes."""
    return float(np.sqrt(2) / (ZERO * wavelength * anamorphism))


def _image_pupil(along: Float, across: Float, width: float, illumination: Illumination) -> Complex:
    """Transform of the annulus, `width` px across where it is just filled."""
    outer, inner = (edge * width for edge in illumination.edge)
    share = (inner / outer) ** 2
    radius = np.hypot(along, across)
    even = (_disc(radius, outer) - share * _disc(radius, inner)) / (1 - share)
    steep = (_ramp(radius, outer) - share * inner / outer * _ramp(radius, inner)) / (1 - share)
    direction = (illumination.slope[0] * along + illumination.slope[1] * across) / np.maximum(radius, 1e-12)
    shift = width * (illumination.offset[0] * along + illumination.offset[1] * across)
    return np.asarray((even - 1j * direction * steep) * np.exp(-2j * np.pi * shift))


def _disc(radius: Float, diameter: float) -> Float:
    """Transform of an even disc of unit flux."""
    z = np.maximum(np.pi * diameter * radius, 1e-9)
    return np.asarray(2 * j1(z) / z)


def _ramp(radius: Float, diameter: float) -> Float:
    """Transform (over -i, along the slope) of 2 x / diameter on the same disc.

    Its flux is 0, its first moment diameter / 8.
    """
    z = np.maximum(np.pi * diameter * radius, 1e-4)  # below, the difference would be rounding
    return np.asarray(2 * (2 * j1(z) / z - j0(z)) / z)  # 2 J2(z) / z


def _diffract(along: Float, across: Float, zero: float) -> Float:
    """Triangles: transform of the square lenslet's sinc^2 with its first zero at `zero` px."""
    u = np.cos(TURN) * along + np.sin(TURN) * across
    v = np.cos(TURN) * across - np.sin(TURN) * along
    return np.asarray(np.clip(1 - np.abs(zero * u), 0, None) * np.clip(1 - np.abs(zero * v), 0, None))


def _blur(along: Float, across: Float, sigma: float) -> Float:
    radius = np.hypot(along, across)
    core = np.exp(-2 * (np.pi * sigma * radius) ** 2)
    return np.asarray((1 - WINGS) * core + WINGS * np.exp(-2 * np.pi * WING_RADIUS * radius))
