"""Does a ramp fitter keep to `RampFitter`? One call tells, for built-in fitters and plugins alike.

The fitter is run on small made-up ramps and its results are compared with what the protocol
promises: shapes and types, where NaN and flags stand, that integers give the same as floats, that
pedestals, unusable reads and differences into reads with JUMP_DET do not matter, that the arguments
are left alone. It is no test of optimality or of error bars: those are scored against truth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from iris_contract.dq import DQ, has
from iris_contract.errors import InputError
from iris_reduction.ramp.protocol import JUMP_COLUMNS, Float32, Float64, RampFit, RampFitter, Reads

__all__ = ["check_ramp_fitter"]

SHAPE = (4, 5, 2, 8)
RATES = np.linspace(0.5, 40.0, 20).reshape(4, 5)
CLOSE = {"rtol": 1e-3, "atol": 1e-3}


@dataclass(frozen=True, slots=True)
class Example:
    """Arguments of one call."""

    reads: Reads
    times: Float64
    gain: Float32
    read_noise: Float32
    read_dq: npt.NDArray[np.uint8]

    def fit(self, fitter: RampFitter) -> RampFit:
        """Run `fitter` on copies, so that one that writes to its arguments spoils no other check."""
        return fitter(
            self.reads.copy(),
            self.times.copy(),
            gain=self.gain.copy(),
            read_noise=self.read_noise.copy(),
            read_dq=self.read_dq.copy(),
        )


def check_ramp_fitter(fitter: RampFitter) -> None:
    """Raise InputError that lists every way in which `fitter` breaks `RampFitter`, if there is one."""
    example = _make_example()
    violations = [problem for check in CHECKS for problem in _run(check, fitter, example)]
    if violations:
        name = getattr(fitter, "__qualname__", None) or repr(fitter)
        raise InputError("; ".join(violations), key="ramp fitter", value=name)


def _make_example() -> Example:
    """Return smooth ramps with two times 8 unevenly spaced reads, 12 e- noise at 2 e-/DN, seeded."""
    times = np.array([[0.0, 3, 5, 9, 14, 20, 22, 30], [1.0, 2, 6, 11, 15, 19, 27, 28]])
    electrons = RATES[..., None, None] * times + np.random.default_rng(7).normal(0.0, 12.0, SHAPE)
    plane = np.ones(SHAPE[:2], np.float32)
    reads = np.round(electrons / 2 + 3000).astype(np.uint16)
    return Example(reads, times, plane * np.float32(2), plane * np.float32(12), np.zeros(SHAPE, np.uint8))


def _run(check: Callable[[RampFitter, Example], Iterator[str]], fitter: RampFitter, example: Example) -> Iterator[str]:
    """Yield the findings of one check; an exception is a finding."""
    try:
        yield from check(fitter, example)
    except Exception as error:  # a foreign algorithm may raise anything
        yield f"{check.__name__[1:].replace('_', ' ')}: raises {type(error).__name__}: {error}"


def _check_result(fitter: RampFitter, example: Example) -> Iterator[str]:
    fit = example.fit(fitter)
    if not isinstance(fit, RampFit):
        yield f"returns {type(fit).__name__}, not RampFit"
        return
    for name, dtype in (("rate", np.float32), ("error", np.float32), ("dq", np.uint32), ("chi2", np.float32)):
        plane = getattr(fit, name)
        if plane.dtype != dtype or plane.shape != SHAPE[:2]:
            yield f"{name} is {plane.dtype} {plane.shape}, not {np.dtype(dtype)} {SHAPE[:2]}"
    if fit.jumps is not None and fit.jumps.dtype != JUMP_COLUMNS:
        yield f"jumps has the columns {fit.jumps.dtype.names} of {fit.jumps.dtype}, not {JUMP_COLUMNS}"
    if not (np.isfinite(fit.rate).all() and np.isfinite(fit.error).all() and (fit.error > 0).all()):
        yield "rate or error is not finite, or error not positive, for good ramps"
    if not (np.abs(fit.rate - RATES) < 6 * fit.error).all():
        yield "rate is further than 6 error from the truth of a good ramp"
    if has(fit.dq, "DO_NOT_USE", "SATURATED").any():
        yield "dq has DO_NOT_USE or SATURATED for good ramps"


def _check_integers(fitter: RampFitter, example: Example) -> Iterator[str]:
    falling = replace(example, reads=example.reads[..., ::-1].copy())  # differences would wrap
    for case in (example, falling):
        integer = case.fit(fitter)
        real = replace(case, reads=case.reads.astype(np.float32)).fit(fitter)
        if not _agree(integer, real):
            yield "uint16 and float32 reads give different results"
            return


def _check_pedestal(fitter: RampFitter, example: Example) -> Iterator[str]:
    raised = replace(example, reads=(example.reads + np.array([[500], [40]])).astype(np.uint16))
    if not _agree(example.fit(fitter), raised.fit(fitter)):
        yield "a pedestal added to all reads of a ramp changes the result"


def _check_ramp_order(fitter: RampFitter, example: Example) -> Iterator[str]:
    swapped = replace(example, reads=example.reads[:, :, ::-1].copy(), times=example.times[::-1].copy())
    if not _agree(example.fit(fitter), swapped.fit(fitter)):
        yield "the order of the ramps changes the result"


def _check_unusable_reads(fitter: RampFitter, example: Example) -> Iterator[str]:
    flags = example.read_dq.copy()
    flags[0, 0, 0, 3], flags[0, 1, 1, 5], flags[0, 2, 0, 2] = (DQ[n] for n in ("DO_NOT_USE", "SATURATED", "SATURATED"))
    spoiled, cleaner = example.reads.copy(), example.reads.copy()
    spoiled[0, 0, 0, 3], spoiled[0, 1, 1, 5:], spoiled[0, 2, 0, 2:] = 65535, 65535, 0
    one, other = (replace(example, reads=reads, read_dq=flags).fit(fitter) for reads in (spoiled, cleaner))
    if not _agree(one, other):
        yield "values of reads that must be left out change the result"
    if not np.array_equal(np.argwhere(has(one.dq, "SATURATED")), [[0, 1], [0, 2]]):
        yield "dq has SATURATED elsewhere than where a read has it"
    if not (np.isfinite(one.rate).all() and (np.abs(one.rate - RATES) < 6 * one.error).all()):
        yield "ramps with some unusable reads are not fitted"
    if not np.isfinite(replace(example, reads=_with_nan(example.reads)).fit(fitter).rate).all():
        yield "a single read that is NaN spoils the pixel"


def _check_flagged_jumps(fitter: RampFitter, example: Example) -> Iterator[str]:
    """A known jump may have any size; both parts of the ramp count; a read that is lost passes its jump on."""
    flags, quiet = example.read_dq.copy(), example.reads.astype(np.float32)
    hit = quiet.copy()
    for x, group, read in ((0, 0, 4), (1, 1, 1), (2, 0, 3)):
        flags[0, x, group, read] = DQ["JUMP_DET"]
        hit[0, x, group, read:] += 5000
    flags[0, 2, 0, 3] |= DQ["DO_NOT_USE"]
    clean, one = (replace(example, reads=reads, read_dq=flags).fit(fitter) for reads in (quiet, hit))
    if not _agree(clean, one):
        yield "a jump into a read with JUMP_DET changes the result"
    if not (np.isfinite(one.rate).all() and (np.abs(one.rate - RATES) < 6 * one.error).all()):
        yield "ramps with a read that has JUMP_DET are not fitted"
    if not has(one.dq, "JUMP_DET")[0, :3].all():
        yield "dq has no JUMP_DET where a read has it"
    flags[0, 0, :, 1:] = DQ["JUMP_DET"]
    if not np.isnan(replace(example, read_dq=flags).fit(fitter).rate[0, 0]):
        yield "rate is not NaN where every difference is left out"


def _with_nan(reads: Reads) -> Float32:
    real = reads.astype(np.float32)
    real[1, 1, 0, 2] = np.nan
    return real


def _check_hopeless_pixels(fitter: RampFitter, example: Example) -> Iterator[str]:
    """One usable read per ramp, none, no gain, no noise: NaN and DO_NOT_USE, and only there."""
    flags, gain, noise = example.read_dq.copy(), example.gain.copy(), example.read_noise.copy()
    flags[0, 0, :, 1:], flags[0, 1] = DQ["SATURATED"], DQ["DO_NOT_USE"]
    gain[0, 2], noise[0, 3], noise[0, 4], gain[1, 0] = np.nan, 0.0, np.nan, -1.0
    fit = replace(example, read_dq=flags, gain=gain, read_noise=noise).fit(fitter)
    hopeless = np.zeros(SHAPE[:2], bool)
    hopeless[0], hopeless[1, 0] = True, True
    for name, plane in (("rate", fit.rate), ("error", fit.error)):
        if not np.array_equal(np.isnan(plane), hopeless):
            yield f"{name} is not NaN exactly where nothing can be fitted"
    if not np.array_equal(has(fit.dq, "DO_NOT_USE"), hopeless):
        yield "dq has not DO_NOT_USE exactly where rate is NaN"


def _check_jumps(fitter: RampFitter, example: Example) -> Iterator[str]:
    """Not every fitter looks for jumps; what it reports must be consistent."""
    hit = example.reads.copy()
    hit[2, 3, 1, 4:] += 2000
    fit = replace(example, reads=hit).fit(fitter)
    table = fit.jumps
    if table is None:
        if has(fit.dq, "JUMP_DET").any():
            yield "jumps and JUMP_DET in dq disagree: there is no table"
        return
    bounds = zip(("Y", "X", "GROUP", "READ"), SHAPE, strict=True)
    if not all(((table[name] >= 0) & (table[name] < size)).all() for name, size in bounds):
        yield "jumps lie outside the cube"
        return
    flagged = np.zeros(SHAPE[:2], bool)
    flagged[table["Y"], table["X"]] = True
    if not np.array_equal(flagged, has(fit.dq, "JUMP_DET")):
        yield "jumps and JUMP_DET in dq disagree"
    if not np.isfinite(table["AMPLITUDE"]).all():
        yield "jumps holds an amplitude that is not finite"


def _check_arguments(fitter: RampFitter, example: Example) -> Iterator[str]:
    given = [a.copy() for a in (example.reads, example.times, example.gain, example.read_noise, example.read_dq)]
    reads, times, gain, noise, flags = (cast(Any, a) for a in given)
    first = fitter(reads, times, gain=gain, read_noise=noise, read_dq=flags)
    kept = (example.reads, example.times, example.gain, example.read_noise, example.read_dq)
    if not all(np.array_equal(a, b) for a, b in zip(given, kept, strict=True)):
        yield "arguments are modified"
    if not np.array_equal(first.rate, example.fit(fitter).rate):
        yield "the same call twice gives different results"
    without = fitter(example.reads, times, gain=example.gain, read_noise=example.read_noise)
    if not _agree(first, without):
        yield "read_dq without flags and no read_dq give different results"


def _agree(one: RampFit, other: RampFit) -> bool:
    planes = (np.allclose(getattr(one, n), getattr(other, n), equal_nan=True, **CLOSE) for n in ("rate", "error"))
    return all(planes) and np.array_equal(one.dq, other.dq)


CHECKS = (
    _check_result,
    _check_integers,
    _check_pedestal,
    _check_ramp_order,
    _check_unusable_reads,
    _check_flagged_jumps,
    _check_hopeless_pixels,
    _check_jumps,
    _check_arguments,
)
