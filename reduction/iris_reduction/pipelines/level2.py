"""Pipeline `level2`: a rate image to an image without dark and relative response."""

from __future__ import annotations

from typing import Any, ClassVar

from iris_contract.errors import LayoutError
from iris_reduction.datamodel import ImageModel
from iris_reduction.pipelines.pipeline import IrisPipeline
from iris_reduction.steps.dark import DarkStep
from iris_reduction.steps.flat import FlatStep
from iris_reduction.steps.ipc import IpcStep

__all__ = ["Level2Pipeline", "promote"]


class Level2Pipeline(IrisPipeline):
    """Dark subtraction, interpixel capacitance (off by default), flat division."""

    class_alias = "level2"
    step_defs: ClassVar[dict[str, Any]] = {"dark": DarkStep, "ipc": IpcStep, "flat": FlatStep}

    def process(self, init: Any) -> ImageModel:
        """Return the level 2 image."""
        return promote(super().process(init))


def promote(model: Any) -> ImageModel:
    """Return a corrected rate image as a level 2 image: the planes of the ramp fit stay behind."""
    if not isinstance(model, ImageModel):
        raise LayoutError("level 2 takes a rate image", file=model.filename, key="DATAMODL")
    return model.evolve(
        {"DATAMODL": "ImagerModel", "DATALVL": 2}, chi2=None, jumps=None, var_poisson=None, var_read=None
    )
