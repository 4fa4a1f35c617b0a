"""Pipeline `calibrate_flat`: relative response from flats with the lamp on and off."""

from __future__ import annotations

from typing import Any, ClassVar

from iris_reduction.calibration import combine_darks, combine_flats
from iris_reduction.datamodel import ReferenceModel
from iris_reduction.pipelines.calibration import CalibrationPipeline
from iris_reduction.pipelines.level1 import Level1Pipeline
from iris_reduction.steps.ipc import IpcStep

__all__ = ["FlatPipeline"]


class FlatPipeline(CalibrationPipeline):
    """(On - off), all levels combined, median 1.

    Without coupling (`ipc`, off by default) for images that have had theirs undone: a coupled flat is
    smoother than the response by a twentieth of its contrast between pixels.
    """

    class_alias = "calibrate_flat"
    kind = "flat"
    not_treated = (
        "lamp illumination (taken as uniform, as designed); gain error, common to an output; IPC, unless undone"
    )
    step_defs: ClassVar[dict[str, Any]] = {**Level1Pipeline.step_defs, "ipc": IpcStep}

    def process(self, init: Any) -> ReferenceModel:
        """Return the flat."""
        members = self.open_set(init)
        on, off = members.select("flat_on"), members.select("flat_off")
        lit = self.reduce(on)
        unlit = combine_darks([image.planes for image in self.reduce(off)])
        response, error, dq = combine_flats([image.planes for image in lit], unlit)
        content = {"DATA": response, "ERR": error, "DQ": dq}
        return self.make_reference(members, [*on, *off], content, lit[0].header)
