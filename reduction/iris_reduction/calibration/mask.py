"""Bad pixel map: classes by the design's limits on measured dark rate and response.

HOT and WARM from the dark rate, DEAD and LOW_QE from the response relative to the median of the
region; the limits are those of `Detector`, and a pixel may belong to one class of each pair.
A pixel that saturates in the darks before it can be measured is HOT.

Reference pixels are judged among those of their output, by three robust scores that flag beyond 6:
noise between neighbouring reads (logarithm), mean level, and drift from first to last read.
Telegraph pixels are found elsewhere (`calibration.telegraph`).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from iris_contract import DQ, Detector
from iris_contract.dq import has

__all__ = ["classify_pixels", "find_bad_reference_pixels"]

Float = npt.NDArray[np.float32]
Flags = npt.NDArray[np.uint32]
_LIMIT = 6.0


def classify_pixels(dark: Float, dark_dq: Flags, response: Float, response_dq: Flags, detector: Detector) -> Flags:
    """Return class bits, uint32 (ny, nx), from `dark` e-/s and `response` (median 1) and their flags.

    Pixels with NON_SCIENCE get none; unmeasured ones (DO_NOT_USE) no class from that measurement,
    except HOT where the dark is SATURATED.
    """
    science = ~has(dark_dq, "NON_SCIENCE")
    dark_known = science & ~has(dark_dq, "DO_NOT_USE")
    response_known = science & ~has(response_dq, "DO_NOT_USE")
    hot = (dark_known & (dark > detector.hot_limit)) | (science & ~dark_known & has(dark_dq, "SATURATED"))
    warm = dark_known & (dark > detector.warm_limit) & ~hot
    dead = response_known & (response < detector.dead_response_limit)
    low = response_known & (response < detector.low_response_limit) & ~dead
    bits = np.zeros(dark.shape, np.uint32)
    for name, where in (("HOT", hot), ("WARM", warm), ("DEAD", dead), ("LOW_QE", low)):
        bits[where] |= np.uint32(DQ[name])
    return bits


def find_bad_reference_pixels(
    reads: npt.NDArray[np.uint16 | np.float32],
    reference_pixels: npt.NDArray[np.bool_],
    outputs: npt.NDArray[np.int64],
) -> npt.NDArray[np.bool_]:
    """Return where a reference pixel is unlike those of its output, bool (ny, nx).

    `reads` raw DN of darks (ny, nx, ngroups, nreads); `outputs` (nx,) is the output of each column.
    """
    bad = np.zeros(reference_pixels.shape, bool)
    rows, columns = np.nonzero(reference_pixels)
    for output in np.unique(outputs[columns]):
        mine = outputs[columns] == output
        pixels = reads[rows[mine], columns[mine]].astype(np.float64)
        bad[rows[mine], columns[mine]] = _find_odd(pixels)
    return bad


def _find_odd(pixels: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    varying = pixels - np.median(pixels, axis=0)  # takes out what all pixels of the output share
    noise = np.log(np.maximum(np.diff(varying, axis=2).std(axis=(1, 2)), 1e-3))
    level = varying.mean(axis=(1, 2))
    drift = (varying[:, :, -1] - varying[:, :, 0]).mean(axis=1)
    return np.asarray(np.any([np.abs(_score(values)) > _LIMIT for values in (noise, level, drift)], axis=0))


def _score(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    middle = np.median(values)
    return (values - middle) / max(1.4826 * float(np.median(np.abs(values - middle))), 1e-12)
