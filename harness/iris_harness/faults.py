"""Faults that real pipelines have had, injected into good products or into the way they are made.

Each fault takes one manifest row of a good product and writes a broken twin of it. The faults are
those of the public IRIS/Liger pipeline and its peers: an inverted error array, a uint16 cast, lost
data-quality bits, a missing covariance, a wrong reference. What a fault needs to know (read noise,
gain, flat) are the references that the product itself was made with. With a change that changes
nothing, each way of injecting gives the good product again (tested), so that nothing but the fault
makes the difference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from iris_contract.exposure import Subarray
from iris_contract.frames import Image, Ramp, Reference, read_region
from iris_contract.instrument import load_instrument
from iris_contract.manifest import ManifestRow
from iris_harness.run_directory import RunDirectory

__all__ = ["FAULTS", "Fault", "edit_image", "edit_reference", "fit_again", "flatten_again"]

Fault = Callable[[RunDirectory, ManifestRow, Path], Path]
"""Writes the broken twin of a row's product into a folder and returns its path."""

Planes = dict[str, npt.NDArray[Any]]


# --- ways of injecting -------------------------------------------------------------------------


def edit_image(change: Callable[[Image], Image]) -> Fault:
    """Return the fault that changes a finished image."""

    def apply(run: RunDirectory, row: ManifestRow, out: Path) -> Path:
        product = row.path(run.root)
        path = out / product.name
        change(Image.read(product)).write(path)
        return path

    return apply


def edit_reference(kind: str, change: Callable[[Reference], Planes]) -> Fault:
    """Return the fault that replaces planes of a finished reference of `kind`."""

    def apply(run: RunDirectory, row: ManifestRow, out: Path) -> Path:
        product = row.path(run.root)
        reference = Reference.read(product, kind)
        path = out / product.name
        Reference(reference.header, {**reference.content, **change(reference)}).write(path)
        return path

    return apply


def fit_again(change: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]) -> Fault:
    """Return the fault that changes the reads (ny, nx, ngroups, nreads), DN, just before the ramp fit."""

    def apply(run: RunDirectory, row: ManifestRow, out: Path) -> Path:
        from iris_reduction.cache import use_cache
        from iris_reduction.pipelines.level1 import Level1Pipeline

        use_cache(run.cache(row.setting))
        pipeline: Any = Level1Pipeline()
        step = pipeline.ramp_fit
        step.fitter, fit = row.algorithm, step.process
        step.process = lambda ramp: fit(ramp.evolve({}, reads=change(ramp.reads)))
        product = pipeline.run(str(run.root / row.raw[0]))
        path = out / str(product.product_name)
        product.save(path)
        return path

    return apply


def flatten_again(change: Callable[[Reference], Reference]) -> Fault:
    """Return the fault that makes a level 2 image with a changed flat, given as an override."""

    def apply(run: RunDirectory, row: ManifestRow, out: Path) -> Path:
        from iris_reduction.cache import use_cache
        from iris_reduction.pipelines import run_level2

        flat = out / "changed_flat.fits"
        change(_read_reference(run, row, "flat")).write(flat)
        use_cache(run.cache(row.setting))
        product = row.path(run.root)
        rate = product.with_name(product.name.replace("_LVL2_", "_LVL1_"))
        return run_level2(rate, out, overrides={"flat": flat})

    return apply


def _read_reference(run: RunDirectory, row: ManifestRow, kind: str, region: Subarray | None = None) -> Reference:
    """Return the reference that a product was made with, cut to `region`."""
    (path,) = (run.cache(row.setting) / "references").rglob(row.references[kind])
    return Reference.read(path, kind, region)


# --- what is changed ---------------------------------------------------------------------------


def _invert_error(image: Image) -> Image:
    with np.errstate(divide="ignore"):
        return replace(image, err=(1 / image.err).astype(np.float32))


def _shrink_error(image: Image) -> Image:
    return replace(image, err=(0.8 * image.err).astype(np.float32))


def _scale(factor: float) -> Callable[[Reference], Planes]:
    return lambda reference: {"DATA": (factor * reference.content["DATA"]).astype(np.float32)}


def _scale_first_output(factor: float) -> Callable[[Reference], Planes]:
    def change(reference: Reference) -> Planes:
        design = load_instrument().detector(str(reference.header["DETECTOR"]))
        outputs = read_region(reference.header).output_of_column(design)
        factors = np.where(outputs == outputs[0], factor, 1.0)
        return {"DATA": (factors * reference.content["DATA"]).astype(np.float32)}

    return change


def _drop_bits(reference: Reference) -> Planes:
    return {"DQ": reference.content["DQ"].astype(np.uint16).astype(np.uint32)}


def _forget_covariance(run: RunDirectory, row: ManifestRow, out: Path) -> Path:
    """Errors of a straight-line fit whose reads are taken as independent: sum of w^2 (s^2 + f t)."""
    ramp = Ramp.read(run.root / row.raw[0])
    noise = _read_reference(run, row, "readnoise", ramp.region()).content["DATA"]
    times = ramp.times[0]
    centred = times - times.mean()
    weights = centred / np.sum(centred**2)

    def change(image: Image) -> Image:
        flux = np.maximum(image.data, 0)
        variance = np.sum(weights**2) * noise**2 + flux * np.sum(weights**2 * times)
        return replace(image, err=np.sqrt(variance).astype(np.float32))

    return edit_image(change)(run, row, out)


def _wrap(reads: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Reads cast back to uint16 after the reference pixels were subtracted: below zero they wrap."""
    return reads.astype(np.int64).astype(np.uint16)


def _roll(flat: Reference) -> Reference:
    """The flat from half a width further on, as after a wrong XSTART."""
    moved = {name: np.roll(plane, plane.shape[1] // 2, axis=1) for name, plane in flat.content.items()}
    return Reference(flat.header, moved)


def _swap_detector(flat: Reference) -> Reference:
    """The flat of another detector, forced by an override past the selection that refuses it."""
    from iris_simulator import build_as_built

    other = build_as_built(load_instrument().detector("IMG2"), read_region(flat.header), 1)
    content = {**flat.content, "DATA": other.flat.astype(np.float32)}
    return Reference({**flat.header, "DETECTOR": "IMG2"}, content)


FAULTS: Mapping[str, Fault] = {
    "inverted_error": edit_image(_invert_error),
    "error_times_0.8": edit_image(_shrink_error),
    "missing_covariance": _forget_covariance,
    "uint16_cast": fit_again(_wrap),
    "gain_plus_2_percent": edit_reference("gain", _scale_first_output(1.02)),
    "gain_minus_2_percent": edit_reference("gain", _scale_first_output(0.98)),
    "dark_times_20": edit_reference("dark", _scale(20.0)),
    "dropped_dq_bits": edit_reference("mask", _drop_bits),
    "wrong_corner": flatten_again(_roll),
    "wrong_detector": flatten_again(_swap_detector),
}
"""Name to fault; `data/controls.yaml` says which specification each must fail."""
