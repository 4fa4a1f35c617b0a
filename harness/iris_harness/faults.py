"""Faults that real pipelines have had, injected into good products or into the way they are made.

Each fault takes one manifest row of a good product and writes a broken twin of it. The faults are
those of the public IRIS/Liger pipeline and its peers: an inverted error array, a uint16 cast, lost
data-quality bits, a missing covariance, a wrong reference.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from iris_contract.errors import InputError
from iris_contract.exposure import Subarray
from iris_contract.frames import Image, Ramp, Reference, read_region
from iris_contract.instrument import load_instrument
from iris_contract.manifest import ManifestRow
from iris_harness.run_directory import RunDirectory

__all__ = ["FAULTS", "Fault"]

Fault = Callable[[RunDirectory, ManifestRow, Path], Path]
"""Writes the broken twin of a row's product into a folder and returns its path."""


def _edit_image(change: Callable[[Image], Image]) -> Fault:
    def apply(run: RunDirectory, row: ManifestRow, out: Path) -> Path:
        product = row.path(run.root)
        path = out / product.name
        change(Image.read(product)).write(path)
        return path

    return apply


def _edit_reference(kind: str, change: Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]) -> Fault:
    def apply(run: RunDirectory, row: ManifestRow, out: Path) -> Path:
        product = row.path(run.root)
        reference = Reference.read(product, kind)
        path = out / product.name
        Reference(reference.header, {**reference.content, **change(reference.content)}).write(path)
        return path

    return apply


def _invert_error(image: Image) -> Image:
    with np.errstate(divide="ignore"):
        return replace(image, err=(1 / image.err).astype(np.float32))


def _shrink_error(image: Image) -> Image:
    return replace(image, err=(0.8 * image.err).astype(np.float32))


def _scale(factor: float) -> Callable[[dict[str, np.ndarray]], dict[str, np.ndarray]]:
    return lambda content: {"DATA": (factor * content["DATA"]).astype(np.float32)}


def _drop_bits(content: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {"DQ": content["DQ"].astype(np.uint16).astype(np.uint32)}


def _forget_covariance(run: RunDirectory, row: ManifestRow, out: Path) -> Path:
    """Errors of a straight-line fit whose reads are taken as independent: sum of w^2 (s^2 + f t)."""
    product = row.path(run.root)
    image, ramp = Image.read(product), Ramp.read(run.root / row.raw[0])
    times = ramp.times[0]
    centred = times - times.mean()
    weights = centred / np.sum(centred**2)
    noise = ramp.detector.read_noise
    flux = np.maximum(image.data, 0)
    variance = np.sum(weights**2) * noise**2 + flux * np.sum(weights**2 * times)
    path = out / product.name
    replace(image, err=np.sqrt(variance).astype(np.float32)).write(path)
    return path


def _cast_to_uint16(run: RunDirectory, row: ManifestRow, out: Path) -> Path:
    """Reads cast back to uint16 after the reference pixels were subtracted: below zero they wrap."""
    from iris_reduction.ramp import LoadFailure, load_ramp_fitters

    product = row.path(run.root)
    image, ramp = Image.read(product), Ramp.read(run.root / row.raw[0])
    border = ramp.region().reference_pixels(ramp.detector)
    level = ramp.reads[border].mean(axis=0, dtype=np.float64)
    reads = (ramp.reads - level).astype(np.int64).astype(np.uint16)
    shape = reads.shape[:2]
    gain = np.full(shape, ramp.detector.gain, np.float32)
    noise = np.full(shape, ramp.detector.read_noise, np.float32)
    fitter = load_ramp_fitters()[row.algorithm]
    if isinstance(fitter, LoadFailure):
        raise InputError(f"cannot be loaded: {fitter.reason}", key="algorithm", value=row.algorithm)
    fit = fitter(reads, ramp.times, gain=gain, read_noise=noise)
    path = out / product.name
    replace(image, data=fit.rate, err=fit.error).write(path)
    return path


def _flat_of_other_corner(run: RunDirectory, row: ManifestRow, out: Path) -> Path:
    """The flat from half a width further on, as after a wrong XSTART."""
    flat = Reference.read(_find_reference(run, row, "flat"), "flat")
    moved = {name: np.roll(plane, plane.shape[1] // 2, axis=1) for name, plane in flat.content.items()}
    path = out / "wrong_corner_flat.fits"
    Reference(flat.header, moved).write(path)
    return _reduce_again(run, row, out, {"flat": path})


def _flat_of_other_detector(run: RunDirectory, row: ManifestRow, out: Path) -> Path:
    """The flat of another detector, forced by an override past the selection that refuses it."""
    from iris_simulator import build_as_built

    flat = Reference.read(_find_reference(run, row, "flat"), "flat")
    region: Subarray = read_region(flat.header)
    other = build_as_built(load_instrument().detector("IMG2"), region, 1)
    path = out / "wrong_detector_flat.fits"
    content = {**flat.content, "DATA": other.flat.astype(np.float32)}
    Reference({**flat.header, "DETECTOR": "IMG2"}, content).write(path)
    return _reduce_again(run, row, out, {"flat": path})


def _find_reference(run: RunDirectory, row: ManifestRow, kind: str) -> Path:
    cache = run.cache(row.setting) / "references"
    found = sorted(cache.rglob(row.references[kind]))
    return found[0]


def _reduce_again(run: RunDirectory, row: ManifestRow, out: Path, overrides: Mapping[str, Path]) -> Path:
    from iris_reduction.cache import use_cache
    from iris_reduction.pipelines import run_level2

    use_cache(run.cache(row.setting))
    product = row.path(run.root)
    return run_level2(product.with_name(product.name.replace("_LVL2_", "_LVL1_")), out, overrides=dict(overrides))


FAULTS: Mapping[str, Fault] = {
    "inverted_error": _edit_image(_invert_error),
    "error_times_0.8": _edit_image(_shrink_error),
    "missing_covariance": _forget_covariance,
    "uint16_cast": _cast_to_uint16,
    "gain_plus_2_percent": _edit_reference("gain", _scale(1.02)),
    "gain_minus_2_percent": _edit_reference("gain", _scale(0.98)),
    "dark_times_20": _edit_reference("dark", _scale(20.0)),
    "dropped_dq_bits": _edit_reference("mask", _drop_bits),
    "wrong_corner": _flat_of_other_corner,
    "wrong_detector": _flat_of_other_detector,
}
"""Name to fault; `data/controls.yaml` says which specification each must fail."""
