"""Pipeline `calibrate_dark`: master dark."""

from __future__ import annotations

from typing import Any

from iris_reduction.calibration import combine_darks
from iris_reduction.datamodel import ReferenceModel
from iris_reduction.pipelines.calibration import CalibrationPipeline

__all__ = ["DarkPipeline"]


class DarkPipeline(CalibrationPipeline):
    """Rates of darks, ramps of one exposure combined by the fitter, exposures by inverse variance."""

    class_alias = "calibrate_dark"
    kind = "dark"
    not_treated = "noise common to an output; glow; persistence"

    def process(self, init: Any) -> ReferenceModel:
        """Return the master dark."""
        members = self.open_set(init)
        files = members.select("dark")
        images = self.reduce(files)
        rate, error, dq = combine_darks([image.planes for image in images])
        return self.make_reference(members, files, {"DATA": rate, "ERR": error, "DQ": dq}, images[0].header)
