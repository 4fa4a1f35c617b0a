"""Run the negative controls: prove that every validator fails what is broken.

A control holds only if its specification is PASS on the good products and FAIL on broken twins made
from the same seeds, and if the specifications it must not touch keep their verdicts. A fault that must
fail several specifications is injected once and gives an entry for each. Both twins are judged on the
exposures that are broken, which are of one detector, and on what the scenario requires. Where the good
products decide nothing (too few nights), the control is undecided.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from fnmatch import fnmatchcase
from functools import lru_cache
from importlib import resources
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml

from iris_contract.atomic import hash_file, write_json
from iris_contract.errors import ReferenceFileError
from iris_contract.fitsio import read_header
from iris_contract.manifest import ManifestRow
from iris_contract.scorecard import Scorecard, ScoreRow
from iris_harness.run_directory import RunDirectory
from iris_harness.score import Scoring, decode_samples, encode_samples, find_metrics, name_samples
from iris_harness.tasks import Task, hash_source, make_key
from iris_harness.workers import Workers
from iris_validators import Sample

__all__ = ["Control", "compare", "load_controls", "run_controls", "sample_broken", "split_entry", "summarise"]

SCHEMA = "iris-testbed/controls/1"
UNDECIDED = ("INCONCLUSIVE", "NOT_MEASURED", "NOT_APPLICABLE")


@dataclass(frozen=True, slots=True)
class Control:
    """One control; the fields are those of `data/controls.yaml`.

    An entry of `fails` or `unmoved` is the id of a specification, under the control's own condition or the
    one that follows it; a * in either stands for anything, as in filter=*. `beside` names an algorithm whose
    products the fault takes from, `detector` the one whose products are broken; empty: any.
    """

    name: str
    fault: str
    family: str
    algorithm: str
    setting: str
    exposure: str
    condition: str
    fails: tuple[str, ...]
    unmoved: tuple[str, ...]
    beside: str = ""
    detector: str = ""

    def find_rows(self, manifest: Iterable[ManifestRow], algorithm: str = "") -> list[ManifestRow]:
        """Return the products that this control breaks, or those of another algorithm beside them."""
        mine = (self.family, algorithm or self.algorithm, self.setting, self.exposure)
        rows = [row for row in manifest if (row.family, row.algorithm, row.setting, row.exposure) == mine]
        return [row for row in rows if self.detector in ("", row.detector)]

    def choose_detector(self, manifest: Iterable[ManifestRow], detectors: Sequence[str]) -> Control:
        """Return the control for one detector: the first of `detectors` that has such products."""
        there = {row.detector for row in self.find_rows(manifest)}
        return replace(self, detector=self.detector or next((name for name in detectors if name in there), ""))

    def limit_to(self, required: Collection[str]) -> Control:
        """Return the control without the specifications that a scenario does not require, hence does not judge."""
        kept = (tuple(s for s in entries if split_entry(s)[0] in required) for entries in (self.fails, self.unmoved))
        fails, unmoved = kept
        return replace(self, fails=fails, unmoved=unmoved)


def split_entry(entry: str) -> tuple[str, str]:
    """Return the id of an entry of `fails` or `unmoved`, and the condition that follows it or nothing."""
    name, _, condition = entry.partition(" ")
    return name, condition


@lru_cache(maxsize=1)
def load_controls() -> tuple[Control, ...]:
    """Return the controls that ship with the testbed."""
    text = resources.files("iris_harness").joinpath("data/controls.yaml").read_text("utf-8")
    lists = ("fails", "unmoved")
    return tuple(Control(**entry | {name: tuple(entry[name]) for name in lists}) for entry in yaml.safe_load(text))


def run_controls(
    run: RunDirectory,
    scoring: Scoring,
    workers: Workers,
    manifest: Sequence[ManifestRow],
    good: Mapping[str, Sequence[Sample]],
) -> str:
    """Run every control whose products exist, write scores/controls.json, return a summary.

    `good` are the samples of the good products, by the names of their tasks.
    """
    plans = _plan_controls(run, scoring, manifest)
    results = workers.run("controls", [task for *_, task in plans])
    shutil.rmtree(run.root / "controls", ignore_errors=True)
    refused = _refuse_wrong_detector(run, manifest)
    entries = [refused] if refused else []
    done = zip(plans, results, strict=True)
    for control, nights in groupby(done, key=lambda item: item[0][0]):
        sampled = [(good.get(name, ()), decode_samples(result.content)) for (_, name, _), result in nights]
        twin, broken = (scoring.judge([s for night in side for s in night]) for side in zip(*sampled, strict=True))
        entries += compare(control, twin, broken)
    write_json(run.scores / "controls.json", {"schema": SCHEMA, "controls": entries})
    return summarise(entries)


def _plan_controls(
    run: RunDirectory, scoring: Scoring, manifest: Sequence[ManifestRow]
) -> list[tuple[Control, str, Task]]:
    """Return, per control and night, the control, the name of the task that sampled the good products, and its own."""
    source = hash_source("iris_contract", "iris_reduction", "iris_validators", "iris_harness.faults")
    plans = []
    for number, shipped in enumerate(load_controls()):
        control = shipped.limit_to(scoring.scenario.specifications)
        control = control.choose_detector(manifest, scoring.scenario.detectors)
        rows, others = control.find_rows(manifest), control.find_rows(manifest, control.beside)
        metrics = find_metrics(split_entry(entry)[0] for entry in control.fails + control.unmoved)
        nights = {row.night for row in rows} & {row.night for row in others} if control.fails else set()
        for night in sorted(nights):
            mine = [row for row in rows if row.night == night]
            inputs = [row.product_sha256 for row in rows + others if row.night == night]
            key = make_key([asdict(control), scoring.scenario.blocks], inputs, source)
            call, name = "iris_harness.controls:sample_broken", f"control-{number:02d}-{night:03d}"
            arguments = (run.root, control, mine, name, scoring.scenario.blocks, metrics)
            plans.append((control, name_samples(mine[0]), Task(name, "controls", call, arguments, key)))
    return plans


def summarise(entries: Sequence[Mapping[str, Any]]) -> str:
    """Return how many entries of controls.json held and how many say nothing."""
    undecided = sum(entry["outcome"] == "undecided" for entry in entries)
    held = f"{sum(entry['held'] for entry in entries)} of {len(entries)} held"
    return held + (f", {undecided} undecided" if undecided else "")


def sample_broken(
    root: Path, control: Control, rows: list[ManifestRow], name: str, blocks: int | None, metrics: tuple[str, ...]
) -> tuple[list[Path], Any]:
    """Break the products of one night, sample them, and remove them again."""
    from iris_harness.faults import FAULTS
    from iris_validators import sample_group

    run = RunDirectory(root)
    folder = root / "controls" / name
    broken = []
    try:
        for number, row in enumerate(rows):
            out = folder / str(number)
            path = FAULTS[control.fault](run, row, out)
            product = run.relative(path)
            raw = tuple(product if name == row.product else name for name in row.raw)  # a raw frame is its own product
            broken.append(replace(row, product=product, product_sha256=hash_file(path), raw=raw))
        samples = sample_group(root, broken, blocks, metrics)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return [], encode_samples(samples)


def _find(scorecard: Scorecard, control: Control, entry: str) -> ScoreRow | None:
    """The row of a specification, under the condition that follows its id or the control's own: the first that fits."""
    name, condition = split_entry(entry)
    wanted = (name, control.algorithm, control.setting)
    rows = [row for row in scorecard.rows if (row.requirement, row.algorithm, row.setting) == wanted]
    fitting = (row for row in rows if fnmatchcase(row.condition, condition or control.condition))
    return min(fitting, key=lambda row: row.condition, default=None)


def _choose_condition(control: Control, good: Scorecard) -> Control:
    """Return the control for one condition that fits its own: the first whose good twin passes."""
    mine = (control.algorithm, control.setting)
    rows = [row for row in good.rows if (row.algorithm, row.setting) == mine]
    fitting = sorted({row.condition for row in rows if fnmatchcase(row.condition, control.condition)})
    controls = [replace(control, condition=condition) for condition in fitting] or [control]

    def passes(chosen: Control) -> bool:
        found = (_find(good, chosen, entry) for entry in chosen.fails + chosen.unmoved)
        return all(row is not None and row.verdict == "PASS" for row in found)

    return next(filter(passes, controls), controls[0])


def compare(control: Control, good: Scorecard, broken: Scorecard) -> list[dict[str, Any]]:
    """Return the entries of controls.json for one control from the scorecards of both twins: one for each that fails.

    `outcome` is held, not held or undecided; `reason` says why it is not held.
    """
    control = _choose_condition(control, good)
    moved = [entry for entry in control.unmoved if not _same(control, good, broken, entry)]
    return [_compare(control, entry, moved, good, broken) for entry in control.fails]


def _compare(control: Control, entry: str, moved: Sequence[str], good: Scorecard, broken: Scorecard) -> dict[str, Any]:
    twin, bad = (_find(card, control, entry) for card in (good, broken))
    twin_verdict, broken_verdict = (row.verdict if row else "NOT_MEASURED" for row in (twin, bad))
    outcome, reason = "not held", ""
    if twin_verdict in UNDECIDED:
        outcome = "undecided"
        reason = f"undecided: the good twin is {twin_verdict}: {twin.reason if twin else 'no sample'}"
    elif twin_verdict != "PASS":
        outcome, reason = "undecided", f"undecided: the good twin is {twin_verdict} already, so the fault shows nothing"
    elif broken_verdict != "FAIL":
        reason = f"the broken twin is {broken_verdict}"
    elif moved:
        reason = f"moved: {', '.join(moved)}"
    elif vague := [e for e in control.unmoved if (row := _find(good, control, e)) is None or row.verdict != "PASS"]:
        outcome, reason = "undecided", f"undecided: the good twin does not pass {', '.join(vague)}, which must not move"
    else:
        outcome = "held"
    specification, condition = split_entry(entry)
    return {
        "name": control.name,
        "fault": control.fault,
        "specification": specification,
        "setting": control.setting,
        "detector": control.detector,
        "condition": condition or control.condition,
        "twin_verdict": twin_verdict,
        "broken_verdict": broken_verdict,
        "twin_value": _number(twin),
        "broken_value": _number(bad),
        "unmoved": list(control.unmoved),
        "held": outcome == "held",
        "outcome": outcome,
        "reason": reason,
    }


def _same(control: Control, good: Scorecard, broken: Scorecard, entry: str) -> bool:
    pair = [_find(card, control, entry) for card in (good, broken)]
    return all(pair) and len({row.verdict for row in pair if row}) == 1


def _number(row: ScoreRow | None) -> float | str | None:
    if row is None or row.value is None:
        return None
    return row.value if abs(row.value) < float("inf") else str(row.value)


def _refuse_wrong_detector(run: RunDirectory, manifest: Sequence[ManifestRow]) -> dict[str, Any] | None:
    """The selection must refuse data of a detector that has no reference."""
    from iris_reduction.selection import select

    images = [row for row in manifest if row.family == "image" and row.setting == "chain"]
    if not images:
        return None
    header = read_header(run.root / images[0].raw[0])

    def refuse(header: dict[str, Any]) -> str:
        try:
            select(header, ["flat"], run.cache("chain"))
        except ReferenceFileError as error:
            return str(error)
        return ""

    accepted = not refuse(header)
    refusal = refuse(header | {"DETECTOR": "IMG2"})
    held = accepted and "IMG2" in refusal
    return {
        "name": "reference of the wrong detector is refused by selection",
        "fault": "wrong_detector",
        "specification": "crds.select",
        "condition": "DETECTOR=IMG2",
        "twin_verdict": "PASS" if accepted else "FAIL",
        "broken_verdict": "FAIL" if refusal else "PASS",
        "twin_value": None,
        "broken_value": None,
        "unmoved": [],
        "held": held,
        "outcome": "held" if held else "not held",
        "reason": refusal.replace(str(run.root), "RUN"),
    }
