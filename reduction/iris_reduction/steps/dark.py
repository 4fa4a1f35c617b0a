"""Step `dark`: subtract the master dark from a rate image."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from iris_contract.dq import has
from iris_reduction.datamodel import ImageModel
from iris_reduction.kernels import subtract_dark
from iris_reduction.steps.step import IrisStep

__all__ = ["DarkStep"]


class DarkStep(IrisStep):
    """Subtract the dark rate; its variance is added and its flags are taken over."""

    class_alias = "dark"
    status = "S_DARK"
    reference_file_types: ClassVar[list[str]] = ["dark"]

    def process(self, init: Any) -> ImageModel:
        """Return the rate image without dark; unchanged, and marked so, for the override N/A."""
        model = self.open(init, ImageModel)
        reference = self.read_reference(model, "dark")
        if reference is None:
            return model.evolve({"S_DARK": "SKIPPED"})
        dark = reference.content
        data, err = subtract_dark(model.data, model.err, dark["DATA"], dark["ERR"])
        dq = model.dq | dark["DQ"]
        border = has(dq, "REFERENCE_PIXEL")
        data, err = np.where(border, np.float32(0), data), np.where(border, np.float32(0), err)
        read = None
        if model.var_read is not None:
            read = np.where(border, np.float32(0), model.var_read + dark["ERR"] ** 2)
        return model.evolve({"S_DARK": "COMPLETE"}, data=data, err=err, dq=dq, var_read=read)
