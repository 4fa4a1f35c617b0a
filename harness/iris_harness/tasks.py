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
    """Return a hash over the source files of the named packages or modules."""
    digest = hashlib.sha256()
    for package in packages:
        path = Path(str(import_module(package).__file__))
        folder = path.parent if path.name == "__init__.py" else None
        files = sorted(p for p in folder.rglob("*") if p.suffix in {".py", ".yaml", ".ecsv"}) if folder else [path]
        for source in files:
            digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()


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
