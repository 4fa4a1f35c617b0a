"""From raw frames to calibrated ones: kernels, Steps, pipelines, calibrations, ramp fitters, CRDS.

The functions named here are what other programs need; they are imported when first used, so that
`import iris_reduction` loads neither stpipe nor crds.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from iris_reduction.cache import create_cache, use_cache
    from iris_reduction.delivery import deliver
    from iris_reduction.pipelines.run import make_reference, run_level1, run_level2
    from iris_reduction.selection import select

__all__ = ["create_cache", "deliver", "make_reference", "run_level1", "run_level2", "select", "use_cache"]

_HOMES = {
    "create_cache": "cache",
    "deliver": "delivery",
    "make_reference": "pipelines.run",
    "run_level1": "pipelines.run",
    "run_level2": "pipelines.run",
    "select": "selection",
    "use_cache": "cache",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
