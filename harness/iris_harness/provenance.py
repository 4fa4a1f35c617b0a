"""provenance.json: versions, seeds, command and machine. Exempt from the promise of identical bytes."""

from __future__ import annotations

import platform
import sys
from importlib import metadata

from iris_contract.atomic import write_json
from iris_harness.run_directory import RunDirectory
from iris_harness.scenario import Scenario

__all__ = ["write_provenance"]

PACKAGES = ("iris-testbed", "numpy", "scipy", "astropy", "numba", "pyarrow", "crds", "stpipe")


def write_provenance(run: RunDirectory, scenario: Scenario, seed: int, nights: int, contexts: dict[str, str]) -> None:
    """Write what this run was made with; `contexts` names the CRDS context of each cache."""
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
