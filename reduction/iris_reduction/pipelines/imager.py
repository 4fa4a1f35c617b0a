"""Pipeline `imager`: raw ramps to a level 2 image in one go."""

from __future__ import annotations

from typing import Any, ClassVar

from iris_reduction.datamodel import ImageModel
from iris_reduction.pipelines.level1 import Level1Pipeline
from iris_reduction.pipelines.level2 import Level2Pipeline, promote
from iris_reduction.pipelines.pipeline import IrisPipeline

__all__ = ["ImagerPipeline"]


class ImagerPipeline(IrisPipeline):
    """All Steps of level 1 and level 2."""

    class_alias = "imager"
    step_defs: ClassVar[dict[str, Any]] = {**Level1Pipeline.step_defs, **Level2Pipeline.step_defs}

    def process(self, init: Any) -> ImageModel:
        """Return the level 2 image."""
        return promote(super().process(init))
