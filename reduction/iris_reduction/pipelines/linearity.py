"""Pipeline `calibrate_linearity`: coefficients of each pixel from bright flat exposures."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from iris_contract import DQ
from iris_contract.dq import has
from iris_contract.errors import InputError
from iris_reduction.datamodel import RampModel, ReferenceModel
from iris_reduction.linearity import LINEARITY_FAMILY, FlatRamps
from iris_reduction.pipelines.calibration import CalibrationPipeline
from iris_reduction.steps.reference_pixel import ReferencePixelStep
from iris_reduction.steps.saturation import SaturationStep

__all__ = ["LinearityPipeline"]


class LinearityPipeline(CalibrationPipeline):
    """Ramps that go beyond 80 % of the well, by any method that the linearity family knows; needs raw flats only."""

    class_alias = "calibrate_linearity"
    kind = "linearity"
    not_treated = "lamp drift within a ramp; dependence on flux; IPC"
    spec = f"""
    method = option({LINEARITY_FAMILY.list_choices()}, default='common_shape')  # Linearity fitter
    skip_first = integer(min=0, default=1)  # First reads of a ramp that are left out, for they are still settling
    """
    step_defs: ClassVar[dict[str, Any]] = {"saturation": SaturationStep, "reference_pixel": ReferencePixelStep}

    def process(self, init: Any) -> ReferenceModel:
        """Return the linearity reference; raises InputError where the flats do not allow one."""
        from iris_reduction.linearity.correction import find_norm  # here, since it imports numba

        members = self.open_set(init)
        files = members.select("flat_on")
        ramps = [self.correct(path) for path in files]
        border = ramps[0].dq & np.uint32(DQ["REFERENCE_PIXEL"] | DQ["NON_SCIENCE"])
        usable = ~has(border, "NON_SCIENCE")
        exposures = [self._cut(ramp) for ramp in ramps]
        norm = find_norm(exposures, usable)
        if not norm > 0:
            raise InputError("the flats show no signal", file=files[0], key="CALLAMP", value="FLAT")
        try:
            fit = LINEARITY_FAMILY.find(self.method, "method")(exposures, usable, norm=norm)
        except InputError as error:
            raise InputError(error.problem, file=files[0], key=error.key, value=error.value) from None
        content = {"COEFFS": fit.coeffs, "COEFFS_ERR": fit.errors, "DQ": border | fit.dq}
        model = self.make_reference(members, files, content, ramps[0].header)
        return model.evolve({"LINNORM": norm, "LINFIT": self.method})

    def _cut(self, ramp: RampModel) -> FlatRamps:
        first = self.skip_first
        if ramp.reads.shape[3] < first + 3:
            problem = f"needs three reads after the first {first}"
            raise InputError(problem, file=ramp.filename, key="NREADS", value=ramp.reads.shape[3])
        flags = None if ramp.read_dq is None else ramp.read_dq[..., first:]
        return FlatRamps(ramp.reads[..., first:], ramp.times[:, first:], flags)
