"""Pipeline `level2_lenslet`: a rate image of the lenslet spectrograph with lenslet and wavelength of each pixel."""

from __future__ import annotations

from typing import Any, ClassVar

from iris_contract.errors import LayoutError
from iris_reduction.datamodel import ImageModel
from iris_reduction.pipelines.pipeline import IrisPipeline
from iris_reduction.steps.dark import DarkStep
from iris_reduction.steps.wavelength import WavelengthStep

__all__ = ["Level2LensletPipeline"]


class Level2LensletPipeline(IrisPipeline):
    """Dark subtraction and wavelengths; not yet the flat field of the lenslets, nor their spectra."""

    class_alias = "level2_lenslet"
    step_defs: ClassVar[dict[str, Any]] = {"dark": DarkStep, "wavelength": WavelengthStep}

    def process(self, init: Any) -> ImageModel:
        """Return the level 2 frame; raises LayoutError without wavelengths."""
        given = self.open_model(str(init)) if not isinstance(init, ImageModel) else init
        if given.header.get("DATALVL") != 1:
            level = given.header.get("DATALVL")
            raise LayoutError("takes a rate image, level 1", file=given.filename, key="DATALVL", value=level)
        model = super().process(given)
        if not isinstance(model, ImageModel) or model.wavelength is None:
            raise LayoutError("the Step wavelength cannot be left out", file=model.filename, key="S_WAVE")
        cards = {"DATAMODL": "LensletModel", "DATALVL": 2}
        return model.evolve(cards, chi2=None, jumps=None, var_poisson=None, var_read=None)
