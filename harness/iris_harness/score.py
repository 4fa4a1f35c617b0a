"""The validate stage: samples per night and group in workers, then one scorecard."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from importlib import metadata
from itertools import groupby
from pathlib import Path
from typing import Any

from iris_contract.errors import TestbedError
from iris_contract.manifest import ManifestRow
from iris_contract.scorecard import Scorecard, write_scorecard
from iris_harness.run_directory import RunDirectory
from iris_harness.scenario import Scenario, name_in_run
from iris_harness.tasks import Task, TaskResult, hash_source, make_key
from iris_validators import FAMILY_MODELS, Failure, RunInfo, Sample, load_specifications, sample_group, score
from iris_validators.junit import write_junit
from iris_validators.parquet import write_samples, write_scorecard_table

__all__ = [
    "Scoring",
    "decode_samples",
    "encode_samples",
    "find_metrics",
    "group_rows",
    "name_samples",
    "plan_samples",
    "sample_rows",
    "score_run",
    "write_scores",
]


@dataclass(frozen=True, slots=True)
class Scoring:
    """What a scorecard says of its run besides the samples."""

    scenario: Scenario
    seed: int
    nights: int
    contexts: Mapping[str, str] = field(default_factory=dict)
    failures: Sequence[Failure] = ()
    reproduce: str = ""
    incomplete: Sequence[str] = ()

    def _say_command(self) -> str:
        """The command, from inside the run directory, that gives the same rows."""
        again = f"iris-testbed run {name_in_run(self.scenario)} --seed {self.seed} --nights {self.nights}"
        return self.reproduce or again

    def judge(self, samples: Iterable[Sample], rows: Sequence[ManifestRow] = ()) -> Scorecard:
        """Return the scorecard; every row points at the products of its algorithm's first night."""
        scenario = self.scenario
        products: dict[tuple[str, str, str, str], tuple[str, ...]] = {}
        for row in sorted(rows, key=lambda r: (r.night, r.product)):
            place = row.family, row.setting, row.algorithm, row.detector
            if row.night == 1:
                products[place] = (*products.get(place, ()), row.product)
        details = {"title": scenario.title, "seed": self.seed, "version": metadata.version("iris-testbed")}
        info = RunInfo(
            scenario=scenario.name,
            nights=self.nights,
            detector=scenario.detector,
            mode=scenario.find_mode(scenario.detector),
            modes={name: scenario.find_mode(name) for name in scenario.detectors},
            families={name: scenario.list_detectors(name) for name in scenario.families},
            seeds=str(self.seed),
            reproduce=self._say_command(),
            contexts=self.contexts,
            artifacts=products,
            details=details | ({"incomplete": list(self.incomplete)} if self.incomplete else {}),
        )
        return score(info, samples, scenario.specifications, self.failures)


def _group(row: ManifestRow) -> tuple[str, str, str, str, str, int]:
    return row.setting, row.family, row.algorithm, row.exposure, row.detector, row.night


def group_rows(manifest: Iterable[ManifestRow]) -> list[list[ManifestRow]]:
    """Return the rows in the groups that are sampled together."""
    ordered = sorted(manifest, key=lambda row: (_group(row), row.product))
    return [list(rows) for _, rows in groupby(ordered, key=_group)]


def plan_samples(run: RunDirectory, scenario: Scenario, manifest: Sequence[ManifestRow]) -> list[Task]:
    """Return one task per setting, family, algorithm, exposure role, detector and night; for families with metrics."""
    source = hash_source("iris_contract", "iris_validators", "iris_harness.score")
    wanted, tasks = find_metrics(scenario.specifications), []
    for rows in group_rows(row for row in manifest if row.family in FAMILY_MODELS):
        inputs = [h for row in rows for h in (row.product_sha256, *row.raw_sha256)]
        key = make_key([[asdict(row) for row in rows], scenario.blocks, wanted], inputs, source)
        arguments = (run.root, rows, scenario.blocks, wanted)
        tasks.append(Task(name_samples(rows[0]), "validate", "iris_harness.score:sample_rows", arguments, key))
    return tasks


def name_samples(row: ManifestRow) -> str:
    """Return the name of the task that samples a product and those of its group."""
    *group, night = _group(row)
    return f"sample-{'-'.join(map(str, group))}-{night:03d}"


def find_metrics(specifications: Iterable[str]) -> tuple[str, ...]:
    """Return the metrics that specifications judge, in order."""
    table = load_specifications()
    return tuple(sorted({table[name].metric for name in specifications}))


def sample_rows(
    root: Path, rows: list[ManifestRow], blocks: int | None, metrics: tuple[str, ...]
) -> tuple[list[Path], Any]:
    """Sample one group; the content lists `samples` and `failures`.

    A product that cannot be compared is a failure of its algorithm; raw files and truth are the run's own.
    """
    try:
        samples = sample_group(root, rows, blocks, metrics)
    except TestbedError as error:
        named, first = str(getattr(error, "file", "")), rows[0]
        if not any(named.endswith(row.product) for row in rows):
            raise
        failure = Failure(first.family, first.algorithm, first.setting, str(error), first.night, first.detector)
        return [], {"samples": [], "failures": [asdict(failure)]}
    return [], {"samples": encode_samples(samples), "failures": []}


def encode_samples(samples: Iterable[Sample]) -> list[dict[str, Any]]:
    """Return samples as JSON-able dictionaries; non-finite numbers become words."""
    return [
        {k: str(v) if isinstance(v, float) and not math.isfinite(v) else v for k, v in asdict(sample).items()}
        for sample in samples
    ]


def decode_samples(content: list[dict[str, Any]]) -> list[Sample]:
    """Return the samples that `encode_samples` wrote."""
    words = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}
    numeric = {"value", "weight"}
    return [Sample(**{k: words.get(v, v) if k in numeric else v for k, v in entry.items()}) for entry in content]


def score_run(
    run: RunDirectory, scoring: Scoring, manifest: Sequence[ManifestRow], results: Sequence[TaskResult]
) -> Scorecard:
    """Judge the samples of every task and write samples, scorecard, table and JUnit report."""
    samples = [s for result in results for s in decode_samples(result.content["samples"])]
    failures = [Failure(**failure) for result in results for failure in result.content["failures"]]
    return write_scores(run.scores, replace(scoring, failures=[*scoring.failures, *failures]), samples, manifest)


def write_scores(out: Path, scoring: Scoring, samples: list[Sample], manifest: Sequence[ManifestRow]) -> Scorecard:
    """Judge the samples and write them, scorecard, table and JUnit report to the folder `out`."""
    scorecard = scoring.judge(samples, manifest)
    out.mkdir(parents=True, exist_ok=True)
    write_samples(out / "samples.parquet", samples)
    write_scorecard(out / "scorecard.json", scorecard)
    write_scorecard_table(out / "scorecard.parquet", scorecard)
    write_junit(out / "junit.xml", scorecard)
    return scorecard
