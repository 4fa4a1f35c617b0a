"""Conversion gain from flats: one file per method, behind one protocol.

`GAIN_ESTIMATORS` maps names to methods; installed packages add theirs through the entry-point group
`iris_testbed.gain`. To add one here: write its file with a function of the same name that follows
`GainEstimator`, and add the name to `plugins.BUILT_IN`.
"""

from iris_reduction.gain.plugins import GAIN_ESTIMATORS, GAIN_FAMILY, load_gain_estimators
from iris_reduction.gain.protocol import FlatRamps, GainEstimator

__all__ = ["GAIN_ESTIMATORS", "GAIN_FAMILY", "FlatRamps", "GainEstimator", "load_gain_estimators"]
