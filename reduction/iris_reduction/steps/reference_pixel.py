"""Step `reference_pixel`: subtract what the reference pixels tell of the outputs' noise, by any method."""

from __future__ import annotations

from typing import Any

import numpy as np

from iris_contract.dq import has
from iris_reduction.datamodel import RampModel
from iris_reduction.reference_pixel import REFERENCE_PIXEL_FAMILY
from iris_reduction.steps.step import IrisStep

__all__ = ["ReferencePixelStep"]


class ReferencePixelStep(IrisStep):
    """Subtract the outputs' noise; a region without usable reference pixels passes with S_REF = SKIPPED."""

    class_alias = "reference_pixel"
    status = "S_REF"
    spec = f"""
    method = option({REFERENCE_PIXEL_FAMILY.list_choices()}, default='mean')  # Reference pixel correction
    """

    def process(self, init: Any) -> RampModel:
        """Return the ramp as float32 DN, or as it was where there is nothing to measure on.

        Raises InputError for an unknown method.
        """
        model = self.open(init, RampModel)
        correct = REFERENCE_PIXEL_FAMILY.guard(self.method, "method", model.reads.shape)
        region, detector = model.region, model.detector
        border = region.reference_pixels(detector)
        usable = border & ~has(model.dq, "BAD_REF_PIXEL")
        if not usable.any():
            return model.evolve({"S_REF": "SKIPPED"})
        columns = np.arange(region.xsize) + region.xstart - 1
        outputs = region.output_of_column(detector)
        reads = correct(model.reads, model.times, border=border, usable=usable, outputs=outputs, columns=columns)
        return model.evolve({"S_REF": "COMPLETE", "REFMETH": self.method}, reads=reads)
