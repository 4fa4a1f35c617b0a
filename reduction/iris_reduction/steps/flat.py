"""Step `flat`: divide a rate image by the relative response."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from iris_contract.dq import DQ
from iris_reduction.datamodel import ImageModel
from iris_reduction.kernels import divide_flat
from iris_reduction.steps.step import IrisStep

__all__ = ["FlatStep"]


class FlatStep(IrisStep):
    """Divide by the flat; its variance is added and its flags are taken over."""

    class_alias = "flat"
    status = "S_FLAT"
    reference_file_types: ClassVar[list[str]] = ["flat"]

    def process(self, init: Any) -> ImageModel:
        """Return the flat-fielded image; unchanged, and marked so, for the override N/A."""
        model = self.open(init, ImageModel)
        reference = self.read_reference(model, "flat")
        if reference is None:
            return model.evolve({"S_FLAT": "SKIPPED"})
        flat = reference.content
        data, err, undivided = divide_flat(model.data, model.err, flat["DATA"], flat["ERR"])
        dq = model.dq | flat["DQ"]
        dq[undivided] |= np.uint32(DQ["DO_NOT_USE"])
        return model.evolve({"S_FLAT": "COMPLETE"}, data=data, err=err, dq=dq)
