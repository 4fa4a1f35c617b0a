"""Score: samples of a whole run in, scorecard out.

Every specification that a scenario requires gives one row per setting, algorithm, detector and condition.
What one algorithm of a family was measured for and another was not is NOT_MEASURED for the other, and a
required specification without any sample of a detector is one NOT_MEASURED row: nothing drops out silently. What
failed is ERROR: one row per specification and place, or one for each condition that others have. A
row's `requirement` is the id of its specification, whose documents stand under `specifications`.
Specifications that are not required give no rows; the run lists them as `outside` the scenario.
Verdicts over all conditions of a specification stand under `requirements`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from iris_contract.errors import InputError
from iris_contract.scorecard import FAMILIES, Scorecard, ScoreRow
from iris_validators.measurement import Measurement, combine
from iris_validators.sample import Key, Sample, group_samples
from iris_validators.specification import Specification, load_specifications
from iris_validators.verdict import Verdict, judge, judge_requirement

__all__ = ["Failure", "RunInfo", "describe_specifications", "score"]

Place = tuple[str, str, str]  # setting, algorithm, detector


@dataclass(frozen=True, slots=True)
class Failure:
    """An algorithm, or the sampling of its products, that could not be run, in one night or altogether."""

    family: str
    algorithm: str
    setting: str
    reason: str
    night: int | None = None
    detector: str = ""


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What the scorecard says of the run.

    `detector` is that of samples and failures which name none, used in `mode`; `modes` maps the other detectors to
    theirs, and `families` each family to the detectors that it is to be measured on, where it is not that one alone.
    `contexts` maps a setting to its CRDS context; `artifacts` maps (family, setting, algorithm, detector) to
    paths inside the run; `reproduce` is a command line; `details` go into the scorecard's `run`.
    """

    scenario: str
    nights: int
    detector: str = ""
    mode: str = ""
    seeds: str = ""
    reproduce: str = ""
    contexts: Mapping[str, str] = field(default_factory=dict)
    artifacts: Mapping[tuple[str, str, str, str], tuple[str, ...]] = field(default_factory=dict)
    details: Mapping[str, Any] = field(default_factory=dict)
    modes: Mapping[str, str] = field(default_factory=dict)
    families: Mapping[str, Sequence[str]] = field(default_factory=dict)


def score(
    run: RunInfo,
    samples: Iterable[Sample],
    required: Sequence[str],
    failures: Sequence[Failure] = (),
    specifications: Mapping[str, Specification] | None = None,
) -> Scorecard:
    """Return the scorecard of a run over the `required` specification ids.

    Raises InputError where a required specification does not exist.
    """
    table = load_specifications() if specifications is None else specifications
    for name in required:
        if name not in table:
            raise InputError(f"no such specification; choose {', '.join(table)}", key="required", value=name)
    groups = group_samples(s if s.detector else replace(s, detector=run.detector) for s in samples)
    failures = [f if f.detector else replace(f, detector=run.detector) for f in failures]
    rows, requirements = [], []
    for spec in sorted((table[name] for name in set(required)), key=lambda s: (FAMILIES.index(s.family), s.id)):
        broken = _merge_failures(f for f in failures if _concerns(spec, f))
        expected = run.families.get(spec.family, (run.detector,))
        for place, conditions in sorted(_find_places(spec, groups, broken, expected).items()):
            reason = broken.get(place, "")
            found = _judge_place(run, spec, place, conditions, reason)
            verdict = judge_requirement(spec, list(conditions.values()))
            if reason:  # some nights may be fine: that verifies nothing
                verdict = Verdict("ERROR", reason)
            requirements.append(_describe(spec, place, verdict, len(found)))
            rows += found
    outside = sorted(set(table) - set(required))
    header = {"scenario": run.scenario, "nights": run.nights, "detector": run.detector, "mode": run.mode}
    if len(run.modes) > 1:
        header["detectors"] = ", ".join(f"{name} ({mode})" for name, mode in run.modes.items())
    lists = {"requirements": requirements, "outside": outside, "specifications": describe_specifications(table)}
    return Scorecard({**run.details, **header, "seeds": run.seeds, **lists}, tuple(rows))


def _find_places(
    spec: Specification, groups: Mapping[Key, list[Sample]], broken: Iterable[Place], expected: Iterable[str]
) -> dict[Place, dict[str, list[Sample]]]:
    """Samples by place and condition; a place or condition that others have is there, if empty.

    Conditions are those of the same detector. One of the `expected` detectors without a place gets an empty one.
    """
    family = {(setting, algorithm, detector) for f, _, setting, algorithm, _, detector in groups if f == spec.family}
    mine = {
        key[2:]: found
        for key, found in groups.items()
        if key[:2] == (spec.family, spec.metric) and spec.applies(*key[2:5])
    }
    places: dict[Place, dict[str, list[Sample]]] = {place: {} for place in broken}
    for setting, algorithm, detector in family:
        there = {c for s, _, c, d in mine if (s, d) == (setting, detector)}
        ordered = sorted((c for c in there if spec.applies(setting, algorithm, c)), key=_natural)
        if ordered:
            found = {c: mine.get((setting, algorithm, c, detector), []) for c in ordered}
            places[setting, algorithm, detector] = found
    missing = set(expected) - {detector for *_, detector in places}
    return places | {("", "", detector): {"all": []} for detector in missing}


def _natural(text: str) -> list[tuple[float, str]]:
    """Sort key that puts rate=2 before rate=10."""
    parts = re.split(r"(\d+(?:\.\d+)?(?:e[-+]?\d+)?)", text)
    return [(float(part), "") if number % 2 else (math.inf, part) for number, part in enumerate(parts)]


def _concerns(spec: Specification, failure: Failure) -> bool:
    """Whether a failure hits a specification; which conditions it would have measured is unknown."""
    return failure.family == spec.family and spec.covers(failure.setting, failure.algorithm)


def _merge_failures(failures: Iterable[Failure]) -> dict[Place, str]:
    """One reason per place: the first, with all nights that share it, and how many differ."""
    reasons: dict[Place, dict[str, list[int]]] = {}
    for failure in failures:
        place = failure.setting, failure.algorithm, failure.detector
        nights = reasons.setdefault(place, {}).setdefault(failure.reason, [])
        nights += [failure.night] if failure.night is not None else []
    return {place: _phrase(found) for place, found in reasons.items()}


def _phrase(reasons: Mapping[str, list[int]]) -> str:
    reason, nights = next(iter(reasons.items()))
    when = f"night{'s' * (len(nights) > 1)} {', '.join(map(str, sorted(set(nights))))}: " if nights else ""
    return when + reason + (f" (and {len(reasons) - 1} other reasons)" if len(reasons) > 1 else "")


def describe_specifications(table: Mapping[str, Specification]) -> dict[str, dict[str, Any]]:
    """Return what stands behind each row's `requirement`, by specification id, ready for JSON."""
    names = ("metric", "title", "unit", "provenance", "document", "note")
    return {
        spec.id: {**{name: getattr(spec, name) for name in names}, "limits": str(spec.limits)}
        for spec in table.values()
    }


def _describe(spec: Specification, place: Place, verdict: Verdict, rows: int) -> dict[str, Any]:
    return {
        "specification": spec.id,
        "setting": place[0],
        "algorithm": place[1],
        "detector": place[2],
        "verdict": verdict.word,
        "reason": verdict.reason,
        "rows": rows,
    }


def _judge_place(
    run: RunInfo, spec: Specification, place: Place, conditions: Mapping[str, list[Sample]], broken: str
) -> list[ScoreRow]:
    """Rows of one place; where it is `broken`, conditions without a sample are ERROR, or else one row is."""
    rows = []
    for condition, samples in conditions.items():
        measured = combine(samples) if samples else None
        verdict = judge(spec, measured) if samples or not broken else Verdict("ERROR", broken)
        rows.append(_make_row(run, spec, place, condition, measured, verdict))
    if broken and all(conditions.values()):
        rows.append(_make_row(run, spec, place, "all", None, Verdict("ERROR", broken)))
    return rows


def _meets_goal(spec: Specification, measured: Measurement) -> bool | None:
    if spec.goals is None or measured.value is None or measured.low is None or measured.high is None:
        return None
    return spec.goals.holds(measured.low, measured.high)


def _make_row(
    run: RunInfo, spec: Specification, place: Place, condition: str, found: Measurement | None, verdict: Verdict
) -> ScoreRow:
    measured = found or Measurement(None, None, None, "", 0)
    setting, algorithm, detector = place
    return ScoreRow(
        metric=spec.metric,
        family=spec.family,
        algorithm=algorithm,
        setting=setting,
        condition=condition,
        mode=run.modes.get(detector, run.mode),
        detector=detector,
        scenario=run.scenario,
        nights=measured.n,
        n_excluded=max(0, run.nights - measured.n) if measured.n else 0,
        value=measured.value,
        unit=spec.unit,
        low=measured.low,
        high=measured.high,
        method=measured.method,
        limit_low=spec.limits.low,
        limit_high=spec.limits.high,
        goal_low=spec.goals.low if spec.goals else None,
        goal_high=spec.goals.high if spec.goals else None,
        goal_met=_meets_goal(spec, measured),
        verdict=verdict.word,
        reason=verdict.reason,
        provenance=spec.provenance,
        requirement=spec.id,
        context=run.contexts.get(setting, ""),
        seeds=run.seeds,
        artifacts=run.artifacts.get((spec.family, setting, algorithm, detector), ()),
        reproduce=run.reproduce,
        level=measured.level,
    )
