"""Pipeline `calibrate_gain`: conversion gain per output from flat exposures at several levels."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from iris_contract import DQ
from iris_contract.dq import has
from iris_contract.errors import InputError
from iris_reduction.calibration import TransferPoint, fit_gain, measure_photon_transfer
from iris_reduction.datamodel import RampModel, ReferenceModel
from iris_reduction.pipelines.calibration import CalibrationPipeline
from iris_reduction.steps.reference_pixel import ReferencePixelStep
from iris_reduction.steps.saturation import SaturationStep

__all__ = ["GainPipeline"]


class GainPipeline(CalibrationPipeline):
    """Photon transfer; needs nothing but raw flats, so it comes first in a night."""

    class_alias = "calibrate_gain"
    kind = "gain"
    not_treated = "interpixel capacitance; nonlinearity"
    step_defs: ClassVar[dict[str, Any]] = {"saturation": SaturationStep, "reference_pixel": ReferencePixelStep}

    def process(self, init: Any) -> ReferenceModel:
        """Return the gain reference: one value per output on all its pixels, with its error."""
        members = self.open_set(init)
        files = members.select("flat_on", "flat_off")
        levels: dict[int, list[TransferPoint]] = {}
        for path in files:
            ramp = self.correct(path)
            for output, point in _measure(ramp).items():
                levels.setdefault(output, []).append(point)
        outputs = ramp.region.output_of_column(ramp.detector)
        gain, error = np.zeros((2, *ramp.region.shape), np.float32)
        for output, points in levels.items():
            try:
                gain[:, outputs == output], error[:, outputs == output] = fit_gain(points)
            except InputError as problem:
                raise InputError(f"output {output}: {problem.problem}", file=files[0]) from None
        dq = ramp.dq & np.uint32(DQ["REFERENCE_PIXEL"] | DQ["NON_SCIENCE"])
        return self.make_reference(members, files, {"DATA": gain, "ERR": error, "DQ": dq}, ramp.header)


def _measure(ramp: RampModel) -> dict[int, TransferPoint]:
    usable: npt.NDArray[np.bool_] = ~has(ramp.dq, "NON_SCIENCE")
    if ramp.read_dq is not None:
        usable &= ~ramp.read_dq.any(axis=(2, 3))
    try:
        return measure_photon_transfer(ramp.reads, usable, ramp.region.output_of_column(ramp.detector))
    except InputError as error:
        raise InputError(error.problem, file=ramp.filename, key=error.key, value=error.value) from None
