"""Data-quality flags: one table, from which the code and the documentation are generated.

Bits and names follow the public IRIS/Liger pipeline's `data_quality.rst`. Planes are uint32: that
pipeline's uint16 planes lose every bit from 16 on. Read-level flags inside a ramp use uint8 and
hence only the first eight bits.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

__all__ = ["DQ", "FLAGS", "PIXEL_CLASSES", "Flag", "describe", "has"]


class Flag(NamedTuple):
    """One data-quality flag."""

    bit: int
    name: str
    meaning: str

    @property
    def value(self) -> int:
        """The flag as an integer with this bit set."""
        return 1 << self.bit


FLAGS: tuple[Flag, ...] = (
    Flag(0, "DO_NOT_USE", "bad for whatever reason; the value must not be used"),
    Flag(1, "SATURATED", "full well or converter limit reached"),
    Flag(2, "JUMP_DET", "a jump (cosmic ray) was detected in the ramp"),
    Flag(4, "OUTLIER", "an outlier among several exposures"),
    Flag(5, "PERSISTENCE", "afterglow of an earlier exposure"),
    Flag(9, "NON_SCIENCE", "receives no light by design"),
    Flag(10, "DEAD", "responds to light with less than a tenth of the median"),
    Flag(11, "HOT", "dark current above the hot limit"),
    Flag(12, "WARM", "dark current above the warm limit and below the hot one"),
    Flag(13, "LOW_QE", "responds with between a tenth and a half of the median"),
    Flag(15, "TELEGRAPH", "random telegraph noise"),
    Flag(16, "NONLINEAR", "linearity correction is not valid"),
    Flag(17, "BAD_REF_PIXEL", "a reference pixel that must not be used"),
    Flag(22, "UNRELIABLE_BIAS", "bias variance is large"),
    Flag(23, "UNRELIABLE_DARK", "dark variance is large"),
    Flag(24, "UNRELIABLE_SLOPE", "slope variance is large"),
    Flag(25, "UNRELIABLE_FLAT", "flat variance is large"),
    Flag(26, "UNRELIABLE_WS", "wavelength solution is uncertain"),
    Flag(27, "LOW_INST_TRANS", "low instrument transmission"),
    Flag(28, "TELLURIC", "strong telluric absorption"),
    Flag(29, "OH_LINE", "on an OH line"),
    Flag(31, "REFERENCE_PIXEL", "a reference pixel"),
)

DQ: dict[str, int] = {flag.name: flag.value for flag in FLAGS}
"""Flag name to integer value, for example ``DQ["HOT"] == 2048``."""

PIXEL_CLASSES: tuple[str, ...] = ("DEAD", "HOT", "WARM", "LOW_QE", "BAD_REF_PIXEL")
"""Permanent defects that a bad pixel map tells apart."""


def has(plane: npt.NDArray[np.unsignedinteger], *names: str) -> npt.NDArray[np.bool_]:
    """Return where any of the named flags is set in `plane` (any shape, unsigned)."""
    wanted = 0
    for name in names:
        wanted |= DQ[name]
    mask = plane.dtype.type(wanted & np.iinfo(plane.dtype).max)
    return np.not_equal(plane & mask, 0)


def describe(value: int) -> list[str]:
    """Return the names of the flags set in one pixel's value, lowest bit first."""
    return [flag.name for flag in FLAGS if value & flag.value]
