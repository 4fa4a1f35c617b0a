"""The conformance check must refuse every kind of broken fitter, and say what is broken."""

from dataclasses import replace

import numpy as np
import pytest

from iris_contract.dq import DQ
from iris_contract.errors import InputError
from iris_reduction.ramp import RAMP_FITTERS, check_ramp_fitter
from iris_reduction.ramp.protocol import JUMP_COLUMNS

GOOD = RAMP_FITTERS["ols"]


def no_result(reads, times, **options):
    return None


def wrong_type(reads, times, **options):
    fit = GOOD(reads, times, **options)
    return replace(fit, rate=fit.rate.astype(float))


def narrow_flags(reads, times, **options):
    fit = GOOD(reads, times, **options)
    return replace(fit, dq=fit.dq.astype(np.uint16))


def twice_the_rate(reads, times, **options):
    fit = GOOD(reads, times, **options)
    return replace(fit, rate=2 * fit.rate)


def wrapping(reads, times, **options):
    steps = np.diff(reads, axis=-1, prepend=reads[..., :1])
    return GOOD(steps.cumsum(axis=-1).astype(np.float32), times, **options)


def pedestal_kept(reads, times, **options):
    fit = GOOD(reads, times, **options)
    return replace(fit, error=(fit.error + reads[..., 0, 0] * 1e-3).astype(np.float32))


def first_ramp_only(reads, times, *, read_dq=None, **options):
    read_dq = None if read_dq is None else np.ascontiguousarray(read_dq[:, :, :1])
    return GOOD(np.ascontiguousarray(reads[:, :, :1]), times[:1], read_dq=read_dq, **options)


def flags_ignored(reads, times, *, read_dq=None, **options):
    return GOOD(reads, times, **options)


def jump_flags_ignored(reads, times, *, read_dq=None, **options):
    read_dq = None if read_dq is None else read_dq & np.uint8(~DQ["JUMP_DET"] & 255)
    return GOOD(reads, times, read_dq=read_dq, **options)


def silent_nan(reads, times, **options):
    fit = GOOD(reads, times, **options)
    return replace(fit, dq=fit.dq & ~np.uint32(DQ["DO_NOT_USE"]))


def zero_for_nan(reads, times, **options):
    fit = GOOD(reads, times, **options)
    return replace(fit, rate=np.nan_to_num(fit.rate))


def modifies_arguments(reads, times, *, read_noise, **options):
    read_noise /= np.float32(np.sqrt(2))
    return GOOD(reads, times, read_noise=read_noise, **options)


def unlisted_jump(reads, times, **options):
    fit = GOOD(reads, times, **options)
    return replace(fit, dq=fit.dq | np.uint32(DQ["JUMP_DET"]))


def jump_outside(reads, times, **options):
    return replace(GOOD(reads, times, **options), jumps=np.array([(99, 0, 0, 1, 1.0)], JUMP_COLUMNS))


def raises(reads, times, **options):
    raise RuntimeError("no such kernel")


BROKEN = {
    no_result: "not RampFit",
    wrong_type: "rate is float64",
    narrow_flags: "dq is uint16",
    twice_the_rate: "further than 6 error",
    wrapping: "uint16 and float32",
    pedestal_kept: "pedestal",
    first_ramp_only: "order of the ramps",
    flags_ignored: "left out",
    jump_flags_ignored: "a jump into a read with JUMP_DET",
    silent_nan: "DO_NOT_USE",
    zero_for_nan: "rate is not NaN",
    modifies_arguments: "arguments are modified",
    unlisted_jump: "disagree",
    jump_outside: "outside the cube",
    raises: "RuntimeError: no such kernel",
}


@pytest.mark.parametrize(("fitter", "words"), BROKEN.items(), ids=lambda v: getattr(v, "__name__", ""))
def test_broken_fitters_are_refused(fitter, words):
    with pytest.raises(InputError, match=words) as caught:
        check_ramp_fitter(fitter)
    assert fitter.__name__ in str(caught.value)
    assert "\n" not in str(caught.value)
