"""Step `persistence`: flag the afterglow of earlier exposures in a rate image, and subtract it."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from iris_contract.dq import DQ, has
from iris_contract.errors import InputError, ReferenceFileError
from iris_contract.exposure import Subarray
from iris_contract.fitsio import Header
from iris_reduction.datamodel import ImageModel
from iris_reduction.kernels.persistence import Afterimage, fill_traps, find_slopes
from iris_reduction.steps.step import IrisStep

__all__ = ["PersistenceStep", "find_delay", "ramp_period", "take_charge"]

DAY = 86400.0


class PersistenceStep(IrisStep):
    """Predict the afterglow of the `previous` rate images; in pipelines off unless `skip` is set to False.

    PERSISTENCE marks pixels where it exceeds `threshold` errors. With the method `model` it is also
    subtracted, and the error of the prediction added.
    """

    class_alias = "persistence"
    status = "S_PERS"
    spec = """
    skip = boolean(default=True)  # Skip this step
    previous = force_list(default=None)  # Earlier rate images of this detector, separated by commas
    method = option('flag', 'model', default='flag')  # Flag the afterglow, or also subtract it
    threshold = float(min=0, default=0.5)  # Predicted afterglow over the error from which a pixel is flagged
    """
    reference_file_types: ClassVar[list[str]] = ["persist"]

    def process(self, init: Any) -> ImageModel:
        """Return the rate image; unchanged, and marked so, for the override N/A. Raises InputError."""
        model = self.open(init, ImageModel)
        reference = self.read_reference(model, "persist")
        if reference is None:
            return model.evolve({"S_PERS": "SKIPPED"})
        past = (self._look_back(name, model) for name in self._list_names(model))  # one rate image at a time
        norm, power = (_read_number(reference.header, key) for key in ("PERSCHRG", "PERSPOW"))
        constants = reference.content["TIMES"]
        seen = fill_traps(past, constants, norm, power)
        seen *= _find_slopes(model.header, constants).astype(np.float32)
        glow = np.einsum("yxi,yxi->yx", reference.content["DATA"], seen)
        np.multiply(seen, reference.content["ERR"], out=seen)
        variance = np.einsum("yxi,yxi->yx", seen, seen)
        measured = (model.err > 0) & ~has(model.dq, "REFERENCE_PIXEL")
        dq = model.dq.copy()
        dq[measured & (glow > self.threshold * model.err)] |= np.uint32(DQ["PERSISTENCE"])
        cards = {"S_PERS": "COMPLETE"}
        if self.method == "flag":
            return model.evolve(cards, dq=dq)
        return _subtract(model.evolve(cards, dq=dq), np.where(measured, glow, 0), np.where(measured, variance, 0))

    def _look_back(self, name: str, model: ImageModel) -> Afterimage:
        """Return what an earlier exposure left in the region of `model`."""
        earlier = self._open_earlier(name, model)
        return Afterimage(take_charge(earlier, model.region), find_delay(earlier.header, model.header))

    def _list_names(self, model: ImageModel) -> list[str]:
        given = [self.previous or ""] if isinstance(self.previous, str | None) else self.previous
        names = [name.strip() for item in given for name in item.split(",")]
        if not all(names):
            problem = "names the earlier rate images, separated by commas; without any, skip the step"
            raise InputError(problem, file=model.filename, key="previous", value=self.previous)
        return names

    def _open_earlier(self, name: str, model: ImageModel) -> ImageModel:
        earlier = self.open_model(name)
        if not isinstance(earlier, ImageModel) or earlier.header.get("DATALVL") != 1:
            raise InputError(
                "must be a rate image of level 1", file=name, key="DATALVL", value=earlier.header.get("DATALVL")
            )
        if earlier.header.get("DETECTOR") != model.header.get("DETECTOR"):
            raise InputError(
                f"is not of the detector of {model.filename}",
                file=name,
                key="DETECTOR",
                value=earlier.header.get("DETECTOR"),
            )
        if not earlier.region.contains(model.region):
            raise InputError(f"does not cover {model.filename}", file=name, key="XSTART,YSTART,XSIZE,YSIZE")
        if not earlier.header["EXPJDEND"] <= model.header["EXPJDST"]:
            raise InputError(
                f"ends after the start of {model.filename}", file=name, key="EXPJDEND", value=earlier.header["EXPJDEND"]
            )
        return earlier


def take_charge(image: ImageModel, region: Subarray) -> Any:
    """Return the charge e- float32 (ny, nx) that a rate image says the pixels of `region` held at its end.

    Rate times ramp, at most the well that the detector is designed with; a pixel that is saturated
    from the first read on has no rate, and was full.
    """
    cut = region.cut_from(image.region)
    well, dq = np.float32(image.detector.well_depth), image.dq[cut]
    charge = np.clip(image.data[cut] * np.float32(image.header["RAMPTIME"]), np.float32(0), well)
    charge[has(dq, "SATURATED") & (image.err[cut] == 0)] = well
    charge[has(dq, "REFERENCE_PIXEL")] = 0
    return charge


def find_delay(earlier: Header, later: Header) -> float:
    """Return the time in s from the end of one exposure to the start of another."""
    return float(DAY * (later["EXPJDST"] - earlier["EXPJDEND"]))


def ramp_period(header: Header) -> float:
    """Return the time in s from reset to reset."""
    return float(DAY * (header["EXPJDEND"] - header["EXPJDST"]) / header["NGROUPS"])


def _read_number(header: Header, key: str) -> float:
    value = header.get(key)
    if not isinstance(value, (int, float)) or not 0 < value < np.inf:
        raise ReferenceFileError("the persist reference must state a positive number", key=key, value=value)
    return float(value)


def _find_slopes(header: Header, constants: Any) -> Any:
    """Return the rate 1/s that the fit saw of what traps held; reads are taken as evenly spaced."""
    times = np.linspace(0.0, float(header["RAMPTIME"]), int(header["NREADS"]))[int(header.get("FIRSTRD", 0)) :]
    straight = header.get("READMODE") == "UTR" and header.get("RAMPFIT") not in ("cds", "mcds")
    return find_slopes(np.tile(times, (int(header["NGROUPS"]), 1)), ramp_period(header), constants, straight)


def _subtract(model: ImageModel, glow: Any, variance: Any) -> ImageModel:
    """Return the image without `glow` e-/s; `variance` (e-/s)^2 of it is added like that of reads."""
    planes = {
        "data": (model.data - glow).astype(np.float32),
        "err": np.sqrt(model.err**2 + variance).astype(np.float32),
    }
    if model.var_read is not None:
        planes["var_read"] = (model.var_read + variance).astype(np.float32)
    return model.evolve(**planes)
