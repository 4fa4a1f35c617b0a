"""provenance.json: versions, seeds, command and machine. Exempt from the promise of identical bytes."""

from __future__ import annotations

import json
import platform
import sys
from importlib import metadata

from iris_contract.atomic import write_json
from iris_harness.run_directory import RunDirectory
from iris_harness.scenario import Scenario

__all__ = ["write_provenance"]

PACKAGES = ("iris-testbed", "numpy", "scipy", "astropy", "numba", "pyarrow", "crds", "stpipe")


def _read_contexts(run: RunDirectory) -> dict[str, str]:
    try:
        return dict(json.loads((run.root / "provenance.json").read_text("utf-8"))["contexts"])
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def write_provenance(run: RunDirectory, scenario: Scenario, seed: int, nights: int, contexts: dict[str, str]) -> None:
    """Write what this run was made with; `contexts` names the CRDS context of each cache.

    Contexts that are not given stay as an earlier command of the same run has left them.
    """
    contexts = _read_contexts(run) | contexts
    write_json(
        run.root / "provenance.json",
        {
            "schema": "iris-testbed/provenance/1",
            "versions": {name: metadata.version(name) for name in PACKAGES} | {"python": platform.python_version()},
            "scenario": scenario.name,
            "seed": seed,
            "nights": nights,
            "command": " ".join(["iris-testbed", *sys.argv[1:]]),
            "contexts": contexts,
            "platform": platform.platform(),
        },
    )
