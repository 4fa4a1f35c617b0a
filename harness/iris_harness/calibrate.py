"""The calibrate stage: each night's references, made in the order in which they need each other.

Exposures of a family that CRDS would tell apart, by detector or filter, make references of their own.
Both settings use the same pipelines. Alone, CRDS selects their prerequisites from the oracle's cache.
In the chain they are the same night's own, which no delivery holds yet: they are handed over as
overrides, and the cache in use is the initial one, from which nothing can be selected. Where a family
lists several algorithms, all are judged; the first one's reference is handed over and delivered.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iris_contract.errors import ReferenceFileError, TestbedError
from iris_harness.algorithms import CALIBRATORS, hash_algorithm, require_algorithm
from iris_harness.exposures import ExposureSpec
from iris_harness.matching import Match, find_match, fits
from iris_harness.nights import plan_night
from iris_harness.products import describe_failure, describe_product
from iris_harness.run_directory import RunDirectory
from iris_harness.scenario import Scenario
from iris_harness.simulate import forget_as_built
from iris_harness.tasks import Task, TaskResult, hash_source, make_key

__all__ = ["CALIBRATIONS", "Group", "calibrate_night", "find_truth", "plan_calibration"]

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
    "wavelength": ("arc", ("gain", "readnoise", "mask")),
}
"""Family to its reference kind and the kinds it needs, in the order in which they are made.

Two are judged by what level 1 makes of them, as `saturation` and `persistence`, and have no metrics of their own.
"""


@dataclass(frozen=True, slots=True)
class Group:
    """Raw `files` from which each of the `algorithms` makes one reference, which will `match` so.

    What is made of them is judged by `truth`, which no algorithm sees.
    """

    family: str
    algorithms: tuple[str, ...]
    match: Match
    files: tuple[Path, ...]
    truth: Path

    @property
    def detector(self) -> str:
        """The detector that the files are of."""
        return dict(self.match)["DETECTOR"]


def plan_calibration(
    run: RunDirectory, scenario: Scenario, nights: int, raw: dict[str, TaskResult], caches: dict[str, str]
) -> list[Task]:
    """Return one task per night and setting.

    `raw` are the simulation results by task name; `caches` identifies the cache that each setting's
    calibrations use by its content.
    """
    source = hash_source(
        *SOURCES, "tmt_crds", *(f"iris_harness.{name}" for name in ("calibrate", "matching", "products"))
    )
    tasks = []
    for setting in ("alone", "chain"):
        wanted = any(setting in spec.settings for name, spec in scenario.families.items() if name in CALIBRATIONS)
        for night in range(1, nights + 1) if wanted else ():
            plan, inputs = _plan_groups(run, scenario, setting, night)
            names = [(g.family, g.algorithms, g.match, [path.name for path in g.files]) for g in plan]
            code = [hash_algorithm(g.family, name) for g in plan for name in g.algorithms]
            parameters = [setting, night, names, code, scenario.reduction, caches[setting]]
            tasks.append(
                Task(
                    name=f"calibrate-{setting}-{night:03d}",
                    stage="calibrate",
                    call="iris_harness.calibrate:calibrate_night",
                    arguments=(run.root, setting, night, plan, dict(scenario.reduction)),
                    key=make_key(parameters, [raw[name].content for name in inputs], source),
                )
            )
    return tasks


def _plan_groups(run: RunDirectory, scenario: Scenario, setting: str, night: int) -> tuple[list[Group], list[str]]:
    """Return the groups of one night and setting in the order in which they are made, and the tasks before them."""
    groups: list[Group] = []
    inputs: list[str] = []
    for family, (kind, _) in CALIBRATIONS.items():
        spec = scenario.families.get(family)
        if spec is None or setting not in spec.settings:
            continue
        found: dict[Match, list[Path]] = {}
        truths: dict[Match, Path] = {}
        for planned in plan_night(scenario, night):
            if planned.spec.role in spec.exposures:
                path = run.raw(setting, night, planned.exposure)
                match = find_match(kind, planned.spec)
                found.setdefault(match, []).append(path)
                truths[match] = find_truth(run, planned.spec, family)
                inputs.append(f"simulate-{setting}-{night:03d}-{planned.exposure.number:04d}")
        groups += [Group(family, spec.algorithms, m, tuple(files), truths[m]) for m, files in found.items()]
    return groups, inputs


def find_truth(run: RunDirectory, spec: ExposureSpec, family: str) -> Path:
    """Return the truth by which a family's references are judged: of the spectrograph, or of the detector."""
    if family == "wavelength" and spec.lenslet is not None:
        return run.spectrograph(spec.lenslet)
    return run.as_built(spec.detector)


def calibrate_night(
    root: Path, setting: str, night: int, plan: Sequence[Group], parameters: dict[str, dict[str, Any]]
) -> tuple[list[Path], Any]:
    """Make the references of one night in order of `plan`; the content holds manifest `rows` and `failures`.

    `parameters` are those of the Steps by alias. What an algorithm raises becomes a failure of that
    algorithm. Raises ReferenceFileError where the chain lacks a prerequisite.
    """
    from iris_reduction.cache import use_cache
    from iris_reduction.pipelines import make_reference

    forget_as_built()  # this process may have simulated
    run = RunDirectory(root)
    chain = setting == "chain"
    use_cache(run.initial_cache if chain else run.cache(setting))
    made: dict[tuple[str, Match], Path] = {}
    paths: list[Path] = []
    rows: list[dict[str, Any]] = []
    failures: list[dict[str, Any]] = []
    for group in plan:
        kind, _ = CALIBRATIONS[group.family]
        overrides = _hand_over(group, made, failures, root) if chain else {}
        raw, truth = [run.relative(path) for path in group.files], run.relative(group.truth)
        for algorithm in group.algorithms:
            out = run.products(setting, group.family, algorithm, night)
            chosen = _choose(parameters, group.family, kind, algorithm)
            try:
                require_algorithm(group.family, algorithm)
                path = make_reference(kind, group.files, out, overrides, parameters=chosen)
            except TestbedError:
                raise
            except Exception as error:
                failures.append(describe_failure(error, setting, group.family, algorithm, night, group.detector))
                continue
            paths.append(path)
            made.setdefault((kind, group.match), path)
            rows.append(describe_product(run, path, setting, group.family, algorithm, night, kind, raw, truth))
    return paths, {"rows": rows, "failures": failures}


def _hand_over(
    group: Group, made: Mapping[tuple[str, Match], Path], failures: list[dict[str, Any]], root: Path
) -> dict[str, Path]:
    """Return what the night has made so far of the group's detector; of several of one kind, rather one that matches.

    Raises ReferenceFileError where the group's reference needs more.
    """
    kind, needs = CALIBRATIONS[group.family]
    families = {made_kind: family for family, (made_kind, _) in CALIBRATIONS.items()}
    offered: dict[str, Path] = {}
    for (other, match), path in sorted(made.items(), key=lambda entry: not fits(entry[0][1], group.match)):
        if match[0] == group.match[0]:
            offered.setdefault(other, path)
    for need in needs:
        if need not in offered:
            place = families[need], group.detector
            why = [f"{f['algorithm']}: {f['reason']}" for f in failures if (f["family"], f["detector"]) == place]
            rest = f"which failed: {'; '.join(why)}" if why else "add its family"
            problem = f"the chain's {kind} needs a {need} of {group.detector} of the same night; {rest}"
            raise ReferenceFileError(problem, file=root)
    return offered


def _choose(parameters: Mapping[str, Mapping[str, Any]], family: str, kind: str, algorithm: str) -> dict[str, Any]:
    """Return the parameters, with the algorithm that the calibration pipeline is to use if not its first one."""
    alias = f"calibrate_{kind}"
    choice = {} if algorithm == CALIBRATORS[family][0] else {"method": algorithm}
    return {**parameters, alias: {**parameters.get(alias, {}), **choice}}
