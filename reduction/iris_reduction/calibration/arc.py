"""The `arc` reference from measured lines and a wavelength solution: traces, widths, flags, and the table of lines.

Traces are the rows that the lines' places give, a series of degree 3 in the same u as the wavelength. Widths are those
of the profiles, fitted to each line, as a low-order field. A spectrum is incomplete, NON_SCIENCE, where the region or
the border of reference pixels cuts what lies between half transmissions; one that the region does not touch is
DO_NOT_USE. Not modelled: widths of single lenslets.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from iris_contract import Subarray, load_instrument
from iris_contract.dq import DQ
from iris_contract.errors import InputError
from iris_contract.lenslet import LensletMode, find_complete, load_lattice, load_passband
from iris_reduction.arc_lines.measurement import ArcMeasurement
from iris_reduction.wavelength.field import SmoothField
from iris_reduction.wavelength.protocol import WavelengthSolution
from iris_reduction.wavelength.series import expand_series, make_nodes

__all__ = ["check_region", "make_arc_content"]

Double = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
_TRACE = 4
_WIDTHS = SmoothField((2, 1))
_TEXT = 8


def check_region(mode: LensletMode, region: Subarray) -> None:
    """Raise InputError where no spectrum of the mode is complete, as designed, in the region."""
    if not find_complete(mode, region).any():
        stated = region.xstart, region.ystart, region.xsize, region.ysize
        raise InputError("cuts every spectrum; read out more columns", key="XSTART,YSTART,XSIZE,YSIZE", value=stated)


def _find_inside(x: Double, y: Double, region: Subarray) -> tuple[Mask, Mask]:
    """Tell which spectra with ends at columns and rows (n, 2) are wholly, and which partly, on light in the region."""
    detector = load_instrument().detector("IFU")
    border, last = detector.reference_border, detector.size - 1 - detector.reference_border
    left, right = max(region.xstart - 1, border), min(region.xstart + region.xsize - 2, last)
    bottom, top = max(region.ystart - 1, border), min(region.ystart + region.ysize - 2, last)
    rows = (y >= bottom) & (y <= top)
    whole = (x[:, 0] >= left) & (x[:, 1] <= right) & rows.all(axis=1)
    return whole, (x[:, 1] >= left) & (x[:, 0] <= right) & rows.any(axis=1)


def make_arc_content(
    measured: ArcMeasurement, solution: WavelengthSolution, mode: LensletMode, region: Subarray
) -> dict[str, npt.NDArray[Any]]:
    """Return the HDUs of the reference; `solution` is of the lines that agreed."""
    lattice = load_lattice(mode.mask, mode.column)
    return {
        "COEFFS": solution.coeffs,
        "DOMAIN": measured.spectra.domain,
        "COVARIANCE": solution.covariance,
        "COMMON": np.zeros(solution.covariance.shape[1:]) if solution.common is None else solution.common,
        "SPAN": solution.span,
        "COLUMN": lattice.column.copy(),
        "ROW": lattice.row.copy(),
        "TRACE": _trace(measured),
        "WIDTH": _spread(measured),
        "RMS": solution.rms.astype(np.float32),
        "NLINES": solution.nlines,
        "DQ": solution.dq | _flag_cut(measured, mode, region),
        "LINES": _tabulate(measured, solution, mode),
    }


def _locate(measured: ArcMeasurement, wavelength: Double) -> tuple[Double, Double]:
    """Return columns and rows (n, k) of wavelengths (k,) of every spectrum."""
    number = len(measured.spectra.along)
    each, at = np.repeat(np.arange(number), len(wavelength)), np.tile(wavelength, number)
    x, y = measured.places.predict(each, at)
    return x.reshape(number, -1), y.reshape(number, -1)


def _trace(measured: ArcMeasurement) -> Double:
    """Return the coefficients (n, 4) of rows against columns."""
    x, y = _locate(measured, make_nodes(measured.spectra.limits))
    maps = expand_series(np.zeros(x.shape[1]), x, measured.spectra.domain)[1][:, :_TRACE]
    coeffs: Double = np.einsum("njk,nk->nj", maps, y)
    return coeffs


def _spread(measured: ArcMeasurement) -> npt.NDArray[np.float32]:
    """Return sigma along dispersion at both ends (n, 2): a robust smooth field of the widths of lines that agreed."""
    place, agreed = measured.places.place, measured.agreed
    width, group = measured.width[agreed], measured.points.spectrum[agreed]
    typical = float(np.median(width))
    t = place.scale(measured.points.wavelength[agreed])
    terms = _WIDTHS.evaluate(place.xi[group], place.eta[group], t)
    trust = np.ones(len(width))
    for _ in range(5):
        heavy = terms * trust[:, None]
        normal = heavy.T @ terms + np.eye(terms.shape[1])  # a line's weight says that nothing varies
        beta = np.linalg.solve(normal, heavy.T @ (width - typical))
        off = width - typical - terms @ beta
        trust = 1 / (1 + (off / max(3 * float(np.median(np.abs(off))), 1e-6)) ** 2)
    ends = [typical + _WIDTHS.evaluate(place.xi, place.eta, np.full(len(place.xi), t)) @ beta for t in (-1.0, 1.0)]
    return np.stack(ends, axis=1).astype(np.float32)


def _flag_cut(measured: ArcMeasurement, mode: LensletMode, region: Subarray) -> npt.NDArray[np.uint32]:
    """Return NON_SCIENCE where a spectrum is incomplete, with DO_NOT_USE where the region does not touch it."""
    x, y = _locate(measured, np.array(load_passband(mode.filter).half))
    whole, partly = _find_inside(x, y, region)
    flags = np.where(whole, 0, DQ["NON_SCIENCE"]) | np.where(partly, 0, DQ["DO_NOT_USE"])
    return flags.astype(np.uint32)


def _tabulate(measured: ArcMeasurement, solution: WavelengthSolution, mode: LensletMode) -> npt.NDArray[Any]:
    """Return every line that was measured; those that the solution used have USED 1."""
    lattice, points, found = load_lattice(mode.mask, mode.column), measured.points, measured.centroids
    used = measured.agreed.copy()
    used[used] = solution.used
    shifts = measured.places.shifts[points.image].astype(np.float32)
    columns: dict[str, npt.NDArray[Any]] = {
        "COLUMN": lattice.column[points.spectrum],
        "ROW": lattice.row[points.spectrum],
        "WAVELENGTH": points.wavelength,
        "X": found.x,
        "Y": found.y,
        "X_ERR": found.x_error.astype(np.float32),
        "FLUX": found.flux.astype(np.float32),
        "WIDTH_X": measured.width.astype(np.float32),
        "USED": used.astype(np.int32),
        "LAMP": measured.lamps.astype(f"U{_TEXT}"),
        "SHIFT_X": shifts[:, 0],
        "SHIFT_Y": shifts[:, 1],
    }
    table = np.zeros(len(used), dtype=[(name, column.dtype) for name, column in columns.items()])
    for name, column in columns.items():
        table[name] = column
    return table
