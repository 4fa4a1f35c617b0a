"""Deliver references to a CRDS cache: certify, number, enter into the rules, switch.

All files of a delivery go in together or not at all. Each must follow its layout and pass
`crds certify`; then it is copied under its official name into a staging folder, the rules of its
kind are derived anew, and so are the instrument's and the pipeline's mapping. Everything moves to
its place, where nothing refers to it yet, and one rename of the configuration makes the new context
current. Names that were ever delivered are never written again. The bytes of a cache depend only on
the files and their order: dates come from the references.
Not modelled: withdrawing a reference, marking one as bad, submission to a server.
"""

from __future__ import annotations

import fcntl
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iris_contract.check import check_file
from iris_contract.errors import LayoutError, ReferenceFileError, RunDirectoryError
from iris_contract.fitsio import Header, read_header
from iris_contract.reftypes import load_reference_types
from iris_reduction.cache import (
    borrow_cache,
    create_cache,
    mapping_path,
    read_config,
    reference_path,
    write_config,
)

__all__ = ["Delivery", "build_cache", "deliver"]


@dataclass(frozen=True, slots=True)
class Delivery:
    """What a delivery did: the new context, and the official name of each file by its path as given."""

    context: str
    names: Mapping[Path, str]


def deliver(cache: str | Path, files: Sequence[str | Path]) -> Delivery:
    """Certify `files`, add them to the rules of `cache` and make the new context current.

    Waits while another process delivers. Raises ReferenceFileError, naming the file, where one is
    unfit or two claim the same place, and RunDirectoryError where the cache cannot be written; the
    cache is then as it was.
    """
    cache, paths = Path(cache).resolve(), [Path(file) for file in files]
    if not paths:
        raise ReferenceFileError("nothing to deliver: give one reference file or more", file=cache)
    headers = [_read_fit_header(path) for path in paths]
    try:
        with _lock(cache), _stage(cache) as stage, borrow_cache(cache):
            return _deliver(cache, stage, paths, headers)
    except OSError as error:
        raise RunDirectoryError(f"cannot deliver: {error.strerror or error}", file=cache) from error


def _deliver(cache: Path, stage: Path, paths: Sequence[Path], headers: Sequence[Header]) -> Delivery:
    """Deliver under the lock."""
    config = read_config(cache)
    names = _number(config, headers)
    for path, name in zip(paths, names, strict=True):
        shutil.copyfile(path, stage / name)
        _certify(stage / name, path, config["latest_context"])
    mappings = _derive_mappings(stage, dict(zip(names, paths, strict=True)), config)
    _publish(cache, stage, [*names, *mappings])
    write_config(cache, _extend(config, names, mappings, headers))
    return Delivery(mappings[-1], dict(zip(paths, names, strict=True)))


def build_cache(cache: str | Path, files: Sequence[str | Path]) -> Delivery:
    """Make the cache `cache` anew with `files` in it, replacing any that was there.

    Works beside it and renames: an interruption leaves the old cache or none, never half of one.
    Raises as `deliver`.
    """
    cache = Path(cache)
    beside = cache.with_name(f".{cache.name}.new")
    shutil.rmtree(beside, ignore_errors=True)
    try:
        create_cache(beside)
        delivery = deliver(beside, files)
        shutil.rmtree(cache, ignore_errors=True)
        beside.rename(cache)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return delivery


# --- fitness -----------------------------------------------------------------------------------


def _read_fit_header(path: Path) -> Header:
    """Return the header of a file that follows a reference layout; raise ReferenceFileError."""
    try:
        violations, header = check_file(path), read_header(path)
    except LayoutError as error:
        raise ReferenceFileError(error.problem, file=path, key=error.key, value=error.value) from None
    table = load_reference_types()
    kind = header.get("REFTYPE")
    if kind not in table or table[str(kind)].model != header.get("DATAMODL"):
        raise ReferenceFileError("not a reference of a known type", file=path, key="REFTYPE", value=kind)
    _refuse(path, violations)
    return header


def _refuse(path: Path, violations: Sequence[str]) -> None:
    if violations:
        more = f" (and {len(violations) - 1} more)" if len(violations) > 1 else ""
        raise ReferenceFileError(f"unfit for delivery: {violations[0]}{more}", file=path)


class _Findings:
    """Collects what `crds certify` would print; takes the place of its script."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def log_and_track_error(self, filename: str, *words: object, **_: object) -> None:
        self.messages.append(" ".join(str(word) for word in words))


def _certify(staged: Path, original: Path, context: str) -> None:
    """Run the checks of `crds certify` in this process; raise ReferenceFileError."""
    from crds.certify.certify import FitsCertifier

    findings = _Findings()
    try:
        FitsCertifier(str(staged), context, script=findings, observatory="tmt").certify()
    except Exception as error:  # crds raises anything
        findings.messages.append(str(error))
    _refuse(original, findings.messages)


# --- rules -------------------------------------------------------------------------------------


def _serial(name: str) -> int:
    return int(name.rsplit("_", 1)[1].split(".")[0])


def _next_name(known: Sequence[str], stem: str, extension: str) -> str:
    """The first name of the series `stem` that follows all known ones."""
    series = re.compile(rf"{re.escape(stem)}_\d{{4}}\.{extension}")
    last = max((_serial(name) for name in known if series.fullmatch(name)), default=0)
    if last == 9999:
        raise ReferenceFileError("all 9999 names of the series are taken; begin a new cache", key="name", value=stem)
    return f"{stem}_{last + 1:04d}.{extension}"


def _number(config: dict[str, Any], headers: Sequence[Header]) -> list[str]:
    """Official names of the references, in order."""
    known = list(config["references"])
    first = len(known)
    for header in headers:
        known.append(_next_name(known, f"tmt_iris_{header['REFTYPE']}", "fits"))
    return known[first:]


def _derive_mappings(stage: Path, files: Mapping[str, Path], config: dict[str, Any]) -> list[str]:
    """Write the new rules, the instrument's and the pipeline's mapping; return their names."""
    from crds.core import rmap

    pmap = rmap.load_mapping(config["latest_context"])
    imap = pmap.get_imap("iris")
    written = []
    for kind in sorted({_kind(name) for name in files}):
        added = [name for name in files if _kind(name) == kind]
        rules = _insert(imap.get_rmap(kind), stage, added, files)
        written.append(_write(rules, stage, _next_name(config["mappings"], f"tmt_iris_{kind}", "rmap")))
        imap.set_item(kind, written[-1])
    written.append(_write(imap, stage, _next_name(config["mappings"], "tmt_iris", "imap")))
    pmap.set_item("iris", written[-1])
    written.append(_write(pmap, stage, _next_name(config["mappings"], "tmt", "pmap")))
    return written


def _kind(name: str) -> str:
    return name.split("_")[2]


def _insert(rules: Any, stage: Path, names: Sequence[str], files: Mapping[str, Path]) -> Any:
    """Return `rules` with the staged references of one kind in them."""
    for name in names:
        try:
            rules = rules.insert_reference(str(stage / name))
        except Exception as error:  # crds raises anything
            raise ReferenceFileError(f"does not fit the rules: {error}", file=files[name]) from None
    for name in set(names) - set(rules.reference_names()):
        raise ReferenceFileError(
            f"another {_kind(name)} of this delivery has the same match keys and time", file=files[name]
        )
    rules.validate_mapping()
    return rules


def _write(mapping: Any, stage: Path, name: str) -> str:
    mapping.header["derived_from"] = mapping.header["name"]
    mapping.header["name"] = name
    mapping.write(str(stage / name))
    return name


# --- places ------------------------------------------------------------------------------------


@contextmanager
def _lock(cache: Path) -> Iterator[None]:
    read_config(cache)  # there must be a cache
    with (cache / "config" / "tmt" / ".delivery.lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield


@contextmanager
def _stage(cache: Path) -> Iterator[Path]:
    """A folder inside the cache, hence on the same disk, which vanishes afterwards."""
    for stale in cache.glob("staging-*"):  # we hold the lock: its owner has died
        shutil.rmtree(stale, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix="staging-") as folder:
        yield Path(folder)


def _publish(cache: Path, stage: Path, names: Sequence[str]) -> None:
    """Move files to their places, read-only; leaves of the tree of mappings come first."""
    for name in names:
        (stage / name).chmod(0o444)
        place = reference_path if name.endswith(".fits") else mapping_path
        (stage / name).replace(place(cache, name))


def _extend(
    config: dict[str, Any], names: Sequence[str], mappings: Sequence[str], headers: Sequence[Header]
) -> dict[str, Any]:
    """The configuration after the delivery, dated by the latest reference in it."""
    context = mappings[-1]
    when = max(f"{header['DATE-OBS']} {header['TIME-OBS']}" for header in headers)
    return config | {
        "context_history": [*config["context_history"], (when, context, f"{len(names)} references")],
        "edit_context": context,
        "last_synced": when,
        "latest_context": context,
        "mappings": sorted([*config["mappings"], *mappings]),
        "operational_context": context,
        "references": sorted([*config["references"], *names]),
    }
