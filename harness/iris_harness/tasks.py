"""Tasks that are done once: a record of inputs and outputs lets an interrupted run go on.

A task is finished when its record names the same key (a hash of parameters, input hashes, version
and the source code it runs) and every output still has the hash it was recorded with.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module, metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from iris_contract.atomic import hash_file, write_json

__all__ = ["Task", "TaskResult", "find_result", "hash_source", "make_key", "run_task"]


@dataclass(frozen=True, slots=True)
class Task:
    """A piece of work: `call(*arguments)` returns (output paths, JSON-able content).

    `name` is unique in the run, `key` identifies everything that decides the result, `call` is a
    module-level function given as "module:function" so that workers import it by name.
    """

    name: str
    stage: str
    call: str
    arguments: tuple[Any, ...]
    key: str


@dataclass(frozen=True, slots=True)
class TaskResult:
    """What a task made: relative output path to SHA-256, and its content."""

    name: str
    outputs: dict[str, str]
    content: Any = field(default=None)


@lru_cache
def hash_source(*packages: str) -> str:
    """Return a hash over every file of the named packages or modules, data too, by path inside the package."""
    digest = hashlib.sha256()
    for package in packages:
        for name, source in _list_files(package):
            content = source.read_bytes()
            digest.update(f"{package}/{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def _list_files(package: str) -> list[tuple[str, Path]]:
    """Return the files of a package by path inside it, without what Python compiles and what is hidden."""
    spec = find_spec(package)
    if spec is None or spec.submodule_search_locations is None:
        path = Path(spec.origin) if spec and spec.has_location and spec.origin else None
        return [(path.name, path)] if path else []  # what is built into the interpreter has no file
    folders = map(Path, spec.submodule_search_locations)
    found = [(path.relative_to(folder), path) for folder in folders for path in folder.rglob("*")]
    kept = [(name, path) for name, path in found if not any(p[0] == "." or p == "__pycache__" for p in name.parts)]
    return sorted((name.as_posix(), path) for name, path in kept if path.is_file())


def make_key(parameters: Any, inputs: Iterable[str], source: str) -> str:
    """Return the key of a task from JSON-able parameters, input hashes and a source hash."""
    text = json.dumps([parameters, list(inputs), source, metadata.version("iris-testbed")], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _record(root: Path, task: Task) -> Path:
    return root / "log" / "tasks" / f"{task.name}.json"


def find_result(root: Path, task: Task) -> TaskResult | None:
    """Return the recorded result of a finished task, or None if it must run."""
    try:
        record = json.loads(_record(root, task).read_text("utf-8"))
        if record["key"] != task.key:
            return None
        for name, digest in record["outputs"].items():
            if hash_file(root / name) != digest:
                return None
        return TaskResult(task.name, record["outputs"], record["content"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def run_task(root: Path, task: Task) -> TaskResult:
    """Run a task and record it; outputs are hashed before the record is written."""
    module, _, function = task.call.partition(":")
    call: Callable[..., tuple[list[Path], Any]] = getattr(import_module(module), function)
    paths, content = call(*task.arguments)
    outputs = {path.relative_to(root).as_posix(): hash_file(path) for path in sorted(set(paths))}
    write_json(_record(root, task), {"key": task.key, "outputs": outputs, "content": content})
    return TaskResult(task.name, outputs, content)
