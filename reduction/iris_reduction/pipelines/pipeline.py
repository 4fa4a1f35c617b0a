"""What the pipelines share: Steps one after another, references of their own, product names."""

from __future__ import annotations

from typing import Any

from stpipe import Pipeline, Step

from iris_reduction.datamodel import Model
from iris_reduction.steps.step import IrisStep

__all__ = ["IrisPipeline"]


class IrisPipeline(IrisStep, Pipeline):
    """A pipeline that runs its Steps in the order of `step_defs`.

    References are looked up where they are needed (a look-up costs less than a millisecond), so
    nothing is fetched beforehand and the input is opened once.
    """

    prefetch_references = False

    def process(self, init: Any) -> Model:
        """Return the result of the last Step; raises what the Steps raise."""
        model: Model = self.open_model(init)
        for name in self.step_defs:
            model = getattr(self, name).run(model)
        return model

    def get_ref_override(self, reference_file_type: str) -> Any:
        """Return the override given to the pipeline itself, or else to one of its Steps."""
        own = Step.get_ref_override(self, reference_file_type)
        return own if own is not None else super().get_ref_override(reference_file_type)

    def name_output(self, model: Model) -> str:
        """File name of the product."""
        return model.product_name
