"""Manifest rows of what the testbed's own pipelines made, from the products' headers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from iris_contract.atomic import hash_file
from iris_contract.fitsio import read_header
from iris_contract.reftypes import load_reference_types
from iris_harness.run_directory import RunDirectory

__all__ = ["describe_failure", "describe_product"]


def describe_product(
    run: RunDirectory,
    path: Path,
    setting: str,
    family: str,
    algorithm: str,
    night: int,
    role: str,
    raw: Sequence[str],
    truth: str,
) -> dict[str, Any]:
    """Return the JSON-able manifest row of a product, with what its header says of references.

    `raw` and `truth` are paths inside the run.
    """
    header = read_header(path)
    cards = {f"R_{kind.upper()}"[:8]: kind for kind in load_reference_types()}
    references = {kind: str(header[card]).removeprefix("crds://") for card, kind in cards.items() if card in header}
    return {
        "product": run.relative(path),
        "product_sha256": hash_file(path),
        "model": str(header["DATAMODL"]),
        "night": night,
        "setting": setting,
        "exposure": role,
        "family": family,
        "algorithm": algorithm,
        "raw": list(raw),
        "raw_sha256": [hash_file(run.root / name) for name in raw],
        "truth": truth,
        "references": references,
        "context": str(header.get("CRDS_CTX", "")),
        "detector": str(header["DETECTOR"]),
    }


def describe_failure(
    error: Exception, setting: str, family: str, algorithm: str, night: int, detector: str
) -> dict[str, Any]:
    """Return, JSON-able, what an algorithm raised in one night on one detector, in one line."""
    place = {"family": family, "algorithm": algorithm, "setting": setting, "night": night, "detector": detector}
    return place | {"reason": f"{type(error).__name__}: {error}".splitlines()[0]}
