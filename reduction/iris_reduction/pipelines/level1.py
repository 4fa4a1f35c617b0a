"""Pipeline `level1`: raw ramps to a rate image in e-/s."""

from __future__ import annotations

from typing import Any, ClassVar

from iris_reduction.pipelines.pipeline import IrisPipeline
from iris_reduction.steps.linearity import LinearityStep
from iris_reduction.steps.mask import MaskStep
from iris_reduction.steps.persistence import PersistenceStep
from iris_reduction.steps.ramp_fit import RampFitStep
from iris_reduction.steps.reference_pixel import ReferencePixelStep
from iris_reduction.steps.saturation import SaturationStep
from iris_reduction.steps.snowball import SnowballStep

__all__ = ["Level1Pipeline"]


class Level1Pipeline(IrisPipeline):
    """Bad pixels, saturation, reference pixels, linearity, snowballs, ramp fit, persistence."""

    class_alias = "level1"
    step_defs: ClassVar[dict[str, Any]] = {
        "mask": MaskStep,
        "saturation": SaturationStep,
        "reference_pixel": ReferencePixelStep,
        "linearity": LinearityStep,
        "snowball": SnowballStep,
        "ramp_fit": RampFitStep,
        "persistence": PersistenceStep,
    }
