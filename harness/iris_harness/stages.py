"""The stages of a run, in order: simulate, calibrate, deliver, reduce, validate, controls, report.

Stages meet only in files of the run directory. Each stage is a list of tasks (see `tasks`), so a run
that was interrupted, or extended by more nights, does only what is missing.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iris_contract.atomic import write_json
from iris_contract.manifest import ManifestRow, write_manifest
from iris_harness import deliver
from iris_harness.algorithms import find_broken
from iris_harness.calibrate import plan_calibration
from iris_harness.controls import run_controls
from iris_harness.disk import check_space, discard, estimate_bytes, find_use, has_raw, is_whole
from iris_harness.memory import check_memory, estimate_peak, limit_jobs, measure_memory
from iris_harness.nights import plan_night
from iris_harness.progress import Progress
from iris_harness.provenance import write_provenance
from iris_harness.reduce import list_raw_rows, plan_reduction
from iris_harness.run_directory import RunDirectory, open_run
from iris_harness.scenario import Scenario
from iris_harness.score import Scoring, decode_samples, plan_samples, score_run
from iris_harness.simulate import plan_as_built, plan_simulation
from iris_harness.status import summarise
from iris_harness.tasks import Task, TaskResult
from iris_harness.workers import Workers, choose_jobs, count_cores, open_workers
from iris_validators import Failure

__all__ = ["Outcome", "run_stages"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command did: one line or more for the user, and the verdicts that decide its status."""

    summary: str
    verdicts: tuple[str, ...] = ()


def run_stages(
    root: Path,
    scenario: Scenario,
    *,
    until: str = "report",
    seed: int | None = None,
    nights: int | None = None,
    jobs: int | None = None,
    quiet: bool = False,
    keep: str = "all",
) -> Outcome:
    """Run the stages up to `until`; raise TestbedError with one clear line if anything is wrong."""
    seed = scenario.seed if seed is None else seed
    nights = scenario.nights if nights is None else nights
    progress = Progress(quiet)
    jobs, warning = choose_jobs(jobs)
    peak, (total, available) = estimate_peak(scenario), measure_memory()
    check_memory(peak, total)
    jobs, large = limit_jobs(jobs, peak, count_cores(), available)
    pairs = [(family.family, name) for family in scenario.families.values() for name in family.algorithms]
    broken = [] if until == "simulate" else [f"warning: {line}" for line in find_broken(pairs)]
    for line in filter(None, (warning, large, *broken)):
        print(f"iris-testbed: {line}", file=sys.stderr)
    start = time.monotonic()
    with open_run(root, scenario.text, seed, nights) as run:
        if not is_whole(run, nights):
            progress.say(check_space(run.root, estimate_bytes(scenario, nights, keep)))
        if run.manifest.is_file() and not has_raw(run):
            progress.say("raw frames were not kept: simulating them again, since a run is checked from its start")
        write_provenance(run, scenario, seed, nights, {})
        with open_workers(run.root, jobs, progress) as workers:
            outcome = _run_until(run, scenario, seed, nights, workers, until, keep)
        if until == "report":
            outcome = _report(run, progress, outcome, start)
    return outcome


def _run_until(
    run: RunDirectory, scenario: Scenario, seed: int, nights: int, workers: Workers, until: str, keep: str
) -> Outcome:
    as_built = workers.run("as built", plan_as_built(run, scenario, seed))
    frames = plan_simulation(run, scenario, seed, nights)
    later = [] if keep == "all" else [task for task in frames if _find_use(scenario, task) == "science"]
    raw = _by_name(workers.run("simulate", [task for task in frames if task not in later]))
    if until == "simulate":
        return Outcome(f"{len(raw)} raw frames in {run.root / 'raw'}")
    caches = [*deliver.plan_oracle(run, scenario, as_built), *deliver.plan_initial(run)]
    oracle, initial = (result.content for result in workers.run("caches", caches))
    identities = {"alone": oracle["identity"], "chain": initial["identity"]}
    calibrated = workers.run("calibrate", plan_calibration(run, scenario, nights, raw, identities))
    rows = [row for result in calibrated for row in result.content["rows"]]
    if until == "calibrate":
        return Outcome(f"{len(rows)} references in {run.root / 'products'}")
    if keep == "products":
        discard(run, _list_raw(raw, [task for task in frames if _find_use(scenario, task) == "calibration"]))
        raw |= _by_name(workers.run("simulate science", later))
    chain = workers.run("deliver", deliver.plan_delivery(run, scenario, rows))[0].content
    contexts = {"alone": oracle["identity"], "chain": chain["identity"]}
    if until == "deliver":
        return Outcome(f"CRDS context {chain['context']} in {run.cache('chain')}")
    reduced = workers.run("reduce", plan_reduction(run, scenario, nights, raw, contexts))
    rows += [row for result in reduced for row in result.content["rows"]] + list_raw_rows(run, scenario, nights)
    manifest = [_make_row(row) for row in rows]
    write_manifest(run.manifest, manifest)
    if until == "reduce":
        return Outcome(f"{len(rows)} products in {run.manifest}")
    write_provenance(run, scenario, seed, nights, {"crds": chain["context"], "crds-oracle": oracle["context"]})
    names = {"chain": chain["context"], "alone": oracle["context"]}
    failures = [Failure(**failure) for result in [*calibrated, *reduced] for failure in result.content["failures"]]
    outcome = _validate(run, Scoring(scenario, seed, nights, names, failures), workers, manifest)
    if keep == "products":
        discard(run, _list_raw(raw, frames))
    return outcome


def _find_use(scenario: Scenario, task: Task) -> str:
    """Return what the frame that a simulation task makes is for."""
    _, _, night, number, _ = task.arguments
    return find_use(scenario, plan_night(scenario, night)[number - 1].spec.role)


def _list_raw(results: Mapping[str, TaskResult], tasks: Iterable[Task]) -> list[str]:
    """Return the raw files that simulation tasks made."""
    return [name for task in tasks for name in results[task.name].outputs if name.startswith("raw/")]


def _by_name(results: list[TaskResult]) -> dict[str, TaskResult]:
    return {result.name: result for result in results}


def _make_row(row: dict[str, Any]) -> ManifestRow:
    return ManifestRow(**{**row, "raw": tuple(row["raw"]), "raw_sha256": tuple(row["raw_sha256"])})


def _validate(
    run: RunDirectory,
    scoring: Scoring,
    workers: Workers,
    manifest: list[ManifestRow],
) -> Outcome:
    results = workers.run("validate", plan_samples(run, scoring.scenario, manifest))
    scorecard = score_run(run, scoring, manifest, results)
    good = {result.name: decode_samples(result.content["samples"]) for result in results}
    held = run_controls(run, scoring, workers, manifest, good)
    verdicts = tuple(row.verdict for row in scorecard.rows)
    return Outcome(f"{summarise(scorecard.rows)}\ncontrols: {held}", verdicts)


def _report(run: RunDirectory, progress: Progress, outcome: Outcome, start: float) -> Outcome:
    from iris_reports import render_report

    def write_timings() -> None:
        total = round(time.monotonic() - start, 2)
        write_json(
            run.root / "timings.json",
            {"schema": "iris-testbed/timings/1", "stages": progress.timings, "total": total},
        )

    write_timings()
    with progress.stage("report", 1) as stage:
        page = render_report(run.root)
        stage.step()
    write_timings()
    return Outcome(f"{outcome.summary}\nreport: {page}", outcome.verdicts)
