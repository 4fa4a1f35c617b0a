"""What a run directory holds, read once: scorecard, samples, controls, manifest, provenance, timings.

Only the scorecard must be there. Everything else may be absent (a foreign pipeline, a run that was
interrupted before the controls): the pages then say so. What is there but broken is an error.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from iris_contract.errors import InputError
from iris_contract.manifest import ManifestRow, read_manifest
from iris_contract.scorecard import Scorecard, read_scorecard
from iris_reports.detectors import tell_apart
from iris_validators.parquet import read_samples
from iris_validators.sample import Sample

__all__ = ["CONTROLS_SCHEMA", "PROVENANCE_SCHEMA", "TIMINGS_SCHEMA", "Control", "RunFiles", "load_run"]

CONTROLS_SCHEMA = "iris-testbed/controls/1"
PROVENANCE_SCHEMA = "iris-testbed/provenance/1"
TIMINGS_SCHEMA = "iris-testbed/timings/1"


@dataclass(frozen=True, slots=True)
class Control:
    """One fault that was put in on purpose, and what its specification said with and without it."""

    name: str
    fault: str
    specification: str
    setting: str = ""
    detector: str = ""
    condition: str = ""
    twin_verdict: str = ""
    broken_verdict: str = ""
    twin_value: float | str | None = None
    broken_value: float | str | None = None
    unmoved: tuple[str, ...] = ()
    held: bool = False
    outcome: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class RunFiles:
    """One run, read. `samples` is empty where there are none; `controls` is None where none were run.

    `scores` is the directory of its scorecard: its own, or that of products of another pipeline (`foreign`).
    """

    path: Path
    scores: Path
    scorecard: Scorecard
    samples: tuple[Sample, ...]
    controls: tuple[Control, ...] | None
    manifest: tuple[ManifestRow, ...]
    provenance: dict[str, Any] = field(default_factory=dict)
    timings: dict[str, Any] = field(default_factory=dict)

    @property
    def foreign(self) -> bool:
        """Whether the scorecard is about products of another pipeline."""
        return self.scores != self.path / "scores"

    @property
    def several(self) -> bool:
        """Whether the scorecard is about several detectors."""
        return tell_apart(row.detector for row in self.scorecard.rows)

    def name(self, file: str) -> str:
        """Return the path of a file of the scores, relative to the run."""
        return os.path.relpath(self.scores / file, self.path)


def _read_json(path: Path, schema: str) -> dict[str, Any] | None:
    if not path.exists():
        return None
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"not readable as JSON: {error}", file=path) from None
    found = content.get("schema") if isinstance(content, dict) else content
    if not isinstance(content, dict) or found != schema:
        raise InputError(f"expected {schema}", file=path, key="schema", value=found)
    return content


def _read_controls(path: Path) -> tuple[Control, ...] | None:
    content = _read_json(path, CONTROLS_SCHEMA)
    if content is None:
        return None
    known = {f.name for f in fields(Control)}
    entries = content.get("controls")
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise InputError("must be a list of objects", file=path, key="controls", value=entries)
    controls = []
    for number, entry in enumerate(entries, 1):
        for key in ("name", "fault", "specification"):
            if not isinstance(entry.get(key), str):
                raise InputError(f"control {number}: must be a string", file=path, key=key, value=entry.get(key))
        kept = {key: value for key, value in entry.items() if key in known}
        controls.append(Control(**{**kept, "unmoved": tuple(map(str, entry.get("unmoved") or ()))}))
    return tuple(controls)


def _name(sample: Sample, detector: str) -> Sample:
    """Return the sample with its detector, which is the run's own where it says none."""
    return sample if sample.detector else replace(sample, detector=detector)


def load_run(run: Path, scores: Path | None = None, manifest: Path | None = None) -> RunFiles:
    """Read a run directory, or other `scores` and `manifest` of it.

    Raises InputError where the scorecard is missing or a file is broken.
    """
    run = run.resolve()
    if scores is None:
        manifest = manifest or run / "manifest.json"
    scores = (scores or run / "scores").resolve()
    scorecard, samples = read_scorecard(scores / "scorecard.json"), scores / "samples.parquet"
    own = str(scorecard.run.get("detector", ""))
    return RunFiles(
        path=run,
        scores=scores,
        scorecard=scorecard,
        samples=tuple(_name(sample, own) for sample in read_samples(samples)) if samples.exists() else (),
        controls=_read_controls(scores / "controls.json"),
        manifest=tuple(read_manifest(manifest)) if manifest is not None and manifest.exists() else (),
        provenance=_read_json(run / "provenance.json", PROVENANCE_SCHEMA) or {},
        timings=_read_json(run / "timings.json", TIMINGS_SCHEMA) or {},
    )
