"""The calibrate stage: each night's references, made in the order in which they need each other.

Both settings use the same pipelines. Alone, CRDS selects their prerequisites from the oracle's cache.
In the chain they are the same night's own, which no delivery holds yet: they are handed over as
overrides, and the cache in use is the initial one, from which nothing can be selected. Where a family
lists several algorithms, all are judged; the first one's reference is handed over and delivered.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from iris_contract.errors import ReferenceFileError, TestbedError
from iris_harness.algorithms import CALIBRATORS, hash_algorithm, require_algorithm
from iris_harness.nights import plan_night
from iris_harness.products import describe_failure, describe_product
from iris_harness.run_directory import RunDirectory
from iris_harness.scenario import FamilySpec, Scenario
from iris_harness.simulate import forget_as_built
from iris_harness.tasks import Task, TaskResult, hash_source, make_key

__all__ = ["CALIBRATIONS", "calibrate_night", "plan_calibration"]

SOURCES = ("iris_contract", "iris_reduction")

CALIBRATIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "saturation_level": ("saturation", ()),
    "linearity": ("linearity", ()),
    "gain": ("gain", ()),
    "read_noise": ("readnoise", ("gain",)),
    "ipc": ("ipc", ()),
    "bad_pixel": ("mask", ("gain", "readnoise")),
    "dark": ("dark", ("gain", "readnoise", "mask")),
    "flat": ("flat", ("gain", "readnoise", "mask")),
    "traps": ("persist", ("gain", "readnoise", "mask", "dark")),
}
"""Family to its reference kind and the kinds it needs, in the order in which they are made.

Two are judged by what level 1 makes of them, as `saturation` and `persistence`, and have no metrics of their own.
"""


def plan_calibration(
    run: RunDirectory, scenario: Scenario, nights: int, raw: dict[str, TaskResult], caches: dict[str, str]
) -> list[Task]:
    """Return one task per night and setting.

    `raw` are the simulation results by task name; `caches` identifies the cache that each setting's
    calibrations use by its content.
    """
    source = hash_source(*SOURCES, "tmt_crds", "iris_harness.calibrate", "iris_harness.products")
    families = {name: spec for name, spec in scenario.families.items() if name in CALIBRATIONS}
    tasks = []
    for setting in ("alone", "chain"):
        wanted = [spec for spec in families.values() if setting in spec.settings]
        for night in range(1, nights + 1) if wanted else ():
            inputs = _list_inputs(run, scenario, setting, night, wanted)
            hashes = [raw[name].content for files in inputs.values() for name, _ in files]
            plan = [(spec.family, spec.algorithms, [p for _, p in inputs[spec.family]]) for spec in wanted]
            names = [(family, algorithms, [Path(f).name for f in files]) for family, algorithms, files in plan]
            code = [hash_algorithm(family, name) for family, algorithms, _ in plan for name in algorithms]
            tasks.append(
                Task(
                    name=f"calibrate-{setting}-{night:03d}",
                    stage="calibrate",
                    call="iris_harness.calibrate:calibrate_night",
                    arguments=(run.root, setting, night, plan, scenario.detector, dict(scenario.reduction)),
                    key=make_key([setting, night, names, code, scenario.reduction, caches[setting]], hashes, source),
                )
            )
    return tasks


def _list_inputs(
    run: RunDirectory, scenario: Scenario, setting: str, night: int, families: list[FamilySpec]
) -> dict[str, list[tuple[str, str]]]:
    inputs: dict[str, list[tuple[str, str]]] = {}
    for spec in families:
        inputs[spec.family] = [
            (f"simulate-{setting}-{night:03d}-{p.exposure.number:04d}", str(run.raw(setting, night, p.exposure)))
            for p in plan_night(scenario, night)
            if p.spec.role in spec.exposures
        ]
    return inputs


def calibrate_night(
    root: Path,
    setting: str,
    night: int,
    plan: list[tuple[str, tuple[str, ...], list[str]]],
    detector: str,
    parameters: dict[str, dict[str, Any]],
) -> tuple[list[Path], Any]:
    """Make the references of one night; the content holds manifest `rows` and `failures`.

    `plan` lists family, algorithms and raw files, `parameters` those of the Steps by alias. What an algorithm
    raises becomes a failure of that algorithm. Raises ReferenceFileError where the chain lacks a prerequisite.
    """
    from iris_reduction.cache import use_cache
    from iris_reduction.pipelines import make_reference

    forget_as_built()  # this process may have simulated
    run = RunDirectory(root)
    chain = setting == "chain"
    use_cache(run.initial_cache if chain else run.cache(setting))
    steps = {family: (algorithms, files) for family, algorithms, files in plan}
    truth = run.relative(run.as_built(detector))
    made: dict[str, Path] = {}
    paths: list[Path] = []
    rows: list[dict[str, Any]] = []
    failures: list[dict[str, Any]] = []
    for family, (kind, needs) in CALIBRATIONS.items():
        if family not in steps:
            continue
        algorithms, files = steps[family]
        overrides = _hand_over(kind, needs, made, failures, root) if chain else {}
        raw = [run.relative(Path(f)) for f in files]
        for algorithm in algorithms:
            out = run.products(setting, family, algorithm, night)
            chosen = _choose(parameters, family, kind, algorithm)
            try:
                require_algorithm(family, algorithm)
                path = make_reference(kind, [Path(f) for f in files], out, overrides, parameters=chosen)
            except TestbedError:
                raise
            except Exception as error:
                failures.append(describe_failure(error, setting, family, algorithm, night))
                continue
            paths.append(path)
            made.setdefault(kind, path)
            rows.append(describe_product(run, path, setting, family, algorithm, night, kind, raw, truth))
    return paths, {"rows": rows, "failures": failures}


def _hand_over(
    kind: str, needs: tuple[str, ...], made: dict[str, Path], failures: list[dict[str, Any]], root: Path
) -> dict[str, Path]:
    """Return what the night has made so far; raise ReferenceFileError where a reference of `kind` needs more."""
    families = {made_kind: family for family, (made_kind, _) in CALIBRATIONS.items()}
    for need in needs:
        if need not in made:
            why = [f"{f['algorithm']}: {f['reason']}" for f in failures if f["family"] == families[need]]
            rest = f"which failed: {'; '.join(why)}" if why else "add its family"
            raise ReferenceFileError(f"the chain's {kind} needs a {need} of the same night; {rest}", file=root)
    return dict(made)


def _choose(parameters: Mapping[str, Mapping[str, Any]], family: str, kind: str, algorithm: str) -> dict[str, Any]:
    """Return the parameters, with the algorithm that the calibration pipeline is to use if not its first one."""
    alias = f"calibrate_{kind}"
    choice = {} if algorithm == CALIBRATORS[family][0] else {"method": algorithm}
    return {**parameters, alias: {**parameters.get(alias, {}), **choice}}
