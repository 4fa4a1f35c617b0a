"""Linearity: how it is measured, one file per algorithm behind one protocol, and how it is corrected.

`LINEARITY_FITTERS` maps names to fitters; installed packages add theirs through the entry-point group
`iris_testbed.linearity`. To add one here: write its file with a function of the same name that
follows `LinearityFitter`, and add the name to `plugins.BUILT_IN`. The correction itself, which needs
numba, is in `iris_reduction.linearity.correction`.
"""

from iris_reduction.linearity.plugins import LINEARITY_FAMILY, LINEARITY_FITTERS
from iris_reduction.linearity.protocol import FlatRamps, LinearityFit, LinearityFitter

__all__ = ["LINEARITY_FAMILY", "LINEARITY_FITTERS", "FlatRamps", "LinearityFit", "LinearityFitter"]
