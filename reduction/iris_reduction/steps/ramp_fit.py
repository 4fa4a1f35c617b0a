"""Step `ramp_fit`: from reads to a count rate, with any fitter of `iris_reduction.ramp`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from iris_contract.dq import DQ, has
from iris_contract.errors import InputError
from iris_reduction.datamodel import ImageModel, RampModel
from iris_reduction.kernels.ipc import sum_field_squares
from iris_reduction.ramp import RAMP_FITTERS, RampFit, RampFitter
from iris_reduction.ramp.plugins import RAMP_FAMILY
from iris_reduction.ramp.variance import split_variance
from iris_reduction.steps.step import IrisStep

__all__ = ["RampFitStep", "find_fitter"]

NOT_TREATED = "noise common to an output; IPC; 1/f noise; errors of gain and read noise references"
NOT_TREATED_COUPLED = "noise common to an output; 1/f noise; errors of gain, read noise and IPC references"


class RampFitStep(IrisStep):
    """Fit ramps; the choices of `fitter` are the names that the ramp family knows."""

    class_alias = "ramp_fit"
    status = "S_RAMP"
    reference_file_types: ClassVar[list[str]] = ["gain", "readnoise"]
    spec = f"""
    fitter = option({RAMP_FAMILY.list_choices()}, default='gls')  # Ramp fitter
    jump_sigma = float(min=0, default=4.5)  # Threshold of jump rejection in standard deviations
    skip_first = integer(min=0, default=0)  # First reads of a ramp that are left out, for they are still settling
    coupled = boolean(default=False)  # Weigh photon noise as the ipc reference couples it; write variance planes
    override_ipc = is_string_or_datamodel(default=None)  # Override the ipc reference file
    """

    def process(self, init: Any) -> ImageModel:
        """Return the rate image; raises InputError for an unknown fitter, ReferenceFileError."""
        model = self.open(init, RampModel)
        gain = self.need_reference(model, "gain").content["DATA"]
        noise = self.need_reference(model, "readnoise").content["DATA"]
        kept = self._find_kept_variance(model)
        used = self._leave_out_first(model)
        fit = self._fit(used, gain, noise, kept)
        cards = {"DATAMODL": "RateModel", "DATALVL": 1, "BUNIT": "electron/s", "S_RAMP": "COMPLETE"}
        cards |= {"RAMPFIT": self.fitter, "NOTTREAT": NOT_TREATED if kept is None else NOT_TREATED_COUPLED}
        if self.skip_first:
            cards["FIRSTRD"] = self.skip_first
        if kept is not None:
            cards["IPCVAR"] = float(np.median(kept[~has(model.dq, "REFERENCE_PIXEL")], axis=None))
        image = ImageModel({**model.header, **cards}, model.filename, *_make_planes(fit, model.dq))
        return image if kept is None else _add_variances(image, self.fitter, noise, used.times, kept)

    def _leave_out_first(self, model: RampModel) -> RampModel:
        """Return the ramp without its first reads; raise InputError where fewer than two would be left."""
        first = self.skip_first
        if first > model.reads.shape[3] - 2:
            raise InputError("leaves fewer than two reads", file=model.filename, key="skip_first", value=first)
        flags = None if model.read_dq is None else model.read_dq[..., first:]
        return model.evolve(reads=model.reads[..., first:], times=model.times[:, first:], read_dq=flags)

    def _find_kept_variance(self, model: RampModel) -> npt.NDArray[np.float32] | None:
        """Return the share (ny, nx) of photon variance that coupling leaves; None where it is not to be treated."""
        if not self.coupled:
            return None
        return sum_field_squares(self.need_reference(model, "ipc").content["DATA"])

    def _fit(self, model: RampModel, gain: Any, noise: Any, kept: npt.NDArray[np.float32] | None) -> RampFit:
        """Return the fit; with coupling, in units in which the variance of a signal's noise is the signal.

        Photon noise has the variance `kept` R. In units of `kept` electrons the signal is R/kept, its
        variance R/kept too, and the read noise s/kept: any fitter gives these the right weights.
        """
        options = {"read_dq": model.read_dq, "jump_sigma": self.jump_sigma}
        if kept is None:
            fit = run_fitter(self.fitter, model.reads, model.times, {"gain": gain, "read_noise": noise, **options})
            return replace(fit, jumps=self._number_jumps(fit.jumps, None))
        scaled = {"gain": gain / kept, "read_noise": noise / kept}
        fit = run_fitter(self.fitter, model.reads, model.times, {**scaled, **options})
        return replace(fit, rate=fit.rate * kept, error=fit.error * kept, jumps=self._number_jumps(fit.jumps, kept))

    def _number_jumps(self, jumps: Any, kept: npt.NDArray[np.float32] | None) -> Any:
        """Return the table of jumps with the read numbers of the whole ramp, and amplitudes in electrons."""
        if jumps is None:
            return None
        numbered = jumps.copy()
        numbered["READ"] += self.skip_first
        if kept is not None:
            numbered["AMPLITUDE"] *= kept[jumps["Y"], jumps["X"]]
        return numbered


def _add_variances(
    image: ImageModel, fitter: str, noise: Any, times: npt.NDArray[np.float64], kept: npt.NDArray[np.float32]
) -> ImageModel:
    """Return the image with the planes VAR_POISSON and VAR_READ, whose sum is ERR^2."""
    poisson, read = split_variance(fitter, image.data / kept, image.err, noise / kept, times)
    return image.evolve(var_poisson=poisson, var_read=read)


def run_fitter(name: str, reads: Any, times: Any, options: dict[str, Any]) -> RampFit:
    """Return the fit of the fitter `name`; what a plug-in does wrong becomes a RuntimeError that names it."""
    fitter = RAMP_FAMILY.guard(name, "fitter", reads.shape)
    if name in RAMP_FITTERS:
        return fitter(reads, times, **options)
    try:
        return fitter(reads, times, **options)
    except InputError as error:  # its arguments are ours, so it is the fitter that refuses them
        raise RuntimeError(f"ramp fitter {name}: {type(error).__name__}: {error}") from error


def find_fitter(name: str) -> RampFitter:
    """Return the ramp fitter `name`; raise InputError where there is none or its plugin is broken."""
    return RAMP_FAMILY.find(name, "fitter")


def _make_planes(fit: RampFit, dq: npt.NDArray[np.uint32]) -> tuple[Any, ...]:
    """Return data, error, flags, chi2 and jumps of the product.

    Reference pixels and pixels without a fit get 0 in every plane, so that a product holds no NaN;
    DO_NOT_USE tells them from measured zeros.
    """
    border = has(dq, "REFERENCE_PIXEL")
    unmeasured = border | ~np.isfinite(fit.rate) | ~np.isfinite(fit.error)
    rate, error, chi2 = (np.where(unmeasured, np.float32(0), plane) for plane in (fit.rate, fit.error, fit.chi2))
    flags = np.where(border, dq, dq | fit.dq)
    flags[unmeasured] |= np.uint32(DQ["DO_NOT_USE"])
    jumps = None if fit.jumps is None else fit.jumps[~border[fit.jumps["Y"], fit.jumps["X"]]]
    return rate, error, flags, np.nan_to_num(chi2, nan=0.0, posinf=np.inf), jumps
