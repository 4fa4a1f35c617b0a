"""The deliver stage: one CRDS cache of measured references, one of oracle references.

A cache is made anew whenever its references change and in one delivery, so a context in a run never
means two things.
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

__all__ = ["deliver_oracle", "deliver_references", "plan_delivery", "plan_oracle"]


def plan_oracle(run: RunDirectory, scenario: Scenario, as_built: TaskResult) -> list[Task]:
    """Return the task that writes the oracle references and delivers them to `crds-oracle`."""
    filters = sorted({spec.filter for spec in scenario.exposures.values()} - {"dark"})
    start = datetime.combine(scenario.first_night, time())
    source = hash_source(*SOURCES, "tmt_crds", "iris_harness.deliver", "iris_harness.oracle")
    key = make_key([filters, str(start)], as_built.outputs.values(), source)
    arguments = (run.root, scenario.detector, start, filters)
    return [Task("deliver-oracle", "deliver", "iris_harness.deliver:deliver_oracle", arguments, key)]


def plan_delivery(run: RunDirectory, rows: list[dict[str, Any]]) -> list[Task]:
    """Return the task that delivers the references of all nights, in manifest order, to `crds`."""
    chain = sorted((row for row in rows if row["setting"] == "chain"), key=lambda row: (row["night"], row["product"]))
    files = [str(run.root / row["product"]) for row in chain]
    source = hash_source(*SOURCES, "tmt_crds", "iris_harness.deliver")
    key = make_key([row["product"] for row in chain], [row["product_sha256"] for row in chain], source)
    call, arguments = "iris_harness.deliver:deliver_references", (run.root, "chain", files)
    return [Task("deliver-chain", "deliver", call, arguments, key)]


def deliver_oracle(root: Path, detector: str, start: datetime, filters: list[str]) -> tuple[list[Path], Any]:
    """Write and deliver the oracle references; the content holds `files` by kind, and the context."""
    run = RunDirectory(root)
    folder = run.root / "truth" / "oracle"
    shutil.rmtree(folder, ignore_errors=True)
    files = write_oracle_references(run.as_built(detector), folder, start, filters)
    outputs, content = deliver_references(root, "alone", [str(f) for f in files])
    by_kind = {kind: str(_pick(files, kind)) for kind in ("gain", "mask", "readnoise")}
    return [*outputs, *files], {**content, "files": by_kind}


def _pick(files: list[Path], kind: str) -> Path:
    """The oracle reference of `kind`, for up-the-ramp data where that matters."""
    found = [f for f in files if f.stem in {f"oracle_{kind}", f"oracle_{kind}_utr"}]
    return found[0]


def deliver_references(root: Path, setting: str, files: list[str]) -> tuple[list[Path], Any]:
    """Make the cache of `setting` anew with `files`; the content names the context."""
    from iris_reduction.delivery import build_cache

    cache = RunDirectory(root).cache(setting)
    delivery = build_cache(cache, [Path(f) for f in files])
    outputs = [p for p in sorted(cache.rglob("*")) if p.is_file() and not p.name.startswith(".")]
    identity = make_key([p.relative_to(cache).as_posix() for p in outputs], [hash_file(p) for p in outputs], "")
    return outputs, {"context": delivery.context, "identity": identity}
