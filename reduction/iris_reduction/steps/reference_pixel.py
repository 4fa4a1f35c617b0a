"""Step `reference_pixel`: subtract the drift of each output, measured on its reference pixels."""

from __future__ import annotations

from typing import Any

from iris_contract.dq import has
from iris_reduction.datamodel import RampModel
from iris_reduction.kernels import measure_reference_levels, subtract_reference_levels
from iris_reduction.steps.step import IrisStep

__all__ = ["ReferencePixelStep"]


class ReferencePixelStep(IrisStep):
    """Subtract output levels; a region without usable reference pixels passes with S_REF = SKIPPED."""

    class_alias = "reference_pixel"
    status = "S_REF"

    def process(self, init: Any) -> RampModel:
        """Return the ramp as float32 DN, or as it was where there is nothing to measure levels on."""
        model = self.open(init, RampModel)
        region, detector = model.region, model.detector
        usable = region.reference_pixels(detector) & ~has(model.dq, "BAD_REF_PIXEL")
        if not usable.any():
            return model.evolve({"S_REF": "SKIPPED"})
        outputs = region.output_of_column(detector)
        levels = measure_reference_levels(model.reads, model.times, usable, outputs)
        reads = subtract_reference_levels(model.reads, levels, outputs)
        return model.evolve({"S_REF": "COMPLETE"}, reads=reads)
