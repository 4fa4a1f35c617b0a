"""The ramp fitters by name: built-in ones, and those of installed packages.

Nothing here imports a built-in algorithm (and with it numba) before it is called. A plugin that
cannot be loaded becomes a `LoadFailure` in its place and disturbs no other.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

from iris_reduction.ramp.protocol import RampFit, RampFitter

__all__ = ["BUILT_IN", "ENTRY_POINT_GROUP", "RAMP_FITTERS", "LazyFitter", "LoadFailure", "load_ramp_fitters"]

ENTRY_POINT_GROUP = "iris_testbed.ramp"
BUILT_IN = ("cds", "mcds", "ols", "gls")


@dataclass(frozen=True, slots=True)
class LazyFitter:
    """A ramp fitter `name` that lives in the module of the same name, imported when first called."""

    name: str

    @property
    def module(self) -> str:
        """Full name of the module that holds the algorithm."""
        return f"{__package__}.{self.name}"

    def __call__(self, *arrays: Any, **options: Any) -> RampFit:
        """Fit every pixel; arguments, result and errors as `RampFitter`."""
        fitter: RampFitter = getattr(import_module(self.module), self.name)
        return fitter(*arrays, **options)


RAMP_FITTERS: Mapping[str, RampFitter] = MappingProxyType({name: LazyFitter(name) for name in BUILT_IN})
"""The built-in fitters."""


@dataclass(frozen=True, slots=True)
class LoadFailure:
    """A plugin that could not be loaded: its entry-point name, and why, in one line."""

    name: str
    reason: str


def load_ramp_fitters() -> Mapping[str, RampFitter | LoadFailure]:
    """Return the built-in fitters and those of the entry-point group `iris_testbed.ramp`, by name.

    Two plugins of one name, or one with the name of a built-in fitter, are LoadFailures under
    `name (module:attribute)`; whether a fitter computes what it should is for `check_ramp_fitter`.
    """
    found: dict[str, RampFitter | LoadFailure] = dict(RAMP_FITTERS)
    plugins = _list_plugins(entry_points, tuple(_date(folder) for folder in sys.path))
    for point in plugins:
        taken = point.name in RAMP_FITTERS or sum(other.name == point.name for other in plugins) > 1
        if taken:
            name = f"{point.name} ({point.value})"
            found[name] = LoadFailure(name, "another ramp fitter has this name; rename the entry point")
        else:
            found[point.name] = _load(point)
    return MappingProxyType(found)


@lru_cache(maxsize=1)
def _list_plugins(find: Callable[..., Iterable[EntryPoint]], _installed: object) -> list[EntryPoint]:
    """Return what `find` finds; it reads the metadata of every package, so only where `_installed` has changed."""
    return sorted(find(group=ENTRY_POINT_GROUP), key=lambda point: (point.name, point.value))


def _date(folder: str) -> tuple[str, int]:
    """Return a folder of packages and when one was last added or taken away; 0 where it is none."""
    path = Path(folder)
    return str(path.absolute()), path.stat().st_mtime_ns if path.exists() else 0


def _load(point: EntryPoint) -> RampFitter | LoadFailure:
    try:
        fitter = point.load()
    except (Exception, SystemExit) as error:  # a plugin may raise anything
        return LoadFailure(point.name, _one_line(f"{point.value}: {type(error).__name__}: {error}"))
    problem = _find_problem(fitter)
    return LoadFailure(point.name, _one_line(f"{point.value}: {problem}")) if problem else cast(RampFitter, fitter)


def _find_problem(fitter: object) -> str | None:
    """Return why `fitter` cannot be called as a RampFitter, or None."""
    if not callable(fitter):
        return f"is {type(fitter).__name__}, not callable"
    try:
        inspect.signature(fitter).bind(None, None, gain=None, read_noise=None, read_dq=None, jump_sigma=4.5)
    except (TypeError, ValueError) as error:
        return f"cannot be called as RampFitter: {error}"
    return None


def _one_line(text: str) -> str:
    return " ".join(text.split())
