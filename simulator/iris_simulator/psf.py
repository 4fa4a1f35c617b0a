"""Stamps of point-spread functions, and the placing of a stamp at a sub-pixel position.

A stamp is an array of small square cells, `oversampling` to a pixel on each side, inside which light
is spread evenly; its middle is the star's position. Placing it sums, pixel by pixel, the overlap of
cells and pixels: flux is kept exactly wherever the star falls, and what is lost of the position is
what real pixels lose. A stamp of oversampling 1 is interpolated linearly, and broadened by that.

The diffraction stamp is monochromatic, of an annular aperture without segments or spiders, with the
light that adaptive optics does not correct in a round Gaussian halo: it does not vary over the field.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.special import j1

from iris_contract.errors import InputError

__all__ = ["diffraction_stamp", "gaussian_stamp", "place_stamp"]

Plane = npt.NDArray[np.float64]
_MAS = np.pi / 180 / 3600e3  # radians in a milliarcsecond


def _radius(size: int, oversampling: int) -> Plane:
    """Distance in pixels of each cell's middle from the stamp's."""
    axis = (np.arange(size * oversampling) - (size * oversampling - 1) / 2) / oversampling
    return np.hypot(axis[:, None], axis[None, :])


def gaussian_stamp(fwhm: float, size: int, oversampling: int = 4) -> Plane:
    """Return a Gaussian of `fwhm` pixels on `size` x `size` pixels, its sum 1."""
    stamp = np.exp(-4 * np.log(2) * (_radius(size, oversampling) / fwhm) ** 2)
    return np.asarray(stamp / stamp.sum())


def diffraction_stamp(
    wavelength: float,
    size: int,
    oversampling: int = 4,
    *,
    strehl: float = 1.0,
    halo: float = 20.0,
    aperture: float = 30.0,
    obscuration: float = 3.636,
    pixel_scale: float = 4.0,
) -> Plane:
    """Return an annular aperture's diffraction pattern plus halo on `size` x `size` pixels, its sum 1.

    `wavelength` um; `strehl` share of the light in the pattern; `halo` FWHM pixels; `aperture` and
    `obscuration` diameters m; `pixel_scale` mas. Pattern: Born & Wolf, Principles of Optics, 8.6.2.
    """
    v = np.pi * aperture / (wavelength * 1e-6) * _radius(size, oversampling) * pixel_scale * _MAS
    v = np.maximum(v, 1e-6)
    ratio = obscuration / aperture
    core = ((2 * j1(v) - 2 * ratio * j1(ratio * v)) / (v * (1 - ratio**2))) ** 2
    return np.asarray(strehl * core / core.sum() + (1 - strehl) * gaussian_stamp(halo, size, oversampling))


def _overlap(cells: int, oversampling: int, centre: float) -> tuple[int, Plane]:
    """First pixel touched, and the share (pixels, cells) of each cell that lies in each pixel."""
    width = 1 / oversampling
    edges = centre + (np.arange(cells + 1) - cells / 2) * width
    first, last = int(np.floor(edges[0] + 0.5)), int(np.floor(edges[-1] + 0.5))
    left = np.arange(first, last + 1)[:, None] - 0.5
    share = np.minimum(edges[1:], left + 1) - np.maximum(edges[:-1], left)
    return first, np.clip(share, 0, None) / width


def place_stamp(image: Plane, stamp: Plane, oversampling: int, x: float, y: float, flux: float) -> None:
    """Add a star of `flux` to `image` (ny, nx) at pixel coordinates `x`, `y` (first pixel 0), in place.

    What falls outside the image is lost. Raises InputError where `oversampling` is not 1 or more.
    """
    if oversampling < 1:
        raise InputError("must be 1 or more", key="oversampling", value=oversampling)
    top, in_y = _overlap(stamp.shape[0], oversampling, y)
    left, in_x = _overlap(stamp.shape[1], oversampling, x)
    rows = slice(max(top, 0), min(top + len(in_y), image.shape[0]))
    columns = slice(max(left, 0), min(left + len(in_x), image.shape[1]))
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return
    in_y = in_y[rows.start - top : rows.stop - top]
    in_x = in_x[columns.start - left : columns.stop - left]
    image[rows, columns] += flux * (in_y @ stamp @ in_x.T)
