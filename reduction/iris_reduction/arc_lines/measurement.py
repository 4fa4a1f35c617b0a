"""Register, find, identify and measure the lines of a set of arc images: predict, measure, improve, again.

1. The pattern as designed is registered on all images together.
2. Lines that stand alone are fitted from the brightest pixel near each, with a Gaussian, and the places of all lines
   are fitted to them: what disagrees with the smooth field is not what it was taken for. Here it shows whether the
   images are what their headers say.
3. All lines bright enough are fitted with their neighbours, from where the places predict them, and the places again.
   Between rounds the profile is measured on lines that stand alone, of the whole field first and then by patches of
   some 200 lenslets.

Lines are used that are significant, unsaturated, of common width and flux, no blends, and agree with the field.
Not modelled: lines that are in no list; where they disturb a listed one, it disagrees, or has their pull.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.ndimage import gaussian_filter

from iris_contract.errors import InputError
from iris_contract.lenslet import LensletMode, load_grating_setting, load_lattice, load_passband, trace_rays
from iris_reduction.arc_lines.centroid import NEIGHBOURS, Centroids, fit_lines
from iris_reduction.arc_lines.crowding import Crowd, find_crowd
from iris_reduction.arc_lines.edge_check import check_edges
from iris_reduction.arc_lines.evidence import check_light, check_pattern, check_saturation
from iris_reduction.arc_lines.image import ArcImage
from iris_reduction.arc_lines.lamp_check import check_lamps
from iris_reduction.arc_lines.levels import Levels, measure_levels
from iris_reduction.arc_lines.pattern import LampLines, Points, list_lines, predict_points
from iris_reduction.arc_lines.places import LinePlaces, Measured, fit_places
from iris_reduction.arc_lines.profiles import Profiles, measure_profiles, start_profiles
from iris_reduction.arc_lines.registration import register
from iris_reduction.wavelength.field import Place, make_place
from iris_reduction.wavelength.protocol import ArcLines, Spectra

__all__ = ["ArcMeasurement", "measure_arcs"]

Double = npt.NDArray[np.float64]
Index = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
_STRONG = 0.05
_PEAK = 2  # px, how far the first search looks
_FIRST_WAY, _WAY = 2.5, 1.0  # px between a line and where it was predicted
_SIGNIFICANT = 10.0
_WIDTH, _FLUX = 0.4, 3.0
_HOLD = 0.1  # px
_TRUSTED = 1e-3  # px
_ROUNDS = 3


@dataclass(frozen=True, slots=True, eq=False)
class ArcMeasurement:
    """The measured lines `points` (k,) with their `centroids`, widths (k,) px, those that `agreed`, and the places.

    `spectra` have the domains that were found; `lamps` (k,) are the CALLAMP of the lines. With `edge_seen` the edge of
    the field shows that lenslets are not called by their neighbours' names.
    """

    spectra: Spectra
    points: Points
    centroids: Centroids
    width: Double
    agreed: Mask
    places: LinePlaces
    profiles: Profiles
    lamps: npt.NDArray[np.str_]
    edge_seen: bool

    def list_used(self) -> ArcLines:
        """Return the lines that agreed, as `WavelengthSolver` takes them."""
        lines = _take(self.points, self.centroids, self.agreed)
        return ArcLines(lines.spectrum, lines.wavelength, lines.x, lines.x_error, lines.exposure)


def measure_arcs(images: Sequence[ArcImage], mode: LensletMode, header: Mapping[str, Any]) -> ArcMeasurement:
    """Measure every line; raise InputError where the images are not what `header` says, or show nothing."""
    passband = load_passband(mode.filter)
    lamps = [_list_lines(image, mode) for image in images]
    check_light(images)
    spectra = _design(mode, passband.support())
    place, number = make_place(spectra), len(spectra.along)

    expected = predict_points(images, lamps, number, spectra.trace)
    if len(expected.x) == 0:
        raise InputError("no line of any spectrum falls into this region", file=images[0].name, key="XSTART,YSTART")
    shift = register(images, expected)
    points = predict_points(images, lamps, number, lambda s, w: shift.move(*spectra.trace(s, w)))
    check_saturation(images, points)
    places, levels = _find_first(images, lamps, points, place, header)
    check_lamps(images, lamps, passband, number, places.predict)
    edge_seen = check_edges(images, lamps, mode, places.predict)
    profiles = start_profiles(spectra)
    for turn in range(_ROUNDS):
        points, crowd, centroids = _measure(images, lamps, places, levels, profiles)
        good = _judge(points, centroids, places) & ~crowd.blended
        levels = measure_levels(images, lamps, points, centroids.flux, good)
        good &= _share_flux(centroids.flux, levels.expect(points)[0])
        places = fit_places(place, _take(points, centroids, good), len(images))
        good[good] = places.agreed
        if turn < _ROUNDS - 1:
            settled = good & crowd.alone
            profiles = measure_profiles(images, points, centroids, settled, places, profiles, by_patch=turn > 0)
    kept = centroids.converged & ~crowd.blended
    width = profiles.sigma[profiles.patch[points.spectrum], 0] * (1 + centroids.width)
    measured = Centroids._make(column[kept] for column in centroids)
    found = _find_domain(spectra, places)
    names = np.array([image.lamp for image in images])[points.image[kept]]
    lines = points.take(kept), measured, width[kept], good[kept]
    return ArcMeasurement(found, *lines, places, profiles, names, edge_seen)


def _list_lines(image: ArcImage, mode: LensletMode) -> LampLines:
    try:
        return list_lines(image.lamp, load_passband(mode.filter))
    except InputError as error:
        raise InputError(error.problem, file=image.name, key=error.key, value=error.value) from None


def _design(mode: LensletMode, limits: tuple[float, float]) -> Spectra:
    """Return the spectra as designed."""
    setting, lattice = load_grating_setting(mode.grating), load_lattice(mode.mask, mode.column)
    domain = trace_rays(setting, lattice.along[:, None], lattice.across[:, None], limits)[0]
    return Spectra(setting, lattice.along, lattice.across, limits, domain)


def _find_domain(spectra: Spectra, places: LinePlaces) -> Spectra:
    """Return the spectra with the columns of their limits as measured."""
    each = np.arange(len(spectra.along))
    ends = [places.predict(each, np.full(len(each), edge))[0] for edge in spectra.limits]
    return Spectra(spectra.setting, spectra.along, spectra.across, spectra.limits, np.stack(ends, axis=1))


def _find_first(
    images: Sequence[ArcImage], lamps: Sequence[LampLines], points: Points, place: Place, header: Mapping[str, Any]
) -> tuple[LinePlaces, Levels]:
    """Return places and levels from lines that stand alone; raise InputError where most are not there."""
    crowd = find_crowd(points, points.strength)
    tried = points.take((points.strength > _STRONG) & crowd.alone)
    profiles, found = start_profiles(place.spectra), []
    for n, image in enumerate(images):
        mine = tried.take(tried.image == n)
        found.append(_fit_image(image, mine, _climb(image, mine), profiles, np.full((len(mine.x), NEIGHBOURS), -1)))
    centroids = Centroids._make(np.concatenate(parts) for parts in zip(*found, strict=True))
    away = np.hypot(centroids.x - tried.x, centroids.y - tried.y)
    good = centroids.converged & ~centroids.saturated & (centroids.flux > _SIGNIFICANT * centroids.flux_error)
    good &= (away < _FIRST_WAY) & (np.abs(centroids.width) < _WIDTH)
    if not good.any():
        check_pattern(images, points, np.zeros(len(points.x), np.bool_), header)
    places = fit_places(place, _take(tried, centroids, good), len(images))
    good[good] = places.agreed
    at = places.predict(points.spectrum, points.wavelength)
    seen = np.zeros(len(place.spectra.along), np.bool_)
    seen[tried.spectrum[good]] = True
    check_pattern(images, Points(*_replace_places(points, at)), seen[points.spectrum], header)
    return places, measure_levels(images, lamps, tried, centroids.flux, good)


def _replace_places(points: Points, at: tuple[Double, Double]) -> tuple[Any, ...]:
    return points.image, points.spectrum, points.line, points.wavelength, *at, points.strength


def _climb(image: ArcImage, points: Points) -> tuple[Double, Double]:
    """Return the place (k,), (k,) of the brightest pixel near each point."""
    padded = np.pad(gaussian_filter(np.where(image.usable, image.rate, 0), 0.7), _PEAK)
    column = np.rint(points.x - image.corner[0]).astype(np.int64)
    row = np.rint(points.y - image.corner[1]).astype(np.int64)
    step = np.arange(2 * _PEAK + 1)
    near = padded[row[:, None, None] + step[:, None], column[:, None, None] + step]
    peak = near.reshape(len(row), -1).argmax(axis=1)
    x, y = column + peak % len(step) - _PEAK, row + peak // len(step) - _PEAK
    return (x + image.corner[0]).astype(np.float64), (y + image.corner[1]).astype(np.float64)


def _measure(
    images: Sequence[ArcImage],
    lamps: Sequence[LampLines],
    places: LinePlaces,
    levels: Levels,
    profiles: Profiles,
) -> tuple[Points, Crowd, Centroids]:
    """Fit every line that is bright enough, with what stands beside it."""
    points = predict_points(images, lamps, len(places.place.spectra.along), places.predict)
    flux, expected = levels.expect(points)
    seen = expected > 1
    points, flux, expected = points.take(seen), flux[seen], expected[seen]
    crowd, tried = find_crowd(points, flux), expected > _SIGNIFICANT
    found = np.zeros((len(Centroids._fields), len(points.x)))
    patch = profiles.patch[points.spectrum]
    for n, image in enumerate(images):
        mine = np.flatnonzero(tried & (points.image == n))
        beside = crowd.neighbours[mine], points.x, points.y, patch
        start = points.x[mine], points.y[mine]
        found[:, mine] = fit_lines(image, start, patch[mine], profiles.coeffs, beside, _HOLD)
    centroids = Centroids._make([*found[:8], found[8] > 0, found[9] > 0])
    chosen = np.flatnonzero(tried)
    kept = Crowd(crowd.neighbours[chosen], crowd.alone[chosen], crowd.blended[chosen])
    return points.take(chosen), kept, Centroids._make(column[chosen] for column in centroids)


def _fit_image(
    image: ArcImage, points: Points, start: tuple[Double, Double], profiles: Profiles, neighbours: Index
) -> Centroids:
    patch = profiles.patch[points.spectrum]
    return fit_lines(image, start, patch, profiles.coeffs, (neighbours, points.x, points.y, patch), _HOLD)


def _judge(points: Points, found: Centroids, places: LinePlaces) -> Mask:
    """Tell which lines are sound by themselves."""
    x, y = places.predict(points.spectrum, points.wavelength)
    good = found.converged & ~found.saturated & (found.flux > _SIGNIFICANT * found.flux_error)
    sound: Mask = good & (np.hypot(found.x - x, found.y - y) < _WAY) & (np.abs(found.width) < _WIDTH)
    return sound


def _share_flux(flux: Double, level: Double) -> Mask:
    """Tell which lines are about as bright as the same line of other spectra."""
    alike: Mask = (flux * _FLUX > level) & (flux < level * _FLUX)
    return alike


def _take(points: Points, found: Centroids, good: Mask) -> Measured:
    """Return the good lines; no place is trusted to less than a thousandth of a pixel."""
    x_error, y_error = np.hypot(found.x_error[good], _TRUSTED), np.hypot(found.y_error[good], _TRUSTED)
    kept = points.take(good)
    return Measured(kept.spectrum, kept.wavelength, found.x[good], found.y[good], x_error, y_error, kept.image)
