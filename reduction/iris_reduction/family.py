"""A family of algorithms: a mapping of names to functions, built-in ones and those of installed packages.

The family lives in a folder with one file per algorithm, which holds a function of the file's name.
Nothing here imports a built-in algorithm (and with it numba) before it is called. A plugin that
cannot be loaded becomes a `LoadFailure` in its place and disturbs no other.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any, Generic, TypeVar, cast

from iris_contract.errors import InputError
from iris_reduction.plugin import Mismatch, Plugin

__all__ = ["GROUP", "Family", "LazyAlgorithm", "LoadFailure", "refuse_plugins"]

GROUP = "iris_testbed."
"""Where the name of every entry-point group begins; that of the family follows."""

Algorithm = TypeVar("Algorithm")


@dataclass(frozen=True, slots=True)
class LazyAlgorithm:
    """An algorithm `name` of the folder `package`, from the module of the same name, imported when first called."""

    package: str
    name: str

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Call the algorithm; arguments, result and errors as its protocol says."""
        return getattr(import_module(f"{self.package}.{self.name}"), self.name)(*arguments, **options)


@dataclass(frozen=True, slots=True)
class LoadFailure:
    """A plugin that could not be loaded: its entry-point name, and why, in one line."""

    name: str
    reason: str


@dataclass(frozen=True)
class Family(Generic[Algorithm]):
    """The algorithms of `package` (its full name), of which `names` are built in, by name.

    `title` is what one is called in messages, `protocol` the name of what it must follow, `group`
    the entry-point group of plugins; `probe` calls an inspected signature's `bind` as algorithms are called,
    and `compare` tells where a result breaks the protocol, given what it must be like.
    """

    package: str
    title: str
    protocol: str
    group: str
    names: Sequence[str]
    probe: Callable[[Callable[..., Any]], Any]
    compare: Callable[[Any, Any], Mismatch]
    built_in: Mapping[str, Algorithm] = field(init=False)

    def __post_init__(self) -> None:
        built_in = {name: cast(Algorithm, LazyAlgorithm(self.package, name)) for name in self.names}
        object.__setattr__(self, "built_in", MappingProxyType(built_in))

    def load(self) -> Mapping[str, Algorithm | LoadFailure]:
        """Return the built-in algorithms and the plugins by name.

        Two plugins of one name, or one with the name of a built-in algorithm, are LoadFailures under
        `name (module:attribute)`; whether an algorithm computes what it should is not asked here.
        """
        found: dict[str, Algorithm | LoadFailure] = dict(self.built_in)
        plugins = _list_plugins(entry_points, self.group, tuple(_date(folder) for folder in sys.path))
        for point in plugins:
            taken = point.name in self.built_in or sum(other.name == point.name for other in plugins) > 1
            if taken:
                name = f"{point.name} ({point.value})"
                found[name] = LoadFailure(name, f"another {self.title} has this name; rename the entry point")
            else:
                found[point.name] = self._load_plugin(point)
        return MappingProxyType(found)

    def find(self, name: str, key: str) -> Algorithm:
        """Return the algorithm `name`; raise InputError about `key` where there is none or its plugin is broken."""
        found = self.load()
        algorithm = found.get(name)
        if algorithm is None:
            raise InputError(f"no such {self.title}; choose {', '.join(found)}", key=key, value=name)
        if isinstance(algorithm, LoadFailure):
            raise InputError(f"the plugin cannot be used: {algorithm.reason}", key=key, value=name)
        return algorithm

    def guard(self, name: str, key: str, like: Any) -> Algorithm:
        """Return the algorithm `name` as `find` does, a plug-in so that it raises RuntimeError for a wrong result.

        `like` is what a result is compared with: see `compare_result` in the family's protocol.
        """
        algorithm = self.find(name, key)
        if name in self.built_in or not callable(algorithm):
            return algorithm
        return cast(Algorithm, Plugin(self.title, name, self.protocol, algorithm, self.compare, like))

    def list_packages(self, name: str) -> tuple[str, ...]:
        """Return the top-level packages whose files decide what the plugin `name` computes; none if built in.

        They are those of its entry point, of its distribution, and of the functions that a partial holds. What
        these import from elsewhere is not among them.
        """
        modules: set[str] = set()
        for point in _list_plugins(entry_points, self.group, tuple(_date(folder) for folder in sys.path)):
            if point.name == name and name not in self.built_in:
                files = (point.dist.files if point.dist else None) or ()
                modules |= {point.module, *(f.parts[0].removesuffix(".py") for f in files if f.suffix == ".py")}
                modules |= set(_list_modules(self.load().get(name)))
        tops = {module.partition(".")[0] for module in modules} - sys.stdlib_module_names
        return tuple(sorted(top for top in tops if _is_found(top)))

    def list_choices(self) -> str:
        """Return the usable names, quoted, as the options of a Step list them."""
        return ", ".join(f"'{name}'" for name, found in self.load().items() if not isinstance(found, LoadFailure))

    def _load_plugin(self, point: EntryPoint) -> Algorithm | LoadFailure:
        try:
            algorithm = point.load()
        except (Exception, SystemExit) as error:  # a plugin may raise anything
            return LoadFailure(point.name, _one_line(f"{point.value}: {type(error).__name__}: {error}"))
        problem = self._find_problem(algorithm)
        if problem:
            return LoadFailure(point.name, _one_line(f"{point.value}: {problem}"))
        return cast(Algorithm, algorithm)

    def _find_problem(self, algorithm: object) -> str | None:
        """Return why `algorithm` cannot be called as the protocol says, or None."""
        if not callable(algorithm):
            return f"is {type(algorithm).__name__}, not callable"
        try:
            self.probe(inspect.signature(algorithm).bind)
        except (TypeError, ValueError) as error:
            return f"cannot be called as {self.protocol}: {error}"
        return None


def refuse_plugins(family: str, names: Sequence[str]) -> Mapping[str, LoadFailure]:
    """Return a failure for each plugin of a family that has the algorithms `names` and takes no others."""
    points = _list_plugins(entry_points, f"{GROUP}{family}", tuple(_date(folder) for folder in sys.path))
    failures = {}
    for point in points:
        name = f"{point.name} ({point.value})" if point.name in names else point.name
        failures[name] = LoadFailure(name, f"the family {family} takes no plug-ins; it has {', '.join(names)}")
    return MappingProxyType(failures)


@lru_cache(maxsize=16)
def _list_plugins(find: Callable[..., Iterable[EntryPoint]], group: str, _installed: object) -> list[EntryPoint]:
    """Return what `find` finds; it reads the metadata of every package, so only where `_installed` has changed."""
    return sorted(find(group=group), key=lambda point: (point.name, point.value))


def _list_modules(part: object) -> Iterator[str]:
    """Yield the modules of a function or object, and of all that a partial, wrapper or method holds."""
    if isinstance(part, partial):
        for inner in filter(callable, (part.func, *part.args, *part.keywords.values())):
            yield from _list_modules(inner)
        return
    for name in ("__wrapped__", "__self__"):
        if getattr(part, name, None) is not None and not isinstance(part, ModuleType):
            yield from _list_modules(getattr(part, name))
    yield str(getattr(part, "__module__", None) or type(part).__module__)


def _is_found(package: str) -> bool:
    """Tell whether a top-level package or module is installed, without importing it."""
    try:
        return find_spec(package) is not None
    except ValueError:  # no name, or a module that was made by hand
        return False


def _date(folder: str) -> tuple[str, int]:
    """Return a folder of packages and when one was last added or taken away; 0 where it is none."""
    path = Path(folder)
    return str(path.absolute()), path.stat().st_mtime_ns if path.exists() else 0


def _one_line(text: str) -> str:
    return " ".join(text.split())
