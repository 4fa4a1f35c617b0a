"""manifest.json: one row per product, joining raw file, truth, product, references and settings.

Validators read nothing else to find their way. A foreign pipeline supplies the same rows. Paths are
relative to the run directory and may not leave it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from iris_contract.atomic import write_json
from iris_contract.errors import ManifestError
from iris_contract.instrument import DETECTORS
from iris_contract.layouts import load_layouts

__all__ = ["MANIFEST_SCHEMA", "SETTINGS", "ManifestRow", "read_manifest", "write_manifest"]

MANIFEST_SCHEMA = "iris-testbed/manifest/1"
MOST_NIGHTS = 100_000
SETTINGS: tuple[str, ...] = ("alone", "chain", "stale")


@dataclass(frozen=True, slots=True)
class ManifestRow:
    """One product.

    `model` is the product's DATAMODL; a calibration reference is a product too, and its `truth` is
    the as-built maps, or the spectrograph as built where it is a wavelength solution. `exposure` is
    the scenario's role name (for references: the kind). `raw` and `raw_sha256` list the inputs in
    order. `references` maps kind to the file name that was used.
    `detector` is that of the raw files; empty where it need not be said, since the run has one.
    """

    product: str
    product_sha256: str
    model: str
    night: int
    setting: str
    exposure: str
    family: str
    algorithm: str
    raw: tuple[str, ...]
    raw_sha256: tuple[str, ...]
    truth: str
    references: dict[str, str] = field(default_factory=dict)
    context: str = ""
    detector: str = ""

    def path(self, run: Path, name: str = "product") -> Path:
        """Return the absolute path of `product` or `truth`; raise ManifestError if it leaves `run`."""
        relative = getattr(self, name)
        return _resolve(run, relative, name)


def _resolve(run: Path, relative: str, name: str) -> Path:
    if "\0" in relative:
        raise ManifestError("no path holds a null character", file=run, key=name, value=relative)
    path = (run / relative).resolve()
    if Path(relative).is_absolute() or not path.is_relative_to(run.resolve()):
        raise ManifestError("path leaves the run directory", file=run, key=name, value=relative)
    return path


def _is_hash(value: object) -> bool:
    return isinstance(value, str) and len(value) == 64 and set(value) <= set("0123456789abcdef")


def _parse_row(entry: Any, number: int, file: Path) -> ManifestRow:
    def fail(problem: str, key: str, value: object = None) -> ManifestError:
        return ManifestError(f"row {number}: {problem}", file=file, key=key, value=value)

    if not isinstance(entry, dict):
        raise fail("must be an object", "rows", entry)
    known = {f.name for f in fields(ManifestRow)}
    for key in entry:
        if key not in known:
            raise fail("unknown key", key, entry[key])
    for key in known - {"references", "context", "detector"}:
        if key not in entry:
            raise fail("missing key", key)
    texts = ("product", "model", "exposure", "family", "algorithm", "truth")
    for key in texts:
        if not isinstance(entry[key], str) or not entry[key]:
            raise fail("must be a non-empty string", key, entry[key])
    if (
        not isinstance(entry["night"], int)
        or isinstance(entry["night"], bool)
        or not 1 <= entry["night"] <= MOST_NIGHTS
    ):
        raise fail(f"must be an integer from 1 to {MOST_NIGHTS}", "night", entry["night"])
    if entry["setting"] not in SETTINGS:
        raise fail(f"must be one of {', '.join(SETTINGS)}", "setting", entry["setting"])
    if entry["model"] not in load_layouts():
        raise fail("no such layout", "model", entry["model"])
    if not _is_hash(entry["product_sha256"]):
        raise fail("must be 64 hexadecimal digits", "product_sha256", entry["product_sha256"])
    for key in ("raw", "raw_sha256"):
        if not isinstance(entry[key], list) or not entry[key] or not all(isinstance(v, str) for v in entry[key]):
            raise fail("must be a non-empty list of strings", key, entry[key])
    if len(entry["raw"]) != len(entry["raw_sha256"]) or not all(map(_is_hash, entry["raw_sha256"])):
        raise fail("needs one SHA-256 per raw file", "raw_sha256", entry["raw_sha256"])
    references = entry.get("references", {})
    if not isinstance(references, dict) or not all(isinstance(v, str) for v in references.values()):
        raise fail("must map kinds to file names", "references", references)
    if not isinstance(entry.get("context", ""), str):
        raise fail("must be a string", "context", entry["context"])
    if entry.get("detector", "") not in ("", *DETECTORS):
        raise fail(f"must be one of {', '.join(DETECTORS)}", "detector", entry["detector"])
    values = {**entry, "raw": tuple(entry["raw"]), "raw_sha256": tuple(entry["raw_sha256"])}
    row = ManifestRow(**values)
    for name, relative in (("product", row.product), ("truth", row.truth), *(("raw", raw) for raw in row.raw)):
        _resolve(file.parent, relative, name)
    return row


def read_manifest(path: str | Path) -> list[ManifestRow]:
    """Return the rows of a manifest; raise ManifestError naming row, key and value."""
    path = Path(path)
    try:
        content = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        raise ManifestError("no such file", file=path) from None
    except (OSError, ValueError, RecursionError) as error:
        raise ManifestError(f"not readable as JSON: {error}", file=path) from None
    if not isinstance(content, dict) or content.get("schema") != MANIFEST_SCHEMA:
        found = content.get("schema") if isinstance(content, dict) else content
        raise ManifestError(f"expected {MANIFEST_SCHEMA}", file=path, key="schema", value=found)
    if not isinstance(content.get("rows"), list):
        raise ManifestError("must be a list", file=path, key="rows", value=content.get("rows"))
    return [_parse_row(entry, number, path) for number, entry in enumerate(content["rows"], 1)]


def write_manifest(path: str | Path, rows: list[ManifestRow]) -> None:
    """Write the rows in order of product path, atomically."""
    ordered = sorted(rows, key=lambda row: row.product)
    write_json(path, {"schema": MANIFEST_SCHEMA, "rows": [asdict(row) for row in ordered]})
