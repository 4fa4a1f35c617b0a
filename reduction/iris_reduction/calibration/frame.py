"""What the calibration kernels take of a level 1 image."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from iris_contract import DQ

__all__ = ["OF_ONE_EXPOSURE", "RateFrame"]

OF_ONE_EXPOSURE = np.uint32(DQ["JUMP_DET"] | DQ["SATURATED"])
"""Flags that say nothing about the exposures a reference will correct."""


class RateFrame(NamedTuple):
    """Rate and error in e-/s, float32, and flags, uint32, each (ny, nx); error 0 where nothing was measured."""

    rate: npt.NDArray[np.float32]
    error: npt.NDArray[np.float32]
    dq: npt.NDArray[np.uint32]
