"""Run pipelines in process: files in, one product out, written atomically.

The same pipelines as `strun` runs, without its logging. Garbage collection, which stpipe forces at
every Step, is kept cheap by freezing what a first run leaves behind (mostly imported modules).
"""

from __future__ import annotations

import gc
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from iris_contract.errors import InputError
from iris_contract.fitsio import read_header
from iris_reduction.steps import get_steps

__all__ = ["make_reference", "run_level1", "run_level2"]

Overrides = Mapping[str, str | Path]
Parameters = Mapping[str, Mapping[str, Any]]
"""Parameters by Step or pipeline alias; those of Steps that a pipeline lacks are left aside."""


def run_level1(
    raw: str | Path,
    out_dir: str | Path,
    fitter: str = "gls",
    overrides: Overrides | None = None,
    parameters: Parameters | None = None,
) -> Path:
    """Reduce a raw file to a rate image in `out_dir` and return its path.

    `overrides` maps kinds (mask, gain, readnoise) to reference files to use instead of what CRDS
    selects; "N/A" does without, where a Step can. `parameters` are those of the Steps, by alias.
    Raises LayoutError, ReferenceFileError, InputError.
    """
    return _run("level1", str(raw), out_dir, fitter, overrides, parameters)


def run_level2(
    rate: str | Path, out_dir: str | Path, overrides: Overrides | None = None, parameters: Parameters | None = None
) -> Path:
    """Reduce a rate image to a level 2 image in `out_dir`; otherwise as `run_level1`.

    What the lenslets saw (IFSMODE) gets wavelengths: overrides dark, arc. All else is divided by a flat: dark, flat.
    """
    alias = "level2_lenslet" if read_header(rate).get("IFSMODE") == "LENSLET" else "level2"
    return _run(alias, str(rate), out_dir, None, overrides, parameters)


def make_reference(
    kind: str,
    files: Sequence[str | Path],
    out_dir: str | Path,
    overrides: Overrides | None = None,
    fitter: str = "gls",
    parameters: Parameters | None = None,
) -> Path:
    """Make a reference of `kind` (gain, readnoise, mask, dark, flat...) from raw files; otherwise as `run_level1`."""
    from iris_reduction.sets import make_set

    alias = f"calibrate_{kind}"
    if alias not in _find_classes():
        choices = ", ".join(a.removeprefix("calibrate_") for a in _find_classes() if a.startswith("calibrate_"))
        raise InputError(f"no pipeline makes it; choose {choices}", key="kind", value=kind)
    return _run(alias, make_set(kind, files), out_dir, fitter, overrides, parameters)


def _run(
    alias: str,
    init: Any,
    out_dir: str | Path,
    fitter: str | None,
    overrides: Overrides | None,
    parameters: Parameters | None,
) -> Path:
    module, _, name = _find_classes()[alias].rpartition(".")
    pipeline_class = getattr(import_module(module), name)
    pipeline = pipeline_class()
    _configure(pipeline, fitter, overrides or {}, parameters or {})
    product = pipeline.run(init)
    path = Path(out_dir, product.product_name)
    product.save(path)
    _freeze(alias)
    return path


@cache
def _find_classes() -> dict[str, str]:
    return {alias: path for path, alias, is_pipeline in get_steps() if is_pipeline}


@cache
def _freeze(alias: str) -> None:
    """Take what the first run of a pipeline loaded out of the collector's sight, once per `alias`."""
    gc.collect()
    gc.freeze()


def _configure(pipeline: Any, fitter: str | None, overrides: Overrides, parameters: Parameters) -> None:
    """Set fitter, overrides and parameters on the pipeline and the Steps that know them; others are ignored.

    Raises InputError for a parameter that its Step does not have.
    """
    from iris_reduction.steps.ramp_fit import RampFitStep, find_fitter

    for step in (pipeline, *(getattr(pipeline, name) for name in pipeline.step_defs)):
        if fitter is not None and isinstance(step, RampFitStep):
            find_fitter(fitter)
            step.fitter = fitter
        for name, value in parameters.get(step.class_alias, {}).items():
            if not hasattr(step, name):
                raise InputError(f"{step.class_alias} has no such parameter", key=name, value=value)
            setattr(step, name, value)
        for kind, path in overrides.items():
            if hasattr(step, f"override_{kind}"):
                setattr(step, f"override_{kind}", str(path))
