"""Conversion: electrons to whole data numbers, DN = round(electrons / gain + offset), clipped to 16 bits.

Not modelled: nonlinearity of amplifier and converter, missing codes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from iris_simulator.draws import Cube

__all__ = ["convert"]


def convert(
    signal: Cube, gain: npt.NDArray[np.floating], offset: npt.NDArray[np.floating], full_scale: int
) -> tuple[npt.NDArray[np.uint16], npt.NDArray[np.bool_]]:
    """Return the reads uint16 and where (rows, nx) one of them would exceed `full_scale`.

    `signal` e- (rows, nx, ramps, reads) is used up; `gain` e-/DN and `offset` DN are (rows, nx).
    """
    signal /= gain[:, :, None, None]
    signal += offset[:, :, None, None]
    np.rint(signal, out=signal)
    over = np.any(signal > full_scale, axis=(2, 3))
    np.clip(signal, 0, full_scale, out=signal)
    return signal.astype(np.uint16), over
