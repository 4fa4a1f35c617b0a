"""CRDS observatory plugin for `tmt`: makes the unmodified `crds` package know IRIS.

`crds` has no plugin hook. It keeps the observatories in one shared list, and looks an observatory
up as the package `crds.<name>`. So the name is appended to that list, and this folder, which holds
`tmt/`, to `crds.__path__`. `install` waits for somebody to import `crds`; the files `tmt_crds.pth`
and (Python 3.15, PEP 829) `tmt_crds.start` call it at interpreter start, so that plain `crds`
commands, stpipe and spawned workers all find `tmt`. Until `crds` is imported nothing is loaded
but this module, which imports nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType
    from typing import Any

__all__ = ["OBSERVATORY", "install"]

OBSERVATORY = "tmt"


def install() -> None:
    """Make `crds` know the observatory, now or when it is first imported; may be called again."""
    import sys

    crds = sys.modules.get("crds")
    if crds is not None and getattr(getattr(crds, "__spec__", None), "_initializing", False) is False:
        _register(crds)
    elif not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


def _register(crds: ModuleType) -> None:
    """Append the name to the shared list and this folder to the package path, once."""
    import os
    import sys

    here = os.path.dirname(os.path.abspath(__file__))
    try:
        observatories = sys.modules["crds.core.constants"].ALL_OBSERVATORIES
        if OBSERVATORY not in observatories:
            observatories.append(OBSERVATORY)
        if here not in crds.__path__:
            crds.__path__.append(here)
    except (KeyError, AttributeError) as error:  # crds changed: other observatories must still work
        import warnings

        warnings.warn(f"this crds has no {error}: the observatory {OBSERVATORY} is not available", stacklevel=2)


class _Finder:
    """Finds only `crds`, by asking the finders behind it, and wraps its loader."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the spec of `crds` with a loader that registers the observatory, else None."""
        if name != "crds":
            return None
        import sys

        for finder in sys.meta_path:
            if isinstance(finder, _Finder) or not hasattr(finder, "find_spec"):
                continue
            spec = finder.find_spec(name, path, target)
            if spec is not None and spec.loader is not None:
                spec.loader = _Loader(spec.loader)  # type: ignore[assignment]
                return spec
        return None


class _Loader:
    """The loader of `crds`, which registers the observatory once the module has run."""

    def __init__(self, original: Any) -> None:
        self._original = original

    def __getattr__(self, name: str) -> Any:  # runpy needs get_code, importlib.resources more
        return getattr(self._original, name)

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Leave the creation to the original loader."""
        module: ModuleType | None = self._original.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Run the package, then register."""
        self._original.exec_module(module)
        _register(module)
