"""The reduce stage: science exposures to level 1 or 2 with references that CRDS selects.

One task per setting, family, algorithm, detector and night. The task gets raw files and a cache and nothing
else: it runs just as well where the truth directory is absent.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from iris_contract.errors import TestbedError
from iris_harness.algorithms import STEP_METHODS, hash_algorithm, require_algorithm
from iris_harness.calibrate import CALIBRATIONS
from iris_harness.nights import PlannedExposure, plan_night
from iris_harness.products import describe_failure, describe_product
from iris_harness.run_directory import RunDirectory
from iris_harness.scenario import Scenario
from iris_harness.simulate import forget_as_built
from iris_harness.tasks import Task, TaskResult, hash_source, make_key

__all__ = ["SIMULATOR", "list_raw_rows", "plan_reduction", "reduce_night"]

SOURCES = ("iris_contract", "iris_reduction", "tmt_crds")
LEVEL2_FAMILIES = ("image", "wavelength_map")
BEST = "gls"  # the fitter where the methods of another Step are judged
SIMULATOR = "simulator"  # judges raw frames: nothing to reduce


def plan_reduction(
    run: RunDirectory, scenario: Scenario, nights: int, raw: dict[str, TaskResult], contexts: dict[str, str]
) -> list[Task]:
    """Return the tasks; `contexts` identifies each setting's cache by name and content hash."""
    source = hash_source(*SOURCES, "iris_harness.reduce", "iris_harness.products")
    wanted = [
        (family, setting, algorithm, detector, night)
        for family in scenario.families.values()
        if family.family not in (*CALIBRATIONS, SIMULATOR)
        for setting in family.settings
        for algorithm in family.algorithms
        for detector in scenario.list_detectors(family.family)
        for night in range(1, nights + 1)
    ]
    tasks = []
    for family, setting, algorithm, detector, night in wanted:
        planned = [p for p in plan_night(scenario, night) if p.spec.role in family.exposures]
        exposures = [p for p in planned if p.spec.detector == detector]
        other = "" if detector == scenario.detector else f"-{detector}"
        hashes = [raw[f"simulate-{setting}-{night:03d}-{p.exposure.number:04d}"].content for p in exposures]
        items = [_describe(run, setting, night, p) for p in exposures]
        steps = choose_parameters(scenario, family.family, algorithm)
        code = hash_algorithm(family.family, algorithm)
        parameters = [setting, family.family, algorithm, items, steps, contexts[setting], code]
        tasks.append(
            Task(
                name=f"reduce-{setting}-{family.family}-{algorithm}{other}-{night:03d}",
                stage="reduce",
                call="iris_harness.reduce:reduce_night",
                arguments=(run.root, setting, family.family, algorithm, night, items, steps, detector),
                key=make_key(parameters, hashes, source),
            )
        )
    return tasks


def list_raw_rows(run: RunDirectory, scenario: Scenario, nights: int) -> list[dict[str, Any]]:
    """Return manifest rows of the raw frames by which the simulator itself is judged.

    An exposure without light lists the one before it on its detector as well, whose afterglow it may show.
    """
    spec = scenario.families.get(SIMULATOR)
    rows = []
    for setting in spec.settings if spec else ():
        for night in range(1, nights + 1):
            last: dict[str, PlannedExposure] = {}
            for planned in plan_night(scenario, night):
                before, last[planned.spec.detector] = last.get(planned.spec.detector), planned
                if spec and planned.spec.role in spec.exposures:
                    role, path, truth = _describe(run, setting, night, planned)
                    raw = [path]
                    if before and planned.spec.scene == "blank":
                        earlier = run.raw(setting, night, before.exposure)
                        raw += [run.relative(earlier)] if earlier.exists() else []
                    place = (setting, SIMULATOR, SIMULATOR, night, role)
                    rows.append(describe_product(run, run.root / path, *place, raw, truth))
    return rows


def choose_parameters(scenario: Scenario, family: str, algorithm: str) -> dict[str, dict[str, Any]]:
    """Return the parameters of the Steps: the scenario's, and for a family of Step methods the method to judge."""
    parameters = {alias: dict(values) for alias, values in scenario.reduction.items()}
    if family in STEP_METHODS:
        parameters[family] = {**parameters.get(family, {}), "skip": False, "method": algorithm}
    return parameters


def _describe(run: RunDirectory, setting: str, night: int, planned: PlannedExposure) -> tuple[str, str, str]:
    raw, truth = run.raw(setting, night, planned.exposure), run.truth(setting, night, planned.exposure)
    return planned.spec.role, run.relative(raw), run.relative(truth)


def reduce_night(
    root: Path,
    setting: str,
    family: str,
    algorithm: str,
    night: int,
    items: list[tuple[str, str, str]],
    parameters: dict[str, dict[str, Any]],
    detector: str = "",
) -> tuple[list[Path], Any]:
    """Reduce the exposures of one night and `detector`, in order; the content holds manifest `rows` and `failures`.

    What an algorithm raises becomes a failure of that algorithm, hence an ERROR verdict, and leaves
    the others alone. A missing reference or broken file is the run's own error and stops it.
    """
    from iris_reduction.cache import use_cache

    forget_as_built()  # this process may have simulated
    run = RunDirectory(root)
    use_cache(run.cache(setting))
    outputs: list[Path] = []
    rows: list[dict[str, Any]] = []
    try:
        require_algorithm(family, algorithm)
        fitter = BEST if family in STEP_METHODS else algorithm
        out = run.products(setting, family, algorithm, night)
        for role, raw, truth in items:
            made = _reduce_exposure(run.root / raw, out, family, fitter, _remember(parameters, family, outputs))
            if family != "persistence" or outputs:  # the first has no past: it is that of the others
                rows.append(describe_product(run, made[-1], setting, family, algorithm, night, role, [raw], truth))
            outputs += made
    except TestbedError:
        raise
    except Exception as error:
        failure = describe_failure(error, setting, family, algorithm, night, detector)
        return outputs, {"rows": [], "failures": [failure]}
    return outputs, {"rows": rows, "failures": []}


def _remember(parameters: dict[str, dict[str, Any]], family: str, earlier: list[Path]) -> dict[str, dict[str, Any]]:
    """Tell the Step that treats afterglow what the detector saw before: the family's `earlier` exposures of the night.

    Without a past there is nothing to treat.
    """
    if family != "persistence":
        return parameters
    past = {"previous": ",".join(map(str, earlier))} if earlier else {"skip": True}
    return {**parameters, family: {**parameters[family], **past}}


def _reduce_exposure(
    raw: Path, out: Path, family: str, fitter: str, parameters: dict[str, dict[str, Any]]
) -> list[Path]:
    from iris_reduction.pipelines import run_level1, run_level2

    rate = run_level1(raw, out, fitter, parameters=parameters)
    return [rate, run_level2(rate, out, parameters=parameters)] if family in LEVEL2_FAMILIES else [rate]
