"""The reduce stage: science exposures to level 1 or 2 with references that CRDS selects.

One task per setting, family, algorithm and night. The task gets raw files and a cache and nothing
else: it runs just as well where the truth directory is absent.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from iris_contract.errors import TestbedError
from iris_harness.calibrate import CALIBRATIONS
from iris_harness.nights import PlannedExposure, plan_night
from iris_harness.products import describe_product
from iris_harness.run_directory import RunDirectory
from iris_harness.scenario import Scenario
from iris_harness.tasks import Task, TaskResult, hash_source, make_key

__all__ = ["plan_reduction", "reduce_night"]

SOURCES = ("iris_contract", "iris_reduction", "tmt_crds")
LEVEL2_FAMILIES = ("image",)


def plan_reduction(
    run: RunDirectory, scenario: Scenario, nights: int, raw: dict[str, TaskResult], contexts: dict[str, str]
) -> list[Task]:
    """Return the tasks; `contexts` identifies each setting's cache by name and content hash."""
    source = hash_source(*SOURCES, "iris_harness.reduce", "iris_harness.products")
    wanted = [
        (family, setting, algorithm, night)
        for family in scenario.families.values()
        if family.family not in CALIBRATIONS
        for setting in family.settings
        for algorithm in family.algorithms
        for night in range(1, nights + 1)
    ]
    tasks = []
    for family, setting, algorithm, night in wanted:
        exposures = [p for p in plan_night(scenario, night) if p.spec.role in family.exposures]
        hashes = [raw[f"simulate-{setting}-{night:03d}-{p.exposure.number:04d}"].content for p in exposures]
        items = [_describe(run, setting, night, p) for p in exposures]
        parameters = [setting, family.family, algorithm, items, contexts[setting], hash_algorithm(algorithm)]
        tasks.append(
            Task(
                name=f"reduce-{setting}-{family.family}-{algorithm}-{night:03d}",
                stage="reduce",
                call="iris_harness.reduce:reduce_night",
                arguments=(run.root, setting, family.family, algorithm, night, items),
                key=make_key(parameters, hashes, source),
            )
        )
    return tasks


def hash_algorithm(name: str) -> str:
    """Return a hash of the source file of a ramp fitter, which for a plug-in is not ours."""
    from iris_reduction.ramp import load_ramp_fitters

    module = getattr(load_ramp_fitters().get(name), "__module__", "")
    return hash_source(module) if module else ""


def _describe(run: RunDirectory, setting: str, night: int, planned: PlannedExposure) -> tuple[str, str, str]:
    raw, truth = run.raw(setting, night, planned.exposure), run.truth(setting, night, planned.exposure)
    return planned.spec.role, run.relative(raw), run.relative(truth)


def reduce_night(
    root: Path, setting: str, family: str, algorithm: str, night: int, items: list[tuple[str, str, str]]
) -> tuple[list[Path], Any]:
    """Reduce the exposures of one night; the content holds manifest `rows` and `failures`.

    What an algorithm raises becomes a failure of that algorithm, hence an ERROR verdict, and leaves
    the others alone. A missing reference or broken file is the run's own error and stops it.
    """
    from iris_reduction.cache import use_cache

    run = RunDirectory(root)
    use_cache(run.cache(setting))
    outputs: list[Path] = []
    rows: list[dict[str, Any]] = []
    try:
        _require_fitter(algorithm)
        for role, raw, truth in items:
            made = _reduce_exposure(run, setting, family, algorithm, night, raw)
            outputs += made
            rows.append(describe_product(run, made[-1], setting, family, algorithm, night, role, [raw], truth))
    except TestbedError:
        raise
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        failure = {"family": family, "algorithm": algorithm, "setting": setting, "reason": reason, "night": night}
        return outputs, {"rows": [], "failures": [failure]}
    return outputs, {"rows": rows, "failures": []}


def _require_fitter(name: str) -> None:
    from iris_reduction.ramp import LoadFailure, load_ramp_fitters

    fitter = load_ramp_fitters().get(name)
    if fitter is None or isinstance(fitter, LoadFailure):
        raise RuntimeError(f"cannot be loaded: {fitter.reason if fitter else 'no such ramp fitter'}")


def _reduce_exposure(run: RunDirectory, setting: str, family: str, algorithm: str, night: int, raw: str) -> list[Path]:
    from iris_reduction.pipelines import run_level1, run_level2

    out = run.products(setting, family, algorithm, night)
    rate = run_level1(run.root / raw, out, fitter=algorithm)
    return [rate, run_level2(rate, out)] if family in LEVEL2_FAMILIES else [rate]
