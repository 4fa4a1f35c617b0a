"""Groups as `core` finds them, grown in proportion to their size until what is left outside is small.

A halo falls with the cube of the distance from its middle, whatever its size. So a group that stands out
by t sigma at its rim leaves t / g^3 outside of g times its radius: with t = 4.5 and the factor 2 that
is 0.56 sigma of one difference. The radius is that of a disc of the group's area, and the group grows by
g - 1 of it in every direction, so that it may have any shape. The JWST pipeline enlarges circles or
ellipses about its groups by the same factor (stcal pull request 118; Regan 2023, JWST technical
report), and asks for a full core, which a weaker hit on the ground need not have. What a group takes
in beyond the halo costs one difference of each ramp, and gains nothing.

Not modelled: groups that the edge of the region cuts off, whose radius is taken too small (half a disc
leaves 4.5 / 1.7^3 = 0.9 sigma); charge that goes on spreading after the hit.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from iris_reduction.snowball.core import core
from iris_reduction.snowball.protocol import Float32, Float64, Patch

__all__ = ["FACTOR", "grow"]

FACTOR = 2.0
"""Radii to which a group grows."""


def grow(reads: npt.NDArray[np.uint16] | Float32, times: Float64, *, usable: Any, **options: Any) -> list[Patch]:
    """Return the groups with their halos; arguments as `SnowballFinder`."""
    return [_grow(patch, usable.shape) for patch in core(reads, times, usable=usable, **options)]


def _grow(patch: Patch, shape: tuple[int, int]) -> Patch:
    reach = (FACTOR - 1) * math.sqrt(np.count_nonzero(patch.mask) / math.pi)
    margin = math.ceil(reach)
    wide = ndimage.distance_transform_edt(~np.pad(patch.mask, margin)) <= reach
    y, x = patch.rows.start - margin, patch.columns.start - margin
    top, left = max(0, -y), max(0, -x)
    inside = wide[top : shape[0] - y, left : shape[1] - x]
    rows, columns = (slice(start, start + size) for start, size in zip((y + top, x + left), inside.shape, strict=True))
    return Patch(patch.group, patch.read, rows, columns, inside)
