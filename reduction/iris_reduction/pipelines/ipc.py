"""Pipeline `calibrate_ipc`: links between neighbouring pixels from flat exposures at several levels."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from iris_contract.dq import has
from iris_contract.errors import InputError
from iris_reduction.calibration.ipc import fit_links, measure_covariances
from iris_reduction.datamodel import ReferenceModel
from iris_reduction.pipelines.calibration import CalibrationPipeline
from iris_reduction.steps.saturation import SaturationStep

__all__ = ["IpcPipeline"]


class IpcPipeline(CalibrationPipeline):
    """Covariances of neighbours; needs nothing but raw flats, and leaves out by itself what is no good pixel."""

    class_alias = "calibrate_ipc"
    kind = "ipc"
    not_treated = "coupling that depends on the signal; single defects"
    step_defs: ClassVar[dict[str, Any]] = {"saturation": SaturationStep}

    def process(self, init: Any) -> ReferenceModel:
        """Return the links of each pixel to its right, upper and both upper corner neighbours, with their errors."""
        members = self.open_set(init)
        files = members.select("flat_on", "flat_off")
        found = []
        for path in files:
            ramp = self.correct(path)
            usable = ~has(ramp.dq, "NON_SCIENCE")
            if ramp.read_dq is not None:
                usable &= ~ramp.read_dq.any(axis=(2, 3))
            try:
                found.append(measure_covariances(ramp.reads, usable, ramp.region.output_of_column(ramp.detector)))
            except InputError as error:
                raise InputError(error.problem, file=path, key=error.key, value=error.value) from None
            header, region, border = ramp.header, ramp.region, has(ramp.dq, "REFERENCE_PIXEL")[:, :, None]
            del ramp  # or it would stay while the next one is read
        try:
            field = fit_links(found, region.shape)
        except InputError as error:
            raise InputError(error.problem, file=files[0], key=error.key, value=error.value) from None
        content = {"DATA": np.where(border, np.float32(0), field.links), "ERR": field.errors}
        return self.make_reference(members, files, content, header)
