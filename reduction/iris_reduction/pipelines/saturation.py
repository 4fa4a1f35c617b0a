"""Pipeline `calibrate_saturation`: the level of each pixel from flats that fill the wells."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from iris_contract import DQ
from iris_contract.dq import has
from iris_contract.errors import InputError
from iris_reduction.calibration.saturation import find_plateaus, measure_levels
from iris_reduction.datamodel import RampModel, ReferenceModel
from iris_reduction.pipelines.calibration import CalibrationPipeline

__all__ = ["SaturationPipeline"]


class SaturationPipeline(CalibrationPipeline):
    """Plateaus of raw ramps; needs nothing but flats, and comes before all else."""

    class_alias = "calibrate_saturation"
    kind = "saturation"
    not_treated = "gradual saturation"
    step_defs: ClassVar[dict[str, Any]] = {}

    def process(self, init: Any) -> ReferenceModel:
        """Return the saturation reference: raw DN; DO_NOT_USE marks levels that are guesses, not measured."""
        members = self.open_set(init)
        files = members.select("flat_on")
        plateaus = []
        for path in files:
            ramp = self.open(path, RampModel)
            plateaus.append(find_plateaus(np.asarray(ramp.reads)))
            ramp = ramp.evolve(reads=ramp.reads[:0].copy())  # or they would stay while the next ones are read
        dq = ramp.dq & np.uint32(DQ["REFERENCE_PIXEL"] | DQ["NON_SCIENCE"])
        usable = ~has(dq, "NON_SCIENCE")
        try:
            level, measured = measure_levels(plateaus, usable, ramp.region.output_of_column(ramp.detector))
        except InputError as error:
            raise InputError(error.problem, file=files[0], key=error.key, value="FLAT") from None
        level = np.minimum(level, np.float32(ramp.detector.full_scale))
        level[~usable] = ramp.detector.full_scale
        dq[usable & ~measured] |= np.uint32(DQ["DO_NOT_USE"])
        return self.make_reference(members, files, {"DATA": level, "DQ": dq}, ramp.header)
