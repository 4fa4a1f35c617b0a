"""Ramp fitting: one file per published algorithm, behind one protocol.

`RAMP_FITTERS` maps names to fitters; installed packages add theirs through the entry-point group
`iris_testbed.ramp` (see `load_ramp_fitters`). To add one here: write its file with a function of
the same name that follows `RampFitter`, and add the name to `plugins.BUILT_IN`.
"""

from iris_reduction.ramp.conformance import check_ramp_fitter
from iris_reduction.ramp.plugins import RAMP_FAMILY, RAMP_FITTERS, LoadFailure, load_ramp_fitters
from iris_reduction.ramp.protocol import JUMP_COLUMNS, RampFit, RampFitter

__all__ = [
    "JUMP_COLUMNS",
    "RAMP_FAMILY",
    "RAMP_FITTERS",
    "LoadFailure",
    "RampFit",
    "RampFitter",
    "check_ramp_fitter",
    "load_ramp_fitters",
]
