"""Step `saturation`: flag saturated reads, and all later ones of their ramp, on raw DN."""

from __future__ import annotations

from typing import Any

from iris_contract.errors import InputError
from iris_reduction.datamodel import RampModel
from iris_reduction.kernels import flag_full_wells, flag_saturation, grow_saturation
from iris_reduction.steps.step import IrisStep

__all__ = ["SaturationStep"]


class SaturationStep(IrisStep):
    """Flag reads at or above the design's saturation level, `level` in DN, or that of each pixel.

    Levels of pixels come from the saturation reference, where `per_pixel` is set or an override is
    given. Then a pixel's loss to its neighbours counts, and reads beside saturated ones get DO_NOT_USE.
    """

    class_alias = "saturation"
    status = "S_SAT"
    spec = """
    level = float(min=0, default=None)  # Raw DN from which a read is saturated; default: the design's
    per_pixel = boolean(default=False)  # Use the saturation reference
    grow = integer(min=0, default=1)  # With it: steps to the four neighbours by which saturation spreads
    coupling = float(min=0, max=0.1, default=0.015)  # With it: share of its excess that a neighbour takes at most
    override_saturation = is_string_or_datamodel(default=None)  # Override the saturation reference file
    """

    def process(self, init: Any) -> RampModel:
        """Return the ramp with its read flags; raise InputError after reference subtraction."""
        model = self.open(init, RampModel)
        for status in ("S_REF", "S_LIN"):
            if model.header.get(status) == "COMPLETE":
                problem = "saturation is judged on raw DN: it comes before reference subtraction and linearity"
                raise InputError(problem, file=model.filename, key=status, value="COMPLETE")
        wanted = self.level is None and (self.per_pixel or self.override_saturation is not None)
        reference = self.read_reference(model, "saturation") if wanted else None
        if reference is None:
            level = model.detector.saturation_level if self.level is None else self.level
            return model.evolve({"S_SAT": "COMPLETE"}, read_dq=flag_saturation(model.reads, level))
        light = ~model.region.reference_pixels(model.detector)
        flags = flag_full_wells(model.reads, reference.content["DATA"], light, self.coupling)
        if flags is not None:
            grow_saturation(flags, self.grow)
        return model.evolve({"S_SAT": "COMPLETE"}, read_dq=flags)
