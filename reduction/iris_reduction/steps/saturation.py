"""Step `saturation`: flag saturated reads, and all later ones of their ramp, on raw DN."""

from __future__ import annotations

from typing import Any

from iris_contract.errors import InputError
from iris_reduction.datamodel import RampModel
from iris_reduction.kernels import flag_saturation
from iris_reduction.steps.step import IrisStep

__all__ = ["SaturationStep"]


class SaturationStep(IrisStep):
    """Flag reads at or above the design's saturation level (or `level`, in DN)."""

    class_alias = "saturation"
    status = "S_SAT"
    spec = "level = float(min=0, default=None)  # Raw DN from which a read is saturated; default: the design's"

    def process(self, init: Any) -> RampModel:
        """Return the ramp with its read flags; raise InputError after reference subtraction."""
        model = self.open(init, RampModel)
        for status in ("S_REF", "S_LIN"):
            if model.header.get(status) == "COMPLETE":
                problem = "saturation is judged on raw DN: it comes before reference subtraction and linearity"
                raise InputError(problem, file=model.filename, key=status, value="COMPLETE")
        level = model.detector.saturation_level if self.level is None else self.level
        return model.evolve({"S_SAT": "COMPLETE"}, read_dq=flag_saturation(model.reads, level))
