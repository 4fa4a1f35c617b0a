"""What a ramp fitter takes and returns, and the checks and block loop that all fitters share.

A fitter turns the non-destructive reads of each pixel into a count rate. It sees arrays only. The
cube stays as the file holds it, reads of one pixel side by side, and is worked off in blocks of
rows, one per thread at a time: no fitter needs memory beyond its results and a few blocks, and no
result depends on the number of threads. Integers reach the fitters as they are, to be read but once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from iris_contract.dq import DQ, has
from iris_contract.errors import InputError
from iris_reduction.blocks import map_rows
from iris_reduction.plugin import Mismatch, compare_array, describe

__all__ = ["JUMP_COLUMNS", "NO_JUMPS", "Block", "Jumps", "RampFit", "RampFitter", "compare_result", "fit_blocks"]

Float32: TypeAlias = npt.NDArray[np.float32]
Float64: TypeAlias = npt.NDArray[np.float64]
Reads: TypeAlias = npt.NDArray[np.uint16] | npt.NDArray[np.float32]

JUMP_COLUMNS = np.dtype([("Y", "i4"), ("X", "i4"), ("GROUP", "i4"), ("READ", "i4"), ("AMPLITUDE", "f4")])
"""One row per jump: pixel, ramp, first read (from 0) that holds the charge, and electrons."""

LEFT_OUT = DQ["SATURATED"] | DQ["DO_NOT_USE"] | DQ["JUMP_DET"]


@dataclass(frozen=True, slots=True)
class RampFit:
    """The result of a ramp fit, images of shape (ny, nx).

    `rate` and `error` float32 e-/s are NaN, and `dq` uint32 has DO_NOT_USE, exactly where no two
    reads of one ramp can be used. `dq` also has SATURATED where a read was, JUMP_DET where a read
    had it or a jump was found. `chi2` float32 is per degree of freedom, NaN where the fitter has none
    left over. `jumps` has the columns JUMP_COLUMNS, ordered by Y, X, GROUP, READ; it is None where the
    fitter does not look for jumps. A difference that was left out because its read is flagged is listed
    where the fitter would have found a jump there itself, not else.
    """

    rate: Float32
    error: Float32
    dq: npt.NDArray[np.uint32]
    chi2: Float32
    jumps: npt.NDArray[Any] | None


class RampFitter(Protocol):
    """A function that fits ramps; raises InputError where arguments do not fit together.

    reads: uint16 or float32 DN (ny, nx, ngroups, nreads); a group is a ramp after its own reset.
    times: float64 s (ngroups, nreads) from the reset, increasing within a ramp, at any spacing.
    gain: float32 e-/DN (ny, nx). read_noise: float32 e- of a single read (ny, nx), as darks show
    it, hence with quantisation noise. Where either is not positive the pixel cannot be used.
    read_dq: uint8 like reads: reads with DO_NOT_USE are left out, so are reads that are not finite,
    and all reads of a ramp from the first one with SATURATED. A read with JUMP_DET is good itself, but
    holds charge of unknown size that the read before does not: the difference between the usable reads
    on either side is left out, which cuts the ramp in two, and both parts count. jump_sigma: threshold
    of the fitters that reject jumps, in standard deviations; infinity rejects none.
    """

    def __call__(
        self,
        reads: Reads,
        times: Float64,
        *,
        gain: Float32,
        read_noise: Float32,
        read_dq: npt.NDArray[np.uint8] | None = None,
        jump_sigma: float = 4.5,
    ) -> RampFit:
        """Fit every pixel."""
        ...


def compare_result(fit: Any, shape: tuple[int, ...]) -> Mismatch:
    """Tell where a result is no RampFit of a cube of `shape` (ny, nx, ngroups, nreads)."""
    if not isinstance(fit, RampFit):
        return describe(fit), "a RampFit"
    for plane, dtype in (("rate", np.float32), ("error", np.float32), ("chi2", np.float32), ("dq", np.uint32)):
        mismatch = compare_array(plane, getattr(fit, plane), dtype, shape[:2])
        if mismatch:
            return mismatch
    return None if fit.jumps is None else _compare_jumps(fit.jumps, shape)


def _compare_jumps(table: Any, shape: tuple[int, ...]) -> Mismatch:
    if not isinstance(table, np.ndarray) or table.dtype != JUMP_COLUMNS or table.ndim != 1:
        return f"jumps as {describe(table)}", f"a table of {JUMP_COLUMNS}"
    for column, size in zip(("Y", "X", "GROUP", "READ"), shape, strict=True):
        if table.size and not 0 <= table[column].min() <= table[column].max() < size:
            return f"jumps with {column} in {table[column].min()}..{table[column].max()}", f"0..{size - 1}"
    return (
        None if np.isfinite(table["AMPLITUDE"]).all() else ("jumps with an AMPLITUDE that is not finite", "electrons")
    )


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive pixels of a cube, flattened, with everything a fitter needs and room for results.

    `reads` uint16 or float32 DN (npix, ngroups, nreads) contiguous, so mind that differences of uint16 wrap;
    `read_dq` like `reads`, or None; `flags` uint8 (npix,): SATURATED, DO_NOT_USE, JUMP_DET of any read; `times` s.
    `gain` e-/DN and read `variance` e-^2, float32 (npix,), NaN where the pixel cannot be used. The fitter
    fills `rate`, `error`, `chi2`, float32 (npix,), with NaN where there is no result.
    """

    reads: Reads
    times: Float64
    gain: Float32
    variance: Float32
    read_dq: npt.NDArray[np.uint8] | None
    flags: npt.NDArray[np.uint8]
    jump_sigma: float
    rate: Float32
    error: Float32
    chi2: Float32

    def usable_reads(self, pixels: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
        """Tell which reads (n, ngroups, nreads) of the given pixels can be used."""
        usable = np.isfinite(self.reads[pixels])
        if self.read_dq is not None:
            flags = self.read_dq[pixels]
            usable &= (flags & DQ["DO_NOT_USE"]) == 0
            usable &= ~np.logical_or.accumulate((flags & DQ["SATURATED"]) != 0, axis=-1)
        return usable

    def jumped_reads(self, pixels: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
        """Tell which reads (n, ngroups, nreads) of the given pixels are flagged to hold a jump."""
        if self.read_dq is None:
            return np.zeros(self.reads[pixels].shape, np.bool_)
        return has(self.read_dq[pixels], "JUMP_DET")


Jumps: TypeAlias = tuple[npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any]]
"""Pixel of the block, group, read and amplitude e- of each jump, in this order."""

NO_JUMPS: Jumps = (np.empty(0, np.intp),) * 4
"""Of a fitter that has looked for jumps and found none."""


def fit_blocks(
    fit: Callable[[Block], Jumps | None],
    reads: Reads,
    times: Float64,
    *,
    gain: Float32,
    read_noise: Float32,
    read_dq: npt.NDArray[np.uint8] | None = None,
    jump_sigma: float = 4.5,
) -> RampFit:
    """Run `fit` over a cube in blocks of rows; arguments, result and errors as `RampFitter`.

    `fit` must not depend on what is beside a pixel; it runs in as many threads as numba may use.
    It returns the jumps of a block, None where it does not look for any.
    """
    _check(reads, times, gain, read_noise, read_dq, jump_sigma)
    shape = reads.shape[:2]
    rate, error, chi2 = (np.empty(shape, np.float32) for _ in range(3))
    dq = np.zeros(shape, np.uint32)

    def fit_rows(rows: slice) -> npt.NDArray[Any] | None:
        flags = None if read_dq is None else _flatten(read_dq[rows])
        block = Block(
            _flatten(reads[rows]),
            np.require(times, requirements=("C", "W")),
            _flatten(gain[rows]),
            _flatten(_square_noise(gain[rows], read_noise[rows])),
            flags,
            _collect_flags(flags, dq[rows].size),
            float(jump_sigma),
            *(plane[rows].reshape(-1) for plane in (rate, error, chi2)),
        )
        found = fit(block)
        _flag_pixels(block, dq[rows].reshape(-1))
        return None if found is None else _list_jumps(found, rows.start, dq[rows])

    tables = [table for table in map_rows(fit_rows, reads.shape) if table is not None]
    return RampFit(rate, error, dq, chi2, np.concatenate(tables) if tables else None)


def _square_noise(gain: Float32, read_noise: Float32) -> Float32:
    """Return the read variance e-^2, NaN where gain or noise is not a positive finite number."""
    variance = read_noise * read_noise
    works = (gain > 0) & (gain < np.inf) & (read_noise > 0) & (variance > 0) & (variance < np.inf)
    if not works.all():
        variance[~works] = np.nan
    return variance


def _flatten(cube: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return rows of a cube or plane as pixels (npix, ...), contiguous and writeable.

    Other arrays are copied: numba would compile its kernels once more for each other kind.
    """
    return np.require(cube, requirements=("C", "W")).reshape(-1, *cube.shape[2:])


def _collect_flags(read_dq: npt.NDArray[np.uint8] | None, npix: int) -> npt.NDArray[np.uint8]:
    """Return the flags of all reads of each pixel together."""
    from iris_reduction.kernels.read_flags import gather_flags  # here, since it imports numba

    flags = np.zeros(npix, np.uint8)
    if read_dq is not None:
        gather_flags(read_dq.reshape(npix, -1), np.uint8(LEFT_OUT), flags)
    return flags


def _flag_pixels(block: Block, dq: npt.NDArray[np.uint32]) -> None:
    """Make rate and error NaN together, and set DO_NOT_USE there, and SATURATED and JUMP_DET of reads."""
    bad = ~(np.isfinite(block.rate) & np.isfinite(block.error))
    if bad.any():
        block.rate[bad], block.error[bad], block.chi2[bad] = np.nan, np.nan, np.nan
        dq[bad] |= DQ["DO_NOT_USE"]
    if block.read_dq is not None:
        dq |= block.flags & (DQ["SATURATED"] | DQ["JUMP_DET"])


def _list_jumps(found: Jumps, first_row: int, dq: npt.NDArray[np.uint32]) -> npt.NDArray[Any]:
    """Flag the jumps of usable pixels in `dq` (rows, nx), and return them as a table."""
    flags = dq.reshape(-1)
    keep = (flags[found[0]] & DQ["DO_NOT_USE"]) == 0
    pixel, group, read, amplitude = (column[keep] for column in found)
    flags[pixel] |= DQ["JUMP_DET"]
    table = np.empty(len(pixel), JUMP_COLUMNS)
    table["Y"], table["X"] = first_row + pixel // dq.shape[1], pixel % dq.shape[1]
    table["GROUP"], table["READ"], table["AMPLITUDE"] = group, read, amplitude
    return table


def _check(
    reads: Reads,
    times: Float64,
    gain: Float32,
    read_noise: Float32,
    read_dq: npt.NDArray[np.uint8] | None,
    jump_sigma: float,
) -> None:
    """Raise InputError naming the first argument that breaks the `RampFitter` contract."""
    if reads.dtype not in (np.uint16, np.float32) or not reads.dtype.isnative:
        raise InputError("must be native uint16 or float32", key="reads.dtype", value=str(reads.dtype))
    if reads.ndim != 4 or 0 in reads.shape:
        raise InputError("must be (ny, nx, ngroups, nreads), none zero", key="reads.shape", value=reads.shape)
    if times.dtype != np.float64 or times.shape != reads.shape[2:]:
        raise InputError(
            f"must be float64 of shape {reads.shape[2:]}", key="times", value=(str(times.dtype), times.shape)
        )
    if not (np.isfinite(times).all() and (np.diff(times, axis=1) > 0).all()):
        raise InputError("must be finite and increase from read to read", key="times", value=times.tolist())
    for name, plane in (("gain", gain), ("read_noise", read_noise)):
        if plane.dtype != np.float32 or plane.shape != reads.shape[:2]:
            raise InputError(
                f"must be float32 of shape {reads.shape[:2]}", key=name, value=(str(plane.dtype), plane.shape)
            )
    if read_dq is not None and (read_dq.dtype != np.uint8 or read_dq.shape != reads.shape):
        raise InputError(
            f"must be uint8 of shape {reads.shape}", key="read_dq", value=(str(read_dq.dtype), read_dq.shape)
        )
    if not jump_sigma > 0:
        raise InputError("must be positive", key="jump_sigma", value=jump_sigma)
