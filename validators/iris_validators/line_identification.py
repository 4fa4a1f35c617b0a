"""Lines of the arc lamps that a solution used, against the lines that truly shone.

A used line is right where its measured place lies within half a px, along and across, of where the wavelength that it
is called by truly falls in the lenslet that it is given to, and where a line of FAINTEST electrons shone there at all.
Lines of one lenslet, lamp and wavelength count once, and are right if all are. A true line must be found where

    it is listed: what no list has, nobody can name,
    its lenslet is judged, and its place in the region,
    it brought BRIGHT electrons in one exposure at least,
    no light of another line or lenslet, a tenth as bright or more, falls within CROWDED px of it,
    and none of the 5 x 5 pixels about its place has a defect, hit or saturation.

It is found where a right line of its lenslet is used that is called by its wavelength, to half a px. Lines that miss
one of these conditions count neither way. Not modelled: light of the continuum, bad neighbours farther away.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from iris_contract.spectral_data import LAMPS, load_arc_lines
from iris_validators.arc_evidence import ArcEvidence, ArcExposure

__all__ = [
    "BRIGHT",
    "CROWDED",
    "FAINTEST",
    "LISTED",
    "TOLERANCE",
    "Identification",
    "find_reach",
    "identify",
    "take_right",
]

BRIGHT = 2500.0
"""Electrons of a line that must be found: an S/N of 36 where noise is 10 e- a pixel; a reduction may ask for 10."""
FAINTEST = 100.0
"""Electrons of a line, in one exposure, that a product may claim to have measured: a third of what S/N = 10 takes."""
CROWDED = 1.5
"""Distance in px within which another line makes one a blend; neighbouring spectra are 2 px apart."""
RIVAL = 0.1
"""Brightness of such another line over its own."""
TOLERANCE = 0.5
"""How far in px a line may be off: a quarter of a resolution element, far above noise and far below other lines."""
LISTED = 0.01
"""How far in nm a line may truly shine off its place in the list and still be that line: five times what lists state,
2 units of the third decimal, and 0.2 px at most. A line that no list has comes so near to one with a chance of half a
percent."""
_APART = 1e5  # px, more than any detector has: keeps lenslets apart on one axis

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Identification:
    """How many lines were `used`, how many of them are `right`, how many true ones were `expected` and `found`.

    `off` px and `sigma` px (used,): how far along the lines used were measured off truth, and their own X_ERR.
    `named` nm (used,): what they are called; `wanted` nm (expected,): true wavelengths; `met` bool (expected,): found.
    """

    used: int
    right: int
    expected: int
    found: int
    off: Array
    sigma: Array
    named: Array
    wanted: Array
    met: Mask


def identify(evidence: ArcEvidence) -> Identification:
    """Count the lines of a solution and of truth."""
    table = _take_used(evidence)
    table = table[evidence.lies_within(*_take_places(table))]
    lenslet, off_x, right = _hold_against_truth(evidence, table)
    sound = _count_once(table, right)
    x = _take_places(table)[0] - off_x
    wanted = [_list_bright(evidence, exposure) for exposure in evidence.exposures]
    # a line that several exposures show is one line
    true_lenslet, true_wavelength = np.unique(np.concatenate(wanted, axis=0), axis=0).T
    named = evidence.places.find(true_lenslet.astype(np.intp), true_wavelength)[0] + _APART * true_lenslet
    found = _lie_near(named, np.sort((x + _APART * lenslet)[right]))
    counts = len(sound), int(sound.sum()), len(named), int(found.sum())
    off, sigma = np.where(lenslet >= 0, off_x, np.nan), table["X_ERR"].astype(np.float64)
    named_by = table["WAVELENGTH"].astype(np.float64)
    return Identification(*counts, off, sigma, named_by, true_wavelength, found)


def find_reach(evidence: ArcEvidence) -> tuple[Array, Array]:
    """Return first and last column px (n,) of the right lines that each lenslet of truth used; inf, -inf without any.

    It is the lines that tell where a solution is extrapolated: what a product says of it in SPAN is not asked.
    """
    table, lenslet = take_right(evidence)
    number = len(evidence.truth.column)
    first, last = np.full(number, np.inf), np.full(number, -np.inf)
    x = _take_places(table)[0]
    np.minimum.at(first, lenslet, x)
    np.maximum.at(last, lenslet, x)
    return first, last


def take_right(evidence: ArcEvidence) -> tuple[npt.NDArray[Any], npt.NDArray[np.intp]]:
    """Return the lines used that are right (k,), of LINES, and the number of their lenslet in truth (k,)."""
    table = _take_used(evidence)
    lenslet, _, right = _hold_against_truth(evidence, table)
    return table[right], lenslet[right]


def _take_used(evidence: ArcEvidence) -> npt.NDArray[Any]:
    table = evidence.reference.content["LINES"]
    return np.asarray(table[table["USED"] != 0])


def _hold_against_truth(evidence: ArcEvidence, table: npt.NDArray[Any]) -> tuple[npt.NDArray[np.intp], Array, Mask]:
    """Return lenslet in truth (m,), -1 for none, px along that used lines are off truth, and which are right."""
    lenslet = evidence.find_lenslets(table["COLUMN"], table["ROW"])
    true = evidence.places.find(lenslet, table["WAVELENGTH"].astype(np.float64))
    off_x, off_y = (a - b for a, b in zip(_take_places(table), true, strict=True))
    right = (lenslet >= 0) & (np.abs(off_x) <= TOLERANCE) & (np.abs(off_y) <= TOLERANCE)
    return lenslet, off_x, right & _shone(evidence, table["WAVELENGTH"])


def _shone(evidence: ArcEvidence, wavelength: Array) -> Mask:
    """Tell at which wavelengths (m,) a line shone in some exposure: what never shone cannot have been measured."""
    shining = [e.lines["WAVELENGTH"][e.lines["FLUX"] * e.duration >= FAINTEST] for e in evidence.exposures]
    known = np.unique(np.concatenate(shining)) if shining else np.empty(0)
    if not known.size:
        return np.zeros(len(wavelength), dtype=bool)
    at = np.clip(np.searchsorted(known, wavelength), 1, max(len(known) - 1, 1))
    nearest = np.minimum(np.abs(known[np.minimum(at, len(known) - 1)] - wavelength), np.abs(known[at - 1] - wavelength))
    return np.asarray(nearest <= LISTED)


def _count_once(table: npt.NDArray[Any], right: Mask) -> Mask:
    """Tell of each line of a lenslet and lamp whether all used of it are right; repeating adds nothing."""
    names, number = np.unique(table[["COLUMN", "ROW", "WAVELENGTH", "LAMP"]], return_inverse=True)
    wrong = np.bincount(number, weights=~right, minlength=len(names))
    return np.asarray(wrong == 0)


def _take_places(table: npt.NDArray[Any]) -> tuple[Array, Array]:
    return table["X"].astype(np.float64), table["Y"].astype(np.float64)


def _lie_near(places: Array, known: Array) -> Mask:
    """Tell which `places` have one of the sorted `known` within the tolerance."""
    after = np.searchsorted(known, places - TOLERANCE)
    ends = np.append(known, np.inf)
    near: Mask = ends[after] <= places + TOLERANCE
    return near


def _list_bright(evidence: ArcEvidence, exposure: ArcExposure) -> Array:
    """Return number of the lenslet and wavelength (m, 2) of the lines that must be found in one exposure."""
    lines = exposure.lines
    lines = lines[lines["FLUX"] * exposure.duration >= RIVAL * BRIGHT]
    lenslet = evidence.find_lenslets(lines["COLUMN"], lines["ROW"])
    known = lenslet >= 0
    lines, lenslet = lines[known], lenslet[known]
    x, y = evidence.places.find(lenslet, lines["WAVELENGTH"])
    places = np.stack([x, y], axis=1) - evidence.places.shift + exposure.shift
    fair = evidence.good[lenslet] & (lines["FLUX"] * exposure.duration >= BRIGHT)
    fair &= _is_listed(lines["WAVELENGTH"]) & _lie_clear(evidence, exposure, places)
    fair &= ~_is_crowded(places, lines["FLUX"], fair)
    return np.stack([lenslet[fair], lines["WAVELENGTH"][fair]], axis=1)


def _lie_clear(evidence: ArcEvidence, exposure: ArcExposure, places: Array) -> Mask:
    """Tell which places (m, 2) lie in the region, their core in no blocked pixel nor cut by its edge."""
    corner = evidence.region.xstart - 1, evidence.region.ystart - 1
    column, row = np.rint(places - corner).astype(int).T
    ny, nx = exposure.blocked.shape
    inside = (column >= 1) & (column < nx - 1) & (row >= 1) & (row < ny - 1)
    near = [exposure.blocked[np.clip(row + dy, 0, ny - 1), np.clip(column + dx, 0, nx - 1)]
            for dy in (-1, 0, 1) for dx in (-1, 0, 1)]  # fmt: skip
    return np.asarray(inside & ~np.logical_or.reduce(near))


def _is_crowded(places: Array, flux: Array, asked: Mask) -> Mask:
    """Tell which of the lines `asked` (m,) have a rival too near."""
    crowded = np.zeros(len(places), dtype=bool)
    pairs = cKDTree(places).query_pairs(CROWDED, output_type="ndarray")
    for one, other in (pairs.T, pairs.T[::-1]):
        crowded[one[flux[other] >= RIVAL * flux[one]]] = True
    return crowded & asked


@cache
def _list_wavelengths() -> Array:
    return np.sort(np.concatenate([load_arc_lines(lamp)[0] for lamp in LAMPS]))


def _is_listed(wavelength: Array) -> Mask:
    known = _list_wavelengths()
    at = np.clip(np.searchsorted(known, wavelength), 1, len(known) - 1)
    return np.asarray(np.minimum(np.abs(known[at] - wavelength), np.abs(known[at - 1] - wavelength)) <= LISTED)
