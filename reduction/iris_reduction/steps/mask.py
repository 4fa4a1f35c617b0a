"""Step `mask`: start the data-quality plane from the bad pixel map, the reference border and the guide window."""

from __future__ import annotations

from typing import Any, ClassVar

from iris_contract.frames import read_guide_window
from iris_reduction.datamodel import RampModel
from iris_reduction.kernels import flag_guide_window, initialise_quality
from iris_reduction.steps.step import IrisStep

__all__ = ["MaskStep"]


class MaskStep(IrisStep):
    """Flag permanent defects; with ``override_mask=N/A`` only the reference border and the guide window."""

    class_alias = "mask"
    status = "S_DQ"
    reference_file_types: ClassVar[list[str]] = ["mask"]

    def process(self, init: Any) -> RampModel:
        """Return the ramp with its pixel flags."""
        model = self.open(init, RampModel)
        reference = self.read_reference(model, "mask")
        border = model.region.reference_pixels(model.detector)
        dq = initialise_quality(border, None if reference is None else reference.content["DQ"])
        window = read_guide_window(model.header, model.filename)
        if window is not None:
            flag_guide_window(dq, window.cut_from(model.region))
        cards = {"S_DQ": "COMPLETE", "S_BPM": "SKIPPED" if reference is None else "COMPLETE"}
        return model.evolve(cards, dq=model.dq | dq)
