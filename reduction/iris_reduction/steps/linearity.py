"""Step `linearity`: give each read the signal that a linear detector would have shown."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from iris_contract.dq import DQ
from iris_contract.errors import InputError, ReferenceFileError
from iris_reduction.datamodel import RampModel
from iris_reduction.steps.step import IrisStep

__all__ = ["LinearityStep"]


class LinearityStep(IrisStep):
    """Correct by the coefficients of each pixel; in pipelines off unless `skip` is set to False.

    NONLINEAR marks pixels that the reference could not measure, or whose signal exceeds what it covers.
    """

    class_alias = "linearity"
    status = "S_LIN"
    spec = """
    skip = boolean(default=True)  # Skip this step
    skip_first = integer(min=0, default=0)  # First reads of a ramp, still settling, on which no pedestal rests
    """
    reference_file_types: ClassVar[list[str]] = ["linearity"]

    def process(self, init: Any) -> RampModel:
        """Return the ramp as float32 DN; unchanged, and marked so, for the override N/A."""
        from iris_reduction.linearity.correction import straighten  # here, since it imports numba

        model = self.open(init, RampModel)
        reference = self.read_reference(model, "linearity")
        if reference is None:
            return model.evolve({"S_LIN": "SKIPPED"})
        if self.skip_first > model.reads.shape[3] - 2:
            raise InputError("leaves less than two reads", file=model.filename, key="skip_first", value=self.skip_first)
        norm = reference.header.get("LINNORM")
        if not isinstance(norm, float) or not 0 < norm < np.inf:
            raise ReferenceFileError("must be the signal in DN that coefficients refer to", key="LINNORM", value=norm)
        content = reference.content
        reads, beyond = straighten(model.reads, model.times, content["COEFFS"], norm, model.read_dq, self.skip_first)
        nonlinear = np.uint32(DQ["NONLINEAR"])
        dq = model.dq | (content["DQ"] & nonlinear) | np.where(beyond, nonlinear, np.uint32(0))
        return model.evolve({"S_LIN": "COMPLETE"}, reads=reads, dq=dq)
