"""The calibrate stage: each night's references, made in the order in which they need each other.

Both settings use the same pipelines and the same command: prerequisites are handed over as
overrides, measured ones in the chain and oracle ones alone.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from iris_contract.atomic import hash_file
from iris_contract.errors import ReferenceFileError
from iris_harness.nights import plan_night
from iris_harness.run_directory import RunDirectory
from iris_harness.scenario import FamilySpec, Scenario
from iris_harness.tasks import Task, TaskResult, hash_source, make_key

__all__ = ["CALIBRATIONS", "calibrate_night", "plan_calibration"]

SOURCES = ("iris_contract", "iris_reduction")

CALIBRATIONS: dict[str, tuple[str, tuple[str, ...]]] = {
    "gain": ("gain", ()),
    "read_noise": ("readnoise", ("gain",)),
    "bad_pixel": ("mask", ("gain", "readnoise")),
    "dark": ("dark", ("gain", "readnoise", "mask")),
    "flat": ("flat", ("gain", "readnoise", "mask")),
}
"""Family to its reference kind and the kinds it needs, in the order in which they are made."""


def plan_calibration(
    run: RunDirectory, scenario: Scenario, nights: int, raw: dict[str, TaskResult], oracle: dict[str, str]
) -> list[Task]:
    """Return one task per night and setting; `raw` are the simulation results by task name."""
    source = hash_source(*SOURCES, "iris_harness.calibrate")
    families = {name: spec for name, spec in scenario.families.items() if name in CALIBRATIONS}
    tasks = []
    for setting in ("alone", "chain"):
        wanted = [spec for spec in families.values() if setting in spec.settings]
        for night in range(1, nights + 1) if wanted else ():
            inputs = _list_inputs(run, scenario, setting, night, wanted)
            hashes = [raw[name].content for files in inputs.values() for name, _ in files]
            overrides = oracle if setting == "alone" else {}
            plan = [(spec.family, spec.algorithms[0], [p for _, p in inputs[spec.family]]) for spec in wanted]
            names = [(family, algorithm, [Path(f).name for f in files]) for family, algorithm, files in plan]
            tasks.append(
                Task(
                    name=f"calibrate-{setting}-{night:03d}",
                    stage="calibrate",
                    call="iris_harness.calibrate:calibrate_night",
                    arguments=(run.root, setting, night, plan, overrides, scenario.detector),
                    key=make_key([setting, night, names, sorted(overrides)], hashes, source),
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
    plan: list[tuple[str, str, list[str]]],
    oracle: dict[str, str],
    detector: str,
) -> tuple[list[Path], Any]:
    """Make the references of one night; the content lists manifest rows."""
    from iris_reduction.cache import use_cache
    from iris_reduction.pipelines import make_reference

    run = RunDirectory(root)
    use_cache(run.cache("alone"))  # nothing is selected there: every prerequisite is handed over
    made = {kind: Path(path) for kind, path in oracle.items()}
    steps = {family: (algorithm, files) for family, algorithm, files in plan}
    outputs, rows = [], []
    for family, (kind, needs) in CALIBRATIONS.items():
        if family not in steps:
            continue
        algorithm, files = steps[family]
        overrides = {need: made[need] for need in needs if need in made}
        for need in sorted(set(needs) - set(made)):  # CRDS must not fill the gap: its references here are truth
            raise ReferenceFileError(
                f"the {setting} {kind} needs a {need} of the same night; add its family", file=root
            )
        out = run.products(setting, family, algorithm, night)
        path = make_reference(kind, [Path(f) for f in files], out, overrides=overrides)
        if setting == "chain":
            made[kind] = path
        outputs.append(path)
        rows.append(
            {
                "product": run.relative(path),
                "product_sha256": hash_file(path),
                "model": f"{kind.capitalize()}Model",
                "night": night,
                "setting": setting,
                "exposure": kind,
                "family": family,
                "algorithm": algorithm,
                "raw": [run.relative(Path(f)) for f in files],
                "raw_sha256": [hash_file(f) for f in files],
                "truth": run.relative(run.as_built(detector)),
                "references": {k: p.name for k, p in overrides.items()},
                "context": "",
            }
        )
    return outputs, rows
