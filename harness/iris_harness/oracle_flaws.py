"""What truth knows of the flaws beyond a polite detector's, in ordinary reference layout.

    linearity   polynomial of seven terms through the true curve of each pixel, by least squares over all
                signals up to the deepest well. True powers are 2.5 and 3, so it is not exact: 2e-5 of the charge
    saturation  what a full well shows among full ones, less five standard deviations of a read after a reset
    ipc         links of empty pixels: a reference cannot say that they fade as pixels fill
    persist     shares, time constants and the power 1.5. It cannot say that filling takes time (10 s: nothing for
                ramps of a minute), nor that wells are deeper than designed, at which charges are clipped: up to 15 %

A flaw that is absent has no reference.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from iris_contract.dq import DQ
from iris_contract.exposure import Subarray
from iris_contract.frames import AsBuiltMaps
from iris_contract.instrument import Detector
from iris_simulator.ipc import couple
from iris_simulator.nonlinearity import bend_signal
from iris_simulator.persistence import LEVEL, TIMES

__all__ = ["Entry", "describe_flaws"]

Entry = tuple[str, dict[str, Any], dict[str, Any]]
"""Kind, planes, and header cards of a reference."""
Double = npt.NDArray[np.float64]

TERMS, POINTS, ROUNDS = 7, 24, 30
MARGIN = 5.0  # standard deviations
POWER = 1.5  # charges over LEVEL, times their root


def describe_flaws(maps: AsBuiltMaps, detector: Detector, region: Subarray) -> list[Entry]:
    """Return the references of the flaws that `maps` of `region` have."""
    border = region.reference_pixels(detector)
    flags = np.where(border, DQ["REFERENCE_PIXEL"] | DQ["NON_SCIENCE"], 0).astype(np.uint32)
    entries: list[Entry] = []
    full = np.where(np.isfinite(maps.well), maps.well, detector.well_depth).astype(np.float64)
    if np.isfinite(maps.well).all():
        scatter = np.hypot(maps.read_noise, detector.ktc_noise)
        level = maps.offset + (_couple(maps, _show(maps, full)) - MARGIN * scatter) / maps.gain
        level = np.where(border, detector.full_scale, np.minimum(level, detector.full_scale))
        entries.append(("saturation", {"DATA": level.astype(np.float32), "DQ": flags}, {}))
    if maps.loss is not None:
        highest = _show(maps, full)
        norm = float((highest / maps.gain)[~border].max())
        coeffs = np.where(border[:, :, None], 0, _fit_curves(maps, highest, norm)).astype(np.float32)
        planes = {"COEFFS": coeffs, "COEFFS_ERR": np.zeros_like(coeffs), "DQ": flags}
        entries.append(("linearity", planes, {"LINNORM": norm}))
    if maps.links is not None:
        entries.append(("ipc", {"DATA": maps.links, "ERR": np.zeros_like(maps.links)}, {}))
    if maps.traps is not None:
        planes = {"DATA": maps.traps, "ERR": np.zeros_like(maps.traps), "TIMES": np.array(TIMES)}
        entries.append(("persist", planes, {"PERSCHRG": LEVEL, "PERSPOW": POWER}))
    return entries


def _couple(maps: AsBuiltMaps, signal: Double) -> Double:
    """Return what pixels of `signal` e- (ny, nx) show beside each other."""
    if maps.links is None:
        return signal
    return couple(signal[:, :, None, None].astype(np.float32), maps.links, maps.flat > 0)[:, :, 0, 0].astype(np.float64)


def _show(maps: AsBuiltMaps, charge: Double) -> Double:
    """Return the signal e- (ny, nx) of pixels that hold `charge` e- (ny, nx)."""
    if maps.loss is None or maps.bend is None:
        return charge
    shown = charge[:, :, None, None].copy()
    bend_signal(shown, maps.loss.astype(np.float64), maps.bend.astype(np.float64))
    return shown[:, :, 0, 0]


def _fit_curves(maps: AsBuiltMaps, highest: Double, norm: float) -> Double:
    """Return coefficients (ny, nx, TERMS) of charge over signal, less 1, in powers of the signal over `norm` DN.

    Signals go from 0 to the `highest` e- (ny, nx) that a pixel can show.
    """
    relative = np.linspace(0.0, 1.0, POINTS + 1)[1:]
    powers = np.arange(1, TERMS + 1)
    coeffs = np.zeros((*highest.shape, TERMS))
    for point, weights in zip(relative, np.linalg.pinv(relative[:, None] ** powers).T, strict=True):
        signal = point * highest
        charge = signal.copy()
        for _ in range(ROUNDS):  # each leaves half of the error, or less
            charge *= signal / _show(maps, charge)
        coeffs += weights * (charge / signal - 1)[:, :, None]
    return np.asarray(coeffs / (highest / maps.gain / norm)[:, :, None] ** powers)
