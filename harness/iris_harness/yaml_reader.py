"""Take typed values out of a YAML tree, complaining with file, line and key."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from iris_contract.errors import InputError, ScenarioError
from iris_harness.yaml_lines import Lines

__all__ = ["Reader", "explain", "tell_unknown"]

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")  # names become parts of file names
NUMBER = re.compile(r"[-+]?\d+\.?\d*[eE][-+]?\d+")


class Reader:
    """Takes typed values out of one mapping of the YAML tree and complains with its line."""

    def __init__(self, tree: Any, where: tuple[str | int, ...], path: Path, lines: Lines) -> None:
        self.where, self.path, self.lines = where, path, lines
        if not isinstance(tree, dict):
            raise self.error("must be a mapping", value=tree)
        self.tree, self.taken = tree, set[str]()

    def error(self, problem: str, key: str = "", value: object = None) -> ScenarioError:
        """Return the error to raise for `key`, with its line; without a value where there is none to show."""
        where = (*self.where, key) if key else self.where
        line = self.lines.get(where) or self.lines.get(self.where, 1)
        file, name = f"{self.path}:{line}", ".".join(map(str, where))
        if name and value is None:
            return ScenarioError(f"{name}: {problem}", file=file)
        return ScenarioError(problem, file=file, key=name or None, value=value)

    def take(self, key: str, kind: type | tuple[type, ...], default: Any = ...) -> Any:
        """Return the value of `key`, of type `kind`; raise where it is missing without default."""
        self.taken.add(key)
        if key not in self.tree:
            if default is ...:
                raise self.error("is missing; add it", key)
            return default
        value = self.tree[key]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            names = kind.__name__ if isinstance(kind, type) else " or ".join(k.__name__ for k in kind)
            raise self.error(f"must be {names}{explain(value)}", key, value)
        return value

    def choose(self, key: str, choices: tuple[str, ...], default: Any = ...) -> str:
        """Return the word at `key`, one of `choices`."""
        value = self.take(key, str, default)
        if value not in choices:
            raise self.error(f"must be one of {', '.join(choices)}", key, value)
        return str(value)

    def choose_all(self, key: str, choices: tuple[str, ...], default: Any = ...) -> tuple[str, ...]:
        """Return the list of words at `key`, all out of `choices` and none twice."""
        values = self.take(key, list, default)
        for number, value in enumerate(values):
            if value in values[:number]:
                raise self.error("stands twice", key, value)
            if value not in choices:
                raise self.error(f"must be out of {', '.join(choices)}{explain(value)}", key, value)
        return tuple(values)

    def name(self, text: str, key: str) -> str:
        """Return `text` if it can be part of a file name; raise otherwise."""
        if not NAME.fullmatch(text):
            raise self.error("must be of letters, digits, dots, dashes and underscores", key, text)
        return text

    def positive(self, key: str, kind: type | tuple[type, ...], default: Any = ...) -> Any:
        """Return the number at `key`, above 0 and finite."""
        value = self.take(key, kind, default)
        if not value > 0 or value == float("inf"):
            raise self.error("must be positive and finite", key, value)
        return value

    def inner(self, key: str, default: Any = ...) -> Reader:
        """Return a reader of the mapping at `key`."""
        return Reader(self.take(key, dict, default), (*self.where, key), self.path, self.lines)

    def each(self, key: str) -> dict[str, Reader]:
        """Return a reader of each mapping in the mapping at `key`, by name."""
        reader = self.inner(key)
        if not reader.tree:
            raise self.error("must not be empty", key)
        for name in reader.tree:
            if not isinstance(name, str):
                raise reader.error(f"must be a name{explain(name)}", str(name), name)
        return {k: Reader(v, (*reader.where, k), self.path, self.lines) for k, v in reader.tree.items()}

    def expect(self, *keys: str) -> Reader:
        """Return this reader; raise for the first key that is none of `keys`: misspelt, not another one missing."""
        for key in self.tree:
            if key not in keys:
                raise self.error(tell_unknown(str(key), keys), str(key))
        return self

    def finish(self) -> None:
        """Raise for the first key that nobody took."""
        for key in self.tree:
            if key not in self.taken:
                raise self.error(tell_unknown(str(key), self.taken), str(key))

    def guard(self, build: Callable[[], Any], key: str = "") -> Any:
        """Run `build`; turn an InputError of the contract into one with this file and line."""
        try:
            return build()
        except InputError as error:
            detail = f"{error.key}={error.value!r}: {error.problem}" if error.key else error.problem
            raise self.error(detail, key, self.tree.get(key) if key else self.tree) from None


def tell_unknown(key: str, known: Collection[str]) -> str:
    """Say that a key is unknown, and which one was meant, or else which there are.

    >>> tell_unknown("nigths", ["name", "nights"])
    'unknown key; did you mean nights?'
    """
    nearest = get_close_matches(key, sorted(known), 1)
    return (
        f"unknown key; did you mean {nearest[0]}?" if nearest else f"unknown key; known are {', '.join(sorted(known))}"
    )


def explain(value: object) -> str:
    """Say why a value is not what it looks like: YAML 1.1 reads some words and numbers in its own way."""
    if isinstance(value, bool):
        return "; YAML reads on, off, yes and no as true and false: put a name in quotes"
    if isinstance(value, str) and NUMBER.fullmatch(value):
        return "; YAML reads this as text: write a number as 1.0e-9, with a dot and a signed exponent"
    return ""
