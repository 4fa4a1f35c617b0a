"""Pipeline `calibrate_persist`: share of charge that stays in traps, from bright flats followed by darks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from iris_contract.dq import has
from iris_contract.errors import InputError
from iris_reduction.calibration.persistence import Afterglow, fit_mean_traps, fit_shares
from iris_reduction.datamodel import ReferenceModel
from iris_reduction.pipelines.calibration import CalibrationPipeline
from iris_reduction.pipelines.level1 import Level1Pipeline
from iris_reduction.steps.persistence import list_afterimages, ramp_period

__all__ = ["PersistencePipeline"]


class PersistencePipeline(CalibrationPipeline):
    """Charges of the flats from their rates; reads of the darks, in e- and without dark current, against time."""

    class_alias = "calibrate_persist"
    kind = "persist"
    not_treated = "time constants of single pixels; time that filling takes; common drifts"
    spec = """
    skip_first = integer(min=0, default=1)  # First reads of a ramp that are left out, for they are still settling
    override_dark = is_string_or_datamodel(default=None)  # Override the dark reference file
    """
    step_defs = Level1Pipeline.step_defs

    def process(self, init: Any) -> ReferenceModel:
        """Return the persist reference; raises InputError where no dark follows a flat, or none shows afterglow."""
        members = self.open_set(init)
        flats, darks = members.select("flat_on"), members.select("dark")
        bright = self.reduce(flats)
        used, found = [], []
        for path in darks:
            afterglow, ramp, noise = self._take(path, bright)
            if afterglow.past:
                used.append(path)
                found.append(afterglow)
        if not used:
            raise InputError("no dark follows a flat", file=darks[0], key="DATE-OBS,TIME-OBS")
        border = has(ramp.dq, "NON_SCIENCE")
        usable = ~has(ramp.dq, "DO_NOT_USE") & np.logical_and.reduce([image.err > 0 for image in bright])
        try:
            traps = fit_mean_traps(found, usable)
        except InputError as error:
            raise InputError(error.problem, file=used[0], key=error.key, value=error.value) from None
        shares, errors = fit_shares(found, usable, noise, traps)
        shares[border], errors[border] = 0.0, 0.0
        content: dict[str, Any] = {"DATA": shares, "ERR": errors, "TIMES": traps.constants}
        model = self.make_reference(members, [*flats, *used], content, bright[0].header)
        return model.evolve({"PERSCHRG": traps.norm, "PERSPOW": traps.power})

    def _take(self, path: Path, bright: list[Any]) -> tuple[Afterglow, Any, Any]:
        """Return a dark as electrons without dark current, the ramp, and its read noise."""
        ramp = self.correct(path)
        first = self.skip_first
        if ramp.reads.shape[3] < first + 3:
            problem = f"needs three reads after the first {first}"
            raise InputError(problem, file=path, key="NREADS", value=ramp.reads.shape[3])
        gain = self.ramp_fit.need_reference(ramp, "gain").content["DATA"]
        noise = self.ramp_fit.need_reference(ramp, "readnoise").content["DATA"]
        dark = self.need_reference(ramp, "dark").content["DATA"]
        times = ramp.times[:, first:]
        reads = ramp.reads[..., first:].astype(np.float32) * gain[:, :, None, None]
        reads -= dark[:, :, None, None] * times.astype(np.float32)
        past = list_afterimages([i for i in bright if i.header["EXPJDEND"] <= ramp.header["EXPJDST"]], ramp)
        return Afterglow(reads, times, ramp_period(ramp.header), past), ramp, noise
