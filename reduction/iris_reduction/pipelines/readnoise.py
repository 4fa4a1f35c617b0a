"""Pipeline `calibrate_readnoise`: noise of a single read from darks."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from iris_contract import DQ
from iris_reduction.calibration import estimate_read_noise, measure_read_variance
from iris_reduction.datamodel import ReferenceModel
from iris_reduction.pipelines.calibration import CalibrationPipeline
from iris_reduction.steps.reference_pixel import ReferencePixelStep
from iris_reduction.steps.saturation import SaturationStep

__all__ = ["ReadnoisePipeline"]


class ReadnoisePipeline(CalibrationPipeline):
    """Read-to-read differences of darks, in e- by the gain reference."""

    class_alias = "calibrate_readnoise"
    kind = "readnoise"
    not_treated = "1/f noise; telegraph noise"
    spec = "override_gain = is_string_or_datamodel(default=None)  # Override the gain reference file"
    step_defs: ClassVar[dict[str, Any]] = {"saturation": SaturationStep, "reference_pixel": ReferencePixelStep}

    def process(self, init: Any) -> ReferenceModel:
        """Return the read noise reference, quantisation noise included."""
        members = self.open_set(init)
        files = members.select("dark")
        sums: list[Any] = []
        for path in files:
            ramp = self.correct(path)
            gain = self.need_reference(ramp, "gain").content["DATA"]
            variance, poisson, number = measure_read_variance(ramp.reads, ramp.times, gain)
            sums.append((variance * number, poisson * number, number))
        variance, poisson, number = np.sum(sums, axis=0)
        weight = np.maximum(number, 1)
        outputs = ramp.region.output_of_column(ramp.detector)
        noise, error = estimate_read_noise(variance / weight, poisson / weight, number, outputs)
        dq = ramp.dq & np.uint32(DQ["REFERENCE_PIXEL"] | DQ["NON_SCIENCE"])
        return self.make_reference(members, files, {"DATA": noise, "ERR": error, "DQ": dq}, ramp.header)
