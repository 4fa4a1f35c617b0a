"""Step `ipc`: undo interpixel capacitance in a rate image."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from iris_contract.dq import has
from iris_contract.errors import InputError
from iris_reduction.datamodel import ImageModel
from iris_reduction.kernels.ipc import deconvolve, spread_read_variance, sum_field_squares
from iris_reduction.steps.step import IrisStep

__all__ = ["IpcStep"]


class IpcStep(IrisStep):
    """Deconvolve by the links of the reference; in pipelines off unless `skip` is set to False.

    The error is carried by the variance planes that the ramp fit writes with `coupled`: photon noise
    loses its coupling and becomes white again, all other noise grows by the inverse kernel.
    """

    class_alias = "ipc"
    status = "S_IPC"
    spec = "skip = boolean(default=True)  # Skip this step"
    reference_file_types: ClassVar[list[str]] = ["ipc"]

    def process(self, init: Any) -> ImageModel:
        """Return the image as without coupling; raise InputError where it lacks the variance planes."""
        model = self.open(init, ImageModel)
        reference = self.read_reference(model, "ipc")
        if reference is None:
            return model.evolve({"S_IPC": "SKIPPED"})
        if model.var_poisson is None or model.var_read is None:
            problem = "no VAR_POISSON and VAR_READ to carry the error: fit ramps with coupled=True"
            raise InputError(problem, file=model.filename, key="DATAMODL", value=model.header.get("DATAMODL"))
        links = reference.content["DATA"]
        linked = (model.err > 0) & ~has(model.dq, "REFERENCE_PIXEL")  # the others hold no measurement
        data = deconvolve(model.data, links, linked)
        poisson = np.where(linked, model.var_poisson / sum_field_squares(links), model.var_poisson)
        read = spread_read_variance(model.var_read, links, linked)
        err = np.sqrt(poisson + read)
        return model.evolve({"S_IPC": "COMPLETE"}, data=data, err=err, var_poisson=poisson, var_read=read)
