"""What a plug-in returns against its protocol is said under its name, with what the protocol wants."""

from typing import Any

import numpy as np
import pytest

from iris_contract.errors import InputError
from iris_reduction.family import Family
from iris_reduction.gain import GAIN_FAMILY
from iris_reduction.linearity import LINEARITY_FAMILY, LinearityFit
from iris_reduction.ramp import RAMP_FAMILY, RampFit
from iris_reduction.read_noise import READ_NOISE_FAMILY
from iris_reduction.reference_pixel import REFERENCE_PIXEL_FAMILY
from iris_reduction.snowball import SNOWBALL_FAMILY, Patch

SHAPE, CUBE = (4, 6), (4, 6, 2, 5)
OUTPUTS = np.array([0, 0, 0, 1, 1, 1])
FLOAT, FLAGS = np.ones(SHAPE, np.float32), np.zeros(SHAPE, np.uint32)
COEFFS = np.ones((*SHAPE, 3), np.float32)


def make_patch(**change: Any) -> list[Patch]:
    honest = Patch(1, 2, slice(0, 2), slice(3, 6), np.ones((2, 3), np.bool_))
    return [honest, honest._replace(**change)]


GOOD = [
    (RAMP_FAMILY, CUBE, RampFit(FLOAT, FLOAT, FLAGS, FLOAT, None)),
    (GAIN_FAMILY, OUTPUTS, {0: (2.0, 0.1), 1: (np.float32(2), np.float64(np.nan))}),
    (READ_NOISE_FAMILY, SHAPE, (FLOAT, FLOAT)),
    (LINEARITY_FAMILY, SHAPE, LinearityFit(COEFFS, COEFFS, FLAGS)),
    (REFERENCE_PIXEL_FAMILY, CUBE, np.ones(CUBE, np.float32)),
    (SNOWBALL_FAMILY, CUBE, make_patch()),
]
BROKEN = [
    (RAMP_FAMILY, CUBE, FLOAT, "float32 (4, 6), where RampFitter wants a RampFit"),
    (RAMP_FAMILY, CUBE, RampFit(FLOAT.T, FLOAT, FLAGS, FLOAT, None), "rate as float32 (6, 4), where RampFitter wants"),
    (
        RAMP_FAMILY,
        CUBE,
        RampFit(FLOAT, FLOAT, FLAGS, None, None),
        "chi2 as None, where RampFitter wants float32 (4, 6)",
    ),
    (GAIN_FAMILY, OUTPUTS, {0: (2.0, 0.1)}, "no gain of output 1, where GainEstimator wants a mapping of output"),
    (GAIN_FAMILY, OUTPUTS, {0: (2.0, 0.1), 1: 2.0}, "2.0 of output 1, where"),
    (GAIN_FAMILY, OUTPUTS, {0: (2.0, 0.1), 1: (2.0, None)}, "(2.0, None) of output 1, where"),
    (READ_NOISE_FAMILY, SHAPE, FLOAT, "float32 (4, 6), where ReadNoiseEstimator wants noise and error, float32 (4, 6)"),
    (READ_NOISE_FAMILY, SHAPE, (FLOAT, FLOAT[:2]), "error as float32 (2, 6), where ReadNoiseEstimator wants"),
    (READ_NOISE_FAMILY, SHAPE, (FLOAT.astype("f8"), FLOAT), "noise as float64 (4, 6), where"),
    (LINEARITY_FAMILY, SHAPE, LinearityFit(FLOAT, COEFFS, FLAGS), "coeffs as float32 (4, 6), where LinearityFitter"),
    (LINEARITY_FAMILY, SHAPE, LinearityFit(COEFFS, COEFFS[..., :2], FLAGS), "errors as float32 (4, 6, 2), where"),
    (REFERENCE_PIXEL_FAMILY, CUBE, np.ones(CUBE, np.uint16), "reads as uint16 (4, 6, 2, 5), where ReferencePixel"),
    (SNOWBALL_FAMILY, CUBE, [3], "a list with int, where SnowballFinder wants a list of Patch"),
    (SNOWBALL_FAMILY, CUBE, make_patch(rows=slice(3, 5)), "a patch with rows slice(3, 5, None), where SnowballFinder"),
    (SNOWBALL_FAMILY, CUBE, make_patch(read=0), "read 0, where SnowballFinder wants a group below 2 and a read from 1"),
    (
        SNOWBALL_FAMILY,
        CUBE,
        make_patch(rows=slice(0, 1)),
        "a mask as bool (2, 3), where SnowballFinder wants bool (1, 3)",
    ),
]


@pytest.fixture
def call(monkeypatch):
    """Offer a family a plug-in that gives `result`, or raises it, and call it."""

    def call(family: Family[Any], like: Any, result: Any) -> Any:
        def mine(*arguments: Any, **options: Any) -> Any:
            if isinstance(result, BaseException):
                raise result
            return result

        monkeypatch.setattr(Family, "load", lambda self: {**self.built_in, "mine": mine})
        return family.guard("mine", "method", like)()

    return call


@pytest.mark.parametrize(("family", "like", "result"), GOOD, ids=[family.title for family, *_ in GOOD])
def test_honest_results_pass_and_nothing_at_all_does_not(call, family, like, result):
    assert call(family, like, result) is result
    with pytest.raises(RuntimeError, match=rf"^{family.title} mine returned .*None, where {family.protocol} wants "):
        call(family, like, None)
    with pytest.raises(RuntimeError, match=rf"^{family.title} mine: ZeroDivisionError: of mine$"):
        call(family, like, ZeroDivisionError("of mine"))
    with pytest.raises(InputError, match="no such file"):  # of the files that it asked for, not of the plug-in
        call(family, like, InputError("no such file"))


@pytest.mark.parametrize(("family", "like", "result", "said"), BROKEN, ids=[said[:40] for *_, said in BROKEN])
def test_broken_results_are_told_with_what_the_protocol_wants(call, family, like, result, said):
    with pytest.raises(RuntimeError) as caught:
        call(family, like, result)
    assert str(caught.value).startswith(f"{family.title} mine returned ")
    assert said in str(caught.value)


def test_built_in_algorithms_are_called_as_they_are():
    for family, like, _ in GOOD:
        for name, algorithm in family.built_in.items():
            assert family.guard(name, "method", like) is algorithm
