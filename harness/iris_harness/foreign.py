"""Score the products of another pipeline, listed in a manifest that somebody wrote.

A mistake in the list ends in one line that names row, key and value: the labels of a row must be those
of its raw file, or it would be judged against the wrong truth or limits. A product that cannot be
compared gives ERROR rows for its algorithm and leaves the others alone. What the list leaves out is said.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from iris_contract.atomic import hash_file
from iris_contract.errors import ManifestError, TestbedError
from iris_contract.manifest import ManifestRow, read_manifest
from iris_contract.scorecard import Scorecard
from iris_harness.calibrate import CALIBRATIONS, find_truth
from iris_harness.exposures import ExposureSpec
from iris_harness.matching import find_match
from iris_harness.nights import plan_night
from iris_harness.reduce import SIMULATOR
from iris_harness.run_directory import RunDirectory, hold_run, read_run
from iris_harness.scenario import Scenario
from iris_harness.score import Scoring, find_metrics, group_rows, write_scores
from iris_harness.simulate import list_settings
from iris_reports import render_report
from iris_validators import FAMILY_MODELS, Failure, Sample, sample_group

__all__ = ["ForeignScore", "score_foreign"]

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")  # no dot: scores/NAME must be none of the run's own files


@dataclass(frozen=True, slots=True)
class ForeignScore:
    """Where the scores are, the scorecard, what the manifest leaves out, a line each, and the report's first page."""

    folder: Path
    scorecard: Scorecard
    warnings: tuple[str, ...]
    report: Path


@dataclass(frozen=True, slots=True)
class _Exposure:
    """What the run knows of one of its raw files."""

    setting: str
    night: int
    spec: ExposureSpec
    truth: str


def score_foreign(root: Path, manifest: Path) -> ForeignScore:
    """Score the products that `manifest` lists; write scores and report to scores/NAME of the manifest.

    Raises ManifestError where the list is wrong, RunDirectoryError where the run cannot be used.
    """
    scenario, seed, nights = read_run(root)
    if not NAME.fullmatch(manifest.stem):
        problem = "scores get the name of their manifest: rename it to letters, digits, dashes and underscores"
        raise ManifestError(problem, file=manifest)
    with hold_run(root) as run:
        rows = _check(run, scenario, nights, read_manifest(manifest), manifest)
        samples, failures = _sample(run.root, scenario, rows)
        missing = tuple(_find_missing(scenario, nights, rows))
        command = f"iris-testbed validate . --manifest {manifest.name}"
        scoring = Scoring(scenario, seed, nights, failures=failures, reproduce=command, incomplete=missing)
        out = run.scores / manifest.stem
        scorecard = write_scores(out, scoring, samples, rows)
        return ForeignScore(out, scorecard, missing, render_report(run.root, scores=out, manifest=manifest))


def _check(
    run: RunDirectory, scenario: Scenario, nights: int, rows: Sequence[ManifestRow], file: Path
) -> list[ManifestRow]:
    """Return the rows with their detector; raise ManifestError for the first that is wrong."""
    if not rows:
        raise ManifestError("lists no product", file=file, key="rows", value=[])
    exposures = _list_exposures(run, scenario, nights)
    seen: set[object] = set()
    for number, row in enumerate(rows, 1):
        for problem, key in _find_problems(run, scenario, nights, exposures, row):
            raise ManifestError(f"row {number}: {problem}", file=file, key=key, value=getattr(row, key))
        place = row.setting, row.family, row.algorithm, _name_subject(row, exposures[row.raw[0]].spec)
        product = row.path(run.root)
        if place in seen or product in seen:  # counted twice it would shrink the intervals
            problem = f"row {number}: the same exposure or product stands twice"
            raise ManifestError(problem, file=file, key="product", value=row.product)
        seen |= {place, product}
    return [replace(row, detector=exposures[row.raw[0]].spec.detector) for row in rows]


def _name_subject(row: ManifestRow, spec: ExposureSpec) -> object:
    """Return what an algorithm makes one product of: an exposure, or all of a night that make one reference."""
    if row.family not in CALIBRATIONS:
        return row.raw[0]
    return row.night, find_match(CALIBRATIONS[row.family][0], spec)


def _list_exposures(run: RunDirectory, scenario: Scenario, nights: int) -> dict[str, _Exposure]:
    """Return every raw file of the run by its path inside the run."""
    return {
        run.relative(run.raw(setting, night, planned.exposure)): _Exposure(
            setting, night, planned.spec, run.relative(run.truth(setting, night, planned.exposure))
        )
        for night in range(1, nights + 1)
        for planned in plan_night(scenario, night)
        for setting in list_settings(scenario, planned.spec.role)
    }


def _find_problems(
    run: RunDirectory, scenario: Scenario, nights: int, exposures: Mapping[str, _Exposure], row: ManifestRow
) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a row, and under which key, most telling first."""
    if row.family not in FAMILY_MODELS:
        yield f"no such family; choose {', '.join(FAMILY_MODELS)}", "family"
    elif FAMILY_MODELS[row.family] != row.model:
        yield f"the family {row.family} judges {FAMILY_MODELS[row.family]}", "model"
    if not NAME.fullmatch(row.algorithm):
        yield "must be of letters, digits, dashes and underscores", "algorithm"
    if row.night > nights:
        yield f"the run has {nights} night{'s'[: nights != 1]}", "night"
    if len(row.raw) > 1 and row.family not in (*CALIBRATIONS, SIMULATOR):
        yield "an image has one raw file", "raw"
    if len(set(row.raw)) < len(row.raw):
        yield "a raw file stands twice", "raw"
    for number, raw in enumerate(row.raw):
        if raw not in exposures:
            yield "not the path of a raw file of this run", "raw"
            continue
        known = exposures[raw]
        if row.setting != known.setting:
            yield f"{raw} is of the setting {known.setting}", "setting"
        if row.night != known.night:
            yield f"{raw} is of night {known.night}", "night"
        if number and row.family == SIMULATOR:
            continue  # what was taken before
        if row.family not in CALIBRATIONS and row.exposure != known.spec.role:
            yield f"{raw} is of the role {known.spec.role}", "exposure"
        detector = known.spec.detector
        if row.detector not in ("", detector):
            yield f"{raw} is of the detector {detector}", "detector"
        truth = run.relative(find_truth(run, known.spec, row.family)) if row.family in CALIBRATIONS else known.truth
        if row.truth != truth:
            yield f"the truth of {raw} is {truth}", "truth"


def _sample(root: Path, scenario: Scenario, rows: Sequence[ManifestRow]) -> tuple[list[Sample], list[Failure]]:
    samples: list[Sample] = []
    failures = []
    for group in group_rows(rows):
        first = group[0]
        try:
            for row in group:
                _check_hash(root, row)
            samples += sample_group(root, group, scenario.blocks, find_metrics(scenario.specifications))
        except TestbedError as error:
            place = first.family, first.algorithm, first.setting
            failures.append(Failure(*place, str(error), first.night, first.detector))
    return samples, failures


def _check_hash(root: Path, row: ManifestRow) -> None:
    if not row.path(root).is_file():
        raise ManifestError("the product is missing: there is no such file", file=row.product)
    found = hash_file(row.path(root))
    if found != row.product_sha256:
        raise ManifestError("the product has another hash", file=row.product, key="product_sha256", value=found)


def _find_missing(scenario: Scenario, nights: int, rows: Sequence[ManifestRow]) -> Iterator[str]:
    """Yield one line per family, algorithm, setting and detector that does not cover the run."""
    taken = Counter(planned.spec.role for planned in plan_night(scenario, 1))
    for place in sorted({_place(row) for row in rows}):
        mine = [row for row in rows if _place(row) == place]
        found = len({row.night for row in mine})
        said = [f"{found} of {nights} night{'s'[: nights != 1]}"]
        roles = () if place[0] in CALIBRATIONS else _list_roles(scenario, place[0], mine)
        for role in roles:
            count = sum(row.exposure == role for row in mine)
            if count < taken[role] * nights:
                said.append(f"{count} of {taken[role] * nights} {role} exposures")
        if found < nights or len(said) > 1:
            where = place if len(scenario.detectors) > 1 else place[:3]
            yield f"{', '.join(where)}: the manifest has {', '.join(said)} of the run"


def _place(row: ManifestRow) -> tuple[str, str, str, str]:
    return row.family, row.algorithm, row.setting, row.detector


def _list_roles(scenario: Scenario, family: str, rows: Sequence[ManifestRow]) -> tuple[str, ...]:
    """The roles that a family is judged on: the scenario's of the detector of `rows`, or else those that were given."""
    if family in scenario.families:
        roles = scenario.families[family].exposures
        return tuple(role for role in roles if scenario.exposures[role].detector == rows[0].detector)
    return tuple(sorted({row.exposure for row in rows}))
