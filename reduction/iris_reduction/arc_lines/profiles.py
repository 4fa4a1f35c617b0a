"""Profiles of all spectra: one for each patch of the field of some 200 lenslets, as far as its lines allow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from iris_reduction.arc_lines.centroid import MODEL_ERROR, Centroids
from iris_reduction.arc_lines.image import ArcImage
from iris_reduction.arc_lines.pattern import Points
from iris_reduction.arc_lines.places import LinePlaces
from iris_reduction.arc_lines.profile import fit_profile, make_gaussian, measure_width, sum_samples
from iris_reduction.wavelength.protocol import Spectra

__all__ = ["Profiles", "measure_profiles", "start_profiles"]

Double = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
_START = 0.85  # px, sigma of the first profile: the design's two pixels a resolution element
_LENSLETS = 200
_FEWEST = 60  # lines that a patch needs for a profile of its own
_MOST = 4000  # lines that a profile is measured on
_CLEAR = 30.0  # signal to noise
_CHANGE = 0.25  # of a patch's profile: logarithm of its width over the field's
_DIP = 0.15  # how far below zero it may go, of its peak


@dataclass(frozen=True, slots=True, eq=False)
class Profiles:
    """Profiles `coeffs` (npatch, NODES, NODES), their `sigma` px (npatch, 2) in x and y, and the `patch` of spectra."""

    coeffs: Double
    sigma: Double
    patch: npt.NDArray[np.int64]


def start_profiles(spectra: Spectra) -> Profiles:
    """Return a Gaussian for every patch."""
    side = max(1, round(np.sqrt(len(spectra.along) / _LENSLETS)))

    def cut(place: Double) -> npt.NDArray[np.int64]:
        cell = ((place - place.min()) / max(float(np.ptp(place)), 1.0) * side).astype(np.int64)
        return np.asarray(np.clip(cell, 0, side - 1))

    number = side * side
    coeffs = np.repeat(make_gaussian(_START, _START)[None], number, axis=0)
    return Profiles(coeffs, np.full((number, 2), _START), cut(spectra.across) * side + cut(spectra.along))


def measure_profiles(
    images: Sequence[ArcImage],
    points: Points,
    found: Centroids,
    good: Mask,
    places: LinePlaces,
    before: Profiles,
    *,
    by_patch: bool,
) -> Profiles:
    """Return profiles measured on the `good` lines (k,) of `points`, of the whole field or of each patch.

    Lines are taken to stand where `places` has them, not where each was found, so that noise does not widen; moved by
    the flexure of their exposure and the error of the list, which would, and bend places with the phase in the pixel.
    """
    clear = np.flatnonzero(good & (found.flux > _CLEAR * found.flux_error))
    x, y = places.predict_in(points.image, points.spectrum, points.wavelength)
    patch = before.patch[points.spectrum]
    coeffs, sigma = before.coeffs.copy(), before.sigma.copy()
    for number in range(len(coeffs)) if by_patch else (-1,):
        mine = clear[patch[clear] == number] if by_patch else clear
        if len(mine) < _FEWEST:
            continue
        mine = mine[np.linspace(0, len(mine) - 1, min(_MOST, len(mine))).astype(np.int64)]
        chosen = number if by_patch else slice(None)
        old = before.coeffs[max(number, 0)]
        new = _measure_one(images, points, found, mine, (x, y), old)
        width = measure_width(new)
        if by_patch and not _is_sound(new, width, before.sigma[number]):
            continue
        coeffs[chosen], sigma[chosen] = new, width
    return Profiles(coeffs, sigma, before.patch)


def _is_sound(profile: Double, sigma: tuple[float, float], before: Double) -> bool:
    """Tell whether a patch's profile is one: about as wide as the field's, and not far below zero.

    Spectra of few lenslets may all stand at half a pixel's range of phases, where sharp profiles are not sampled.
    """
    change = np.abs(np.log(np.array(sigma) / before))
    return bool((change < _CHANGE).all() and profile.min() > -_DIP * profile.max())


def _measure_one(
    images: Sequence[ArcImage],
    points: Points,
    found: Centroids,
    mine: npt.NDArray[np.int64],
    at: tuple[Double, Double],
    old: Double,
) -> Double:
    normal, right = np.zeros((old.size, old.size)), np.zeros(old.size)
    for n, image in enumerate(images):
        lines = mine[points.image[mine] == n]
        x, y = at[0][lines] - image.corner[0], at[1][lines] - image.corner[1]
        light = found.flux[lines], found.background[lines]
        sums = sum_samples(image.rate, image.floor, image.slope, image.usable, x, y, *light, old, MODEL_ERROR)
        normal, right = normal + sums[0], right + sums[1]
    return fit_profile(normal, right, old)
