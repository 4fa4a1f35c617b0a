"""Pipeline `calibrate_mask`: bad pixel map from darks and flats."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from iris_contract import DQ
from iris_contract.dq import has
from iris_reduction.calibration import classify_pixels, combine_darks, combine_flats, find_bad_reference_pixels
from iris_reduction.calibration.telegraph import find_telegraph_pixels
from iris_reduction.datamodel import ReferenceModel
from iris_reduction.kernels import UNUSABLE_CLASSES
from iris_reduction.pipelines.calibration import CalibrationPipeline
from iris_reduction.steps.ipc import IpcStep
from iris_reduction.steps.ramp_fit import RampFitStep
from iris_reduction.steps.reference_pixel import ReferencePixelStep
from iris_reduction.steps.saturation import SaturationStep

__all__ = ["MaskPipeline"]


class MaskPipeline(CalibrationPipeline):
    """Classes by the design's limits on dark rate and response; no map is needed to make one.

    Without coupling (`ipc`, off by default), which lifts dead pixels into LOW_QE and neighbours of hot ones into WARM.
    """

    class_alias = "calibrate_mask"
    kind = "mask"
    not_treated = "telegraph noise, unless it is looked for; IPC, unless undone"
    spec = "telegraph = boolean(default=False)  # Look for pixels that switch between two levels"
    step_defs: ClassVar[dict[str, Any]] = {
        "saturation": SaturationStep,
        "reference_pixel": ReferencePixelStep,
        "ramp_fit": RampFitStep,
        "ipc": IpcStep,
    }

    def process(self, init: Any) -> ReferenceModel:
        """Return the bad pixel map: class bits, and DO_NOT_USE for the classes that cannot be used."""
        members = self.open_set(init)
        darks, bad_reference, switching = [], [], []
        for path in members.select("dark"):
            ramp = self.correct(path)
            outputs, border = ramp.region.output_of_column(ramp.detector), has(ramp.dq, "REFERENCE_PIXEL")
            bad_reference.append(find_bad_reference_pixels(ramp.reads, border, outputs))
            if self.telegraph:
                gain = self.need_reference(ramp, "gain").content["DATA"]
                switching.append(find_telegraph_pixels(ramp.reads, ramp.times, gain, ~border, outputs))
            detector, image = ramp.detector, self.fit(ramp)
            header = image.header
            darks.append(image.planes)
            del ramp, image  # or they would stay while the next one is read
        on = [image.planes for image in self.reduce(members.select("flat_on"))]
        off = combine_darks([image.planes for image in self.reduce(members.select("flat_off"))])
        saturated = np.bitwise_or.reduce([frame.dq for frame in darks]) & np.uint32(DQ["SATURATED"])
        dark, _, dark_dq = combine_darks(darks)
        response, _, response_dq = combine_flats(on, off)
        dq = classify_pixels(dark, dark_dq | saturated, response, response_dq, detector)
        dq[np.any(bad_reference, axis=0)] |= np.uint32(DQ["BAD_REF_PIXEL"])
        if switching:
            switches = np.any(switching, axis=0)
            dq[switches] |= np.uint32(DQ["TELEGRAPH"])
            dq[switches] &= ~np.uint32(DQ["WARM"])  # what looks like dark current is the levels
        dq[border] |= np.uint32(DQ["REFERENCE_PIXEL"] | DQ["NON_SCIENCE"])
        dq[has(dq, *UNUSABLE_CLASSES)] |= np.uint32(DQ["DO_NOT_USE"])
        return self.make_reference(members, members.files, {"DQ": dq}, header)
