"""Safe-load YAML and remember on which line every key stands, so that errors can say where."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from iris_contract.errors import ScenarioError

__all__ = ["Lines", "load_yaml"]

Lines = dict[tuple[str | int, ...], int]


def load_yaml(path: Path) -> tuple[Any, Lines]:
    """Return the content and the line (from 1) of each key path; raise ScenarioError."""
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise ScenarioError(f"cannot read: {error.strerror}", file=path) from None
    except UnicodeDecodeError as error:
        raise ScenarioError(f"is not UTF-8 text: {error.reason}", file=path) from None
    try:
        _refuse_aliases(text, path)
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if node is not None:
            _refuse_values(node, (), path)
        content = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f":{mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise ScenarioError(f"not valid YAML: {problem}", file=f"{path}{line}") from None
    lines: Lines = {}
    if node is not None:
        _collect_lines(node, (), lines, path)
    return content, lines


def _refuse_aliases(text: str, path: Path) -> None:
    """Raise ScenarioError at the first alias: a few lines of them stand for more than memory holds."""
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            line = event.start_mark.line + 1 if event.start_mark else 1
            problem = f"aliases are not read: write out what *{event.anchor} stands for"
            raise ScenarioError(problem, file=f"{path}:{line}")


def _refuse_values(node: yaml.Node, where: tuple[str | int, ...], path: Path) -> None:
    """Raise ScenarioError at the first value that looks like a date or number and is none, as the 13th month."""
    if isinstance(node, yaml.ScalarNode):
        try:
            yaml.SafeLoader("").construct_object(node)
        except ValueError as error:
            place, key = f"{path}:{node.start_mark.line + 1}", ".".join(map(str, where))
            raise ScenarioError(f"cannot be read: {error}", file=place, key=key, value=node.value) from None
    elif isinstance(node, yaml.MappingNode):
        for key_node, value_node in node.value:
            _refuse_values(value_node, (*where, str(key_node.value)), path)
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            _refuse_values(item, (*where, number), path)


def _collect_lines(node: yaml.Node, where: tuple[str | int, ...], lines: Lines, path: Path) -> None:
    lines.setdefault(where, node.start_mark.line + 1)
    if isinstance(node, yaml.MappingNode):
        for key_node, value_node in node.value:
            inner = (*where, str(key_node.value))
            if inner in lines:
                line = key_node.start_mark.line + 1
                raise ScenarioError("key stands twice", file=f"{path}:{line}", key=".".join(map(str, inner)))
            lines[inner] = key_node.start_mark.line + 1
            _collect_lines(value_node, inner, lines, path)
    elif isinstance(node, yaml.SequenceNode):
        for number, item in enumerate(node.value):
            _collect_lines(item, (*where, number), lines, path)
