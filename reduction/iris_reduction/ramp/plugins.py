"""The ramp fitters by name: built-in ones, and those of installed packages."""

from __future__ import annotations

from collections.abc import Mapping

from iris_reduction.family import Family, LoadFailure
from iris_reduction.ramp.protocol import RampFitter, compare_result

__all__ = ["BUILT_IN", "RAMP_FAMILY", "RAMP_FITTERS", "LoadFailure", "load_ramp_fitters"]

BUILT_IN = ("cds", "mcds", "ols", "gls")

RAMP_FAMILY: Family[RampFitter] = Family(
    "iris_reduction.ramp",
    "ramp fitter",
    "RampFitter",
    "iris_testbed.ramp",
    BUILT_IN,
    lambda bind: bind(None, None, gain=None, read_noise=None, read_dq=None, jump_sigma=4.5),
    compare_result,
)

RAMP_FITTERS: Mapping[str, RampFitter] = RAMP_FAMILY.built_in
"""The built-in fitters."""


def load_ramp_fitters() -> Mapping[str, RampFitter | LoadFailure]:
    """Return the built-in fitters and the plugins by name; whether they are right is for `check_ramp_fitter`."""
    return RAMP_FAMILY.load()
