"""The deliver stage: one CRDS cache of measured references, one of oracle references, one of none.

A cache is made anew whenever its references change and in one delivery, so a context in a run never
means two things. The cache of none is what the chain calibrates with, before there is any other.
"""

from __future__ import annotations

import shutil
from datetime import datetime, time
from pathlib import Path
from typing import Any

from iris_contract.atomic import hash_file
from iris_harness.calibrate import SOURCES
from iris_harness.oracle import write_oracle_references
from iris_harness.run_directory import RunDirectory
from iris_harness.scenario import Scenario
from iris_harness.tasks import Task, TaskResult, hash_source, make_key

__all__ = [
    "create_initial",
    "deliver_oracle",
    "deliver_references",
    "plan_delivery",
    "plan_initial",
    "plan_oracle",
]


def plan_initial(run: RunDirectory) -> list[Task]:
    """Return the task that makes the cache without references."""
    key = make_key([], [], hash_source(*SOURCES, "tmt_crds", "iris_harness.deliver"))
    return [Task("deliver-initial", "deliver", "iris_harness.deliver:create_initial", (run.root,), key)]


def plan_oracle(run: RunDirectory, scenario: Scenario, as_built: list[TaskResult]) -> list[Task]:
    """Return the task that writes the oracle references and delivers them to `crds-oracle`, if any family uses them."""
    specs = scenario.exposures.values()
    filters = {
        detector: sorted({spec.filter for spec in specs if spec.detector == detector} - {"dark"})
        for detector in scenario.detectors
    }
    start = datetime.combine(scenario.first_night, time())
    source = hash_source(*SOURCES, "tmt_crds", "iris_harness.deliver", "iris_harness.oracle")
    key = make_key([filters, str(start)], [h for result in as_built for h in result.outputs.values()], source)
    arguments: tuple[Any, ...] = (run.root, start, filters)
    call = "iris_harness.deliver:deliver_oracle"
    if not any("alone" in family.settings for family in scenario.families.values()):
        call, arguments = "iris_harness.deliver:deliver_references", (run.root, "alone", [])
        key = make_key([call], [], source)
    return [Task("deliver-oracle", "deliver", call, arguments, key)]


def plan_delivery(run: RunDirectory, scenario: Scenario, rows: list[dict[str, Any]]) -> list[Task]:
    """Return the task that delivers the references of all nights, in manifest order, to `crds`.

    Of a family's algorithms the first one's are delivered: two references of one kind and date would be one too many.
    """
    first = {(name, spec.algorithms[0]) for name, spec in scenario.families.items()}
    mine = (row for row in rows if row["setting"] == "chain" and (row["family"], row["algorithm"]) in first)
    chain = sorted(mine, key=lambda row: (row["night"], row["product"]))
    files = [str(run.root / row["product"]) for row in chain]
    source = hash_source(*SOURCES, "tmt_crds", "iris_harness.deliver")
    key = make_key([row["product"] for row in chain], [row["product_sha256"] for row in chain], source)
    call, arguments = "iris_harness.deliver:deliver_references", (run.root, "chain", files)
    return [Task("deliver-chain", "deliver", call, arguments, key)]


def deliver_oracle(root: Path, start: datetime, filters: dict[str, list[str]]) -> tuple[list[Path], Any]:
    """Write and deliver the oracle references of each detector, for its filters; the content names the context."""
    run = RunDirectory(root)
    folder = run.root / "truth" / "oracle"
    shutil.rmtree(folder, ignore_errors=True)
    files = []
    for detector, names in filters.items():
        out = folder if len(filters) == 1 else folder / detector
        files += write_oracle_references(run.as_built(detector), out, start, names)
    outputs, content = deliver_references(root, "alone", [str(f) for f in files])
    return [*outputs, *files], content


def create_initial(root: Path) -> tuple[list[Path], Any]:
    """Make the cache without references; the content names its context."""
    from iris_reduction.cache import create_cache

    cache = RunDirectory(root).initial_cache
    shutil.rmtree(cache, ignore_errors=True)
    return _describe_cache(cache, create_cache(cache))


def deliver_references(root: Path, setting: str, files: list[str]) -> tuple[list[Path], Any]:
    """Make the cache of `setting` anew with `files`; the content names the context."""
    from iris_reduction.cache import create_cache
    from iris_reduction.delivery import build_cache

    cache = RunDirectory(root).cache(setting)
    if not files:  # of a scenario without calibrations in the chain
        shutil.rmtree(cache, ignore_errors=True)
        return _describe_cache(cache, create_cache(cache))
    return _describe_cache(cache, build_cache(cache, [Path(f) for f in files]).context)


def _describe_cache(cache: Path, context: str) -> tuple[list[Path], Any]:
    """Return the files of a cache, its context and an identity that changes with any of their bytes."""
    outputs = [p for p in sorted(cache.rglob("*")) if p.is_file() and not p.name.startswith(".")]
    identity = make_key([p.relative_to(cache).as_posix() for p in outputs], [hash_file(p) for p in outputs], "")
    return outputs, {"context": context, "identity": identity}
