"""Pipeline `calibrate_linearity`: coefficients of each pixel from bright flat exposures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from iris_contract import DQ
from iris_contract.dq import has
from iris_contract.errors import InputError
from iris_contract.fitsio import Header
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
        from iris_reduction.linearity.correction import find_norm, measure_highest  # here, since it imports numba

        members = self.open_set(init)
        flats = _Flats(self, members.select("flat_on"))
        highest, border = measure_highest(flats), flats.border
        usable = ~has(border, "NON_SCIENCE")
        norm = find_norm(highest, usable)
        if not norm > 0:
            raise InputError("the flats show no signal", file=flats.files[0], key="CALLAMP", value="FLAT")
        try:
            fit = LINEARITY_FAMILY.guard(self.method, "method", usable.shape)(flats, usable, norm=norm)
        except InputError as error:
            raise InputError(error.problem, file=flats.files[0], key=error.key, value=error.value) from None
        content = {"COEFFS": fit.coeffs, "COEFFS_ERR": fit.errors, "DQ": border | fit.dq}
        model = self.make_reference(members, flats.files, content, flats.header)
        return model.evolve({"LINNORM": norm, "LINFIT": self.method})


class _Flats:
    """The corrected flats of a set, each time anew and one in memory at a time; a single one is kept."""

    def __init__(self, pipeline: LinearityPipeline, files: list[Path]) -> None:
        self.pipeline, self.files = pipeline, files
        self.kept: FlatRamps | None = None
        self.header: Header = {}
        self.border: npt.NDArray[np.uint32] = np.zeros((0, 0), np.uint32)

    def __iter__(self) -> Iterator[FlatRamps]:
        if self.kept is not None:
            yield self.kept
            return
        for path in self.files:
            flat = self._cut(self.pipeline.correct(path))
            if len(self.files) == 1:
                self.kept = flat
            yield flat
            del flat  # or it would stay while the next one is read

    def _cut(self, ramp: RampModel) -> FlatRamps:
        """Return the ramps without their first reads, and remember what the reference needs of the first file."""
        first = self.pipeline.skip_first
        if ramp.reads.shape[3] < first + 3:
            problem = f"needs three reads after the first {first}"
            raise InputError(problem, file=ramp.filename, key="NREADS", value=ramp.reads.shape[3])
        if not self.header:
            self.header = ramp.header
            self.border = ramp.dq & np.uint32(DQ["REFERENCE_PIXEL"] | DQ["NON_SCIENCE"])
        flags = None if ramp.read_dq is None else ramp.read_dq[..., first:]
        return FlatRamps(ramp.reads[..., first:], ramp.times[:, first:], flags)
