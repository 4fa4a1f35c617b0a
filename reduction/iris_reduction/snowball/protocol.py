"""What a snowball finder takes and returns."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from iris_reduction.plugin import Mismatch, compare_array, describe

__all__ = ["Float32", "Float64", "Mask", "Patch", "SnowballFinder", "compare_result"]

Float32: TypeAlias = npt.NDArray[np.float32]
Float64: TypeAlias = npt.NDArray[np.float64]
Mask: TypeAlias = npt.NDArray[np.bool_]


class Patch(NamedTuple):
    """Pixels in which one hit left charge between `read` - 1 and `read` of the ramp `group`, both from 0.

    `mask` bool covers the `rows` and `columns` of the image, slices with a start and a stop.
    """

    group: int
    read: int
    rows: slice
    columns: slice
    mask: Mask


class SnowballFinder(Protocol):
    """A function that finds hits which flood many pixels, and tells how far their charge reaches.

    reads: uint16 or float32 DN (ny, nx, ngroups, nreads), free of nonlinearity and of noise that many
    pixels share. times: float64 s (ngroups, nreads). gain: float32 e-/DN, read_noise: float32 e- of a
    single read, both (ny, nx); pixels where either is not positive are not looked at. usable: bool (ny, nx),
    False on reference pixels and pixels with a defect. read_dq: uint8 like reads, or None; reads with
    DO_NOT_USE are left out, and those from the first SATURATED one on. first: reads at the start of each
    ramp that are left out. threshold: from how many standard deviations on the difference of two reads shows
    a hit in a single pixel.
    """

    def __call__(
        self,
        reads: npt.NDArray[np.uint16] | Float32,
        times: Float64,
        *,
        gain: Float32,
        read_noise: Float32,
        usable: Mask,
        read_dq: npt.NDArray[np.uint8] | None = None,
        first: int = 0,
        threshold: float = 4.5,
    ) -> list[Patch]:
        """Return the patches in which the difference into a read must not be used."""
        ...


def compare_result(found: Any, shape: tuple[int, ...]) -> Mismatch:
    """Tell where a result is no list of patches in a cube of `shape` (ny, nx, ngroups, nreads)."""
    if not isinstance(found, list):
        return describe(found), "a list of Patch"
    return next(filter(None, (_compare_patch(patch, shape) for patch in found)), None)


def _compare_patch(patch: Any, shape: tuple[int, ...]) -> Mismatch:
    if not isinstance(patch, Patch):
        return f"a list with {describe(patch)}", "a list of Patch"
    size = []
    for name, length in zip(("rows", "columns"), shape, strict=False):
        part = getattr(patch, name)
        if not isinstance(part, slice) or part.start is None or not 0 <= part.start <= (part.stop or 0) <= length:
            return f"a patch with {name} {part!r}", f"a slice inside 0..{length}"
        size.append(part.stop - part.start)
    if not (0 <= patch.group < shape[2] and 1 <= patch.read < shape[3]):
        place = f"a group below {shape[2]} and a read from 1 to {shape[3] - 1}"
        return f"a patch of group {patch.group!r}, read {patch.read!r}", place
    return compare_array("a mask", patch.mask, np.bool_, tuple(size))
