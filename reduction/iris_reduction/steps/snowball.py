"""Step `snowball`: flag where hits that flood many pixels left charge, with any finder of the family."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from iris_contract.dq import DQ, has
from iris_contract.errors import InputError
from iris_reduction.datamodel import RampModel
from iris_reduction.snowball import SNOWBALL_FAMILY, Patch
from iris_reduction.steps.step import IrisStep

__all__ = ["SnowballStep"]


class SnowballStep(IrisStep):
    """Flag reads with JUMP_DET where a snowball arrived just before; in pipelines off unless `skip` is False.

    The ramp fit then leaves the difference into that read out. It comes after the Steps that take out what
    many pixels have in common, and after linearity: a bright ramp that bends rises at first by more than on
    average, which looks like hits of all its pixels at once.
    """

    class_alias = "snowball"
    status = "S_SNOW"
    spec = f"""
    skip = boolean(default=True)  # Skip this step
    method = option({SNOWBALL_FAMILY.list_choices()}, default='grow')  # Search for snowballs
    threshold = float(min=0, default=4.5)  # Standard deviations on one difference from which a pixel shows a hit
    skip_first = integer(min=0, default=0)  # First reads of a ramp that are left out, for they are still settling
    nonlinear = boolean(default=False)  # Search reads without linearity correction too, as of a detector that is linear
    """
    reference_file_types = ("gain", "readnoise")

    def process(self, init: Any) -> RampModel:
        """Return the ramp with its read flags.

        Raises InputError for an unknown method or reads that were not linearised, ReferenceFileError.
        """
        model = self.open(init, RampModel)
        linear = model.header.get("S_LIN")
        if linear != "COMPLETE" and not self.nonlinear:
            problem = "bright light that bends looks like hits; correct linearity before, or set nonlinear=True"
            raise InputError(problem, file=model.filename, key="S_LIN", value=linear)
        find = SNOWBALL_FAMILY.guard(self.method, "method", model.reads.shape)
        if self.skip_first > model.reads.shape[3] - 2:
            problem = "leaves fewer than two reads"
            raise InputError(problem, file=model.filename, key="skip_first", value=self.skip_first)
        patches = find(
            model.reads,
            model.times,
            gain=self.need_reference(model, "gain").content["DATA"],
            read_noise=self.need_reference(model, "readnoise").content["DATA"],
            usable=~has(model.dq, "DO_NOT_USE", "REFERENCE_PIXEL"),
            read_dq=model.read_dq,
            first=self.skip_first,
            threshold=self.threshold,
        )
        cards = {"S_SNOW": "COMPLETE", "SNOWMETH": self.method, "NSNOW": len(patches)}
        return model.evolve(cards, read_dq=_flag(model, patches))


def _flag(model: RampModel, patches: Sequence[Patch]) -> npt.NDArray[np.uint8] | None:
    """Return the read flags of the model with those of the patches."""
    if not patches:
        return model.read_dq
    flags = np.zeros(model.reads.shape, np.uint8) if model.read_dq is None else model.read_dq.copy()
    for patch in patches:
        flags[patch.rows, patch.columns, patch.group, patch.read][patch.mask] |= np.uint8(DQ["JUMP_DET"])
    return flags
