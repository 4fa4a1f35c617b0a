"""Faults of wavelength solutions: zero points, identities of lines and lenslets, air for vacuum, covariances, flags.

A wrong lamp in a header is not among them: it concerns how lines are found, so it would take a calibration of its own,
and ends in a refusal that names the lamp that is seen, which the pipeline's tests look at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from iris_contract import DQ
from iris_contract.dq import has
from iris_contract.frames import Reference
from iris_harness.faults.injection import Fault, Planes, edit_reference

__all__ = ["SOLUTION_FAULTS"]

SHIFT, SMALL_SHIFT = 0.2, 0.1  # px
AIR = 2.73e-4  # refractivity of air in the near infrared, 15 deg C
MISNAMED = 1.0  # nm, as far as lines of a lamp often stand apart
SHARE = 4  # one lenslet in so many has a line called by a wrong name
LOST = 5  # one lenslet in so many is lost
COMMON = 6  # times what all spectra share: with three modes a draw of 0.79 sigma leaves 0.13 or 4.7
_SOLUTION = ("COEFFS", "DOMAIN", "COVARIANCE", "SPAN")


def _shift_by(shift: float) -> Callable[[Reference], Planes]:
    """The wavelength of a column `shift` px away: by the mean dispersion, which the slope gives."""

    def change(reference: Reference) -> Planes:
        coefficients = reference.content["COEFFS"].copy()
        width = np.diff(reference.content["DOMAIN"], axis=1)[:, 0]
        coefficients[:, 0] += shift * 2 * coefficients[:, 1] / width
        return {"COEFFS": coefficients}

    return change


def _take_for_vacuum(reference: Reference) -> Planes:
    """A line list in air: lines are found and called by it, and the solution follows."""
    lines = reference.content["LINES"].copy()
    lines["WAVELENGTH"] *= 1 - AIR
    return {"COEFFS": reference.content["COEFFS"] * (1 - AIR), "LINES": lines}


def _misname(reference: Reference) -> Planes:
    """In one lenslet of four the reddest line used is called 1 nm too long; the solution turns about the bluest."""
    content = reference.content
    coefficients, lines = content["COEFFS"].copy(), content["LINES"].copy()
    for n in np.flatnonzero(_has_solution(reference))[::SHARE]:
        mine = (lines["COLUMN"] == content["COLUMN"][n]) & (lines["ROW"] == content["ROW"][n])
        own = np.flatnonzero(mine & (lines["USED"] != 0))
        low, high = content["DOMAIN"][n]
        u = (2 * lines["X"][own] - low - high) / (high - low)
        if len(own) < 2 or np.ptp(u) <= 0:
            continue
        slope = MISNAMED / np.ptp(u)
        coefficients[n, :2] += [-slope * u.min(), slope]
        lines["WAVELENGTH"][own[u.argmax()]] += MISNAMED
    return {"COEFFS": coefficients, "LINES": lines}


def _has_solution(reference: Reference) -> npt.NDArray[np.bool_]:
    return ~has(reference.content["DQ"], "DO_NOT_USE", "NON_SCIENCE")


def _reorder(reference: Reference, order: npt.NDArray[Any]) -> Planes:
    return {name: reference.content[name][order] for name in _SOLUTION}


def _swap(reference: Reference) -> Planes:
    """Two neighbours, in the middle of those with a solution, have each other's."""
    order, solved = np.arange(len(reference.content["DQ"])), np.flatnonzero(_has_solution(reference))
    middle = len(solved) // 2
    pair = solved[middle : middle + 2]
    order[pair] = order[pair[::-1]]
    return _reorder(reference, order)


def _transpose(reference: Reference) -> Planes:
    """Solutions listed by column, then row, of those that there are."""
    content, solved = reference.content, np.flatnonzero(_has_solution(reference))
    order = np.arange(len(content["DQ"]))
    order[solved] = solved[np.lexsort((content["ROW"][solved], content["COLUMN"][solved]))]
    return _reorder(reference, order)


def _narrow_errors(reference: Reference) -> Planes:
    """Standard errors a third of what they are, of a spectrum and of all together."""
    return {name: reference.content[name] / 9 for name in ("COVARIANCE", "COMMON")}


def _state_common(factor: float) -> Callable[[Reference], Planes]:
    """What all spectra share is stated `factor` times as large; what each has of its own stays."""

    def change(reference: Reference) -> Planes:
        common = reference.content["COMMON"]
        more = (factor**2 - 1) * common
        return {"COMMON": common + more, "COVARIANCE": reference.content["COVARIANCE"] + more}

    return change


def _scale_line_errors(factor: float) -> Callable[[Reference], Planes]:
    """Errors of measured lines `factor` times what they are; the solution stays."""

    def change(reference: Reference) -> Planes:
        lines = reference.content["LINES"].copy()
        lines["X_ERR"] *= factor
        return {"LINES": lines}

    return change


def _lose_lenslets(reference: Reference) -> Planes:
    """One in five is thrown away."""
    flags = reference.content["DQ"].copy()
    flags[np.flatnonzero(_has_solution(reference))[::LOST]] |= np.uint32(DQ["DO_NOT_USE"])
    return {"DQ": flags}


def _lose_lamp(reference: Reference) -> Planes:
    """The lamp with the most lines is left out, though its lines are listed; the solution stays."""
    lines = reference.content["LINES"].copy()
    names, counts = np.unique(lines["LAMP"][lines["USED"] != 0], return_counts=True)
    lines["USED"][lines["LAMP"] == names[counts.argmax()]] = 0
    return {"LINES": lines}


SOLUTION_FAULTS: Mapping[str, Fault] = {
    "solution_fifth_of_a_pixel_off": edit_reference("arc", _shift_by(SHIFT)),
    "solution_tenth_of_a_pixel_off": edit_reference("arc", _shift_by(SMALL_SHIFT)),
    "air_for_vacuum": edit_reference("arc", _take_for_vacuum),
    "line_misnamed": edit_reference("arc", _misname),
    "lenslets_swapped": edit_reference("arc", _swap),
    "lenslets_transposed": edit_reference("arc", _transpose),
    "solution_errors_of_a_third": edit_reference("arc", _narrow_errors),
    "common_errors_sixfold": edit_reference("arc", _state_common(COMMON)),
    "common_errors_of_a_sixth": edit_reference("arc", _state_common(1 / COMMON)),
    "line_errors_doubled": edit_reference("arc", _scale_line_errors(2.0)),
    "line_errors_halved": edit_reference("arc", _scale_line_errors(0.5)),
    "lenslets_lost": edit_reference("arc", _lose_lenslets),
    "lamp_left_out": edit_reference("arc", _lose_lamp),
}
