"""Pipeline `calibrate_readnoise`: noise of a single read from darks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from iris_contract import DQ
from iris_contract.errors import InputError
from iris_reduction.datamodel import Model, RampModel, ReferenceModel
from iris_reduction.pipelines.calibration import CalibrationPipeline
from iris_reduction.read_noise import READ_NOISE_FAMILY, DarkRamps
from iris_reduction.steps.reference_pixel import ReferencePixelStep
from iris_reduction.steps.saturation import SaturationStep

__all__ = ["ReadnoisePipeline"]


class ReadnoisePipeline(CalibrationPipeline):
    """Noise of darks, in e- by the gain reference."""

    class_alias = "calibrate_readnoise"
    kind = "readnoise"
    not_treated = "1/f noise, unless the method says effective; telegraph noise"
    spec = f"""
    method = option({READ_NOISE_FAMILY.list_choices()}, default='differences')  # Read noise estimator
    override_gain = is_string_or_datamodel(default=None)  # Override the gain reference file
    """
    step_defs: ClassVar[dict[str, Any]] = {"saturation": SaturationStep, "reference_pixel": ReferencePixelStep}

    def process(self, init: Any) -> ReferenceModel:
        """Return the read noise reference, quantisation noise included."""
        members = self.open_set(init)
        files = members.select("dark")
        first = Model(members.headers[0], files[0].name)
        estimate = READ_NOISE_FAMILY.guard(self.method, "method", first.region.shape)
        ramps: list[RampModel] = []

        def read_darks() -> Iterator[DarkRamps]:
            for path in files:
                ramp = self.correct(path)
                gain = self.need_reference(ramp, "gain").content["DATA"]
                ramps[:] = [replace(ramp, reads=ramp.reads[:0].copy(), read_dq=None)]  # header and flags, not the cube
                dark = DarkRamps(ramp.reads, ramp.times, gain)
                del ramp  # or it would stay while the next one is read
                yield dark
                del dark

        try:
            noise, error = estimate(read_darks(), first.region.output_of_column(first.detector))
        except InputError as problem:
            file = problem.file or files[0]
            raise type(problem)(problem.problem, file=file, key=problem.key, value=problem.value) from None
        dq = ramps[0].dq & np.uint32(DQ["REFERENCE_PIXEL"] | DQ["NON_SCIENCE"])
        return self.make_reference(members, files, {"DATA": noise, "ERR": error, "DQ": dq}, ramps[0].header)
