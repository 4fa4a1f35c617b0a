"""Ways of injecting a fault: edit what was made, or make it again with something changed on the way.

Editing is cheap and enough for most faults; only what must go through a fit is fitted again.
"""

from __future__ import annotations

import shutil
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import numpy.typing as npt

from iris_contract.exposure import Subarray
from iris_contract.fitsio import Header
from iris_contract.frames import Image, Ramp, Reference
from iris_contract.manifest import ManifestRow
from iris_harness.reduce import choose_parameters
from iris_harness.run_directory import RunDirectory
from iris_harness.scenario import load_scenario

__all__ = [
    "Fault",
    "Planes",
    "edit_beside",
    "edit_image",
    "edit_raw",
    "edit_reference",
    "fit_again",
    "flatten_again",
    "grow",
    "make_generator",
    "read_reference",
    "take_from",
]

Fault = Callable[[RunDirectory, ManifestRow, Path], Path]
"""Writes the broken twin of a row's product into a folder and returns its path."""

Planes = dict[str, npt.NDArray[Any]]
Flags = npt.NDArray[np.uint32]


def edit_image(change: Callable[[Image], Image]) -> Fault:
    """Return the fault that changes a finished image."""

    def apply(run: RunDirectory, row: ManifestRow, out: Path) -> Path:
        product = row.path(run.root)
        path = out / product.name
        change(Image.read(product)).write(path)
        return path

    return apply


def edit_beside(algorithm: str, change: Callable[[Image, Image], Image]) -> Fault:
    """Return the fault that changes a finished image by what another `algorithm` made of the same exposure."""

    def apply(run: RunDirectory, row: ManifestRow, out: Path) -> Path:
        other = Image.read(_find_beside(run, row, algorithm))
        return edit_image(lambda image: change(image, other))(run, row, out)

    return apply


def take_from(algorithm: str) -> Fault:
    """Return the fault that delivers the product of another `algorithm` as this one's."""

    def apply(run: RunDirectory, row: ManifestRow, out: Path) -> Path:
        out.mkdir(parents=True, exist_ok=True)
        return Path(shutil.copy(_find_beside(run, row, algorithm), out))

    return apply


def _find_beside(run: RunDirectory, row: ManifestRow, algorithm: str) -> Path:
    return run.products(row.setting, row.family, algorithm, row.night) / Path(row.product).name


def edit_reference(kind: str, change: Callable[[Reference], Planes]) -> Fault:
    """Return the fault that replaces planes of a finished reference of `kind`."""

    def apply(run: RunDirectory, row: ManifestRow, out: Path) -> Path:
        product = row.path(run.root)
        reference = Reference.read(product, kind)
        path = out / product.name
        Reference(reference.header, {**reference.content, **change(reference)}).write(path)
        return path

    return apply


def edit_raw(change: Callable[[Ramp], npt.NDArray[Any]]) -> Fault:
    """Return the fault that replaces the reads (ny, nx, ngroups, nreads) of a raw file; whole DN, from 0 to 65 535."""

    def apply(run: RunDirectory, row: ManifestRow, out: Path) -> Path:
        product = row.path(run.root)
        ramp, path = Ramp.read(product), out / product.name
        reads = np.clip(np.rint(change(ramp)), 0, np.iinfo(np.uint16).max).astype(np.uint16)
        Ramp(ramp.header, reads, ramp.times).write(path)
        return path

    return apply


def fit_again(change: Callable[[npt.NDArray[Any]], npt.NDArray[Any]]) -> Fault:
    """Return the fault that changes the reads (ny, nx, ngroups, nreads), DN, just before the ramp fit."""

    def apply(run: RunDirectory, row: ManifestRow, out: Path) -> Path:
        from iris_reduction.cache import use_cache
        from iris_reduction.pipelines import run_level1
        from iris_reduction.steps.ramp_fit import RampFitStep

        fit = RampFitStep.process

        def process(step: RampFitStep, init: Any) -> Any:
            return fit(step, init.evolve({}, reads=change(init.reads)))

        use_cache(run.cache(row.setting))
        with patch.object(RampFitStep, "process", process):
            return run_level1(run.root / row.raw[0], out, row.algorithm, parameters=_find_parameters(run, row))

    return apply


def flatten_again(change: Callable[[Reference], Reference]) -> Fault:
    """Return the fault that makes a level 2 image with a changed flat, given as an override."""

    def apply(run: RunDirectory, row: ManifestRow, out: Path) -> Path:
        from iris_reduction.cache import use_cache
        from iris_reduction.pipelines import run_level2

        flat = out / "changed_flat.fits"
        change(read_reference(run, row, "flat")).write(flat)
        use_cache(run.cache(row.setting))
        product = row.path(run.root)
        rate = product.with_name(product.name.replace("_LVL2_", "_LVL1_"))
        return run_level2(rate, out, overrides={"flat": flat}, parameters=_find_parameters(run, row))

    return apply


def _find_parameters(run: RunDirectory, row: ManifestRow) -> dict[str, dict[str, Any]]:
    """Return the parameters of the Steps that the good product was made with."""
    return choose_parameters(load_scenario(run.scenario), row.family, row.algorithm)


def read_reference(run: RunDirectory, row: ManifestRow, kind: str, region: Subarray | None = None) -> Reference:
    """Return the reference that a product was made with, cut to `region`."""
    (path,) = (run.cache(row.setting) / "references").rglob(row.references[kind])
    return Reference.read(path, kind, region)


def grow(flags: Flags) -> Flags:
    """Return `flags` (ny, nx) with those of each pixel on its four neighbours too."""
    grown = flags.copy()
    for axis in (0, 1):
        to, of = (slice(None),) * axis + (slice(1, None),), (slice(None),) * axis + (slice(None, -1),)
        grown[to] |= flags[of]
        grown[of] |= flags[to]
    return grown


def make_generator(header: Header) -> np.random.Generator:
    """Return a generator that depends on the header of a product alone, so that exposures and nights differ."""
    return np.random.default_rng(zlib.crc32(repr(sorted(header.items())).encode()))
