"""Plug-ins are called with care: what one raises, or returns against its protocol, is said under its name.

Built-in algorithms are not asked: the tests do that once. Whether numbers are right is for the scores.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from iris_contract.errors import TestbedError

__all__ = ["Mismatch", "Plugin", "compare_array", "describe"]

Mismatch: TypeAlias = tuple[str, str] | None
"""What a plug-in returned and what its protocol wants instead; None where both are the same."""


@dataclass(frozen=True, slots=True)
class Plugin:
    """The plug-in `name`, a `title` that must follow `protocol`; `compare` tells where a result does not fit `like`."""

    title: str
    name: str
    protocol: str
    algorithm: Callable[..., Any]
    compare: Callable[[Any, Any], Mismatch]
    like: Any

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """Return what the plug-in does; raise RuntimeError that names it where that breaks the protocol.

        What the user can mend passes as it is: it may come from the files that the plug-in asked for.
        """
        try:
            result = self.algorithm(*arguments, **options)
        except TestbedError:
            raise
        except (Exception, SystemExit) as error:
            raise RuntimeError(f"{self.title} {self.name}: {type(error).__name__}: {error}") from error
        mismatch = self.compare(result, self.like)
        if mismatch:
            found, wanted = mismatch
            raise RuntimeError(f"{self.title} {self.name} returned {found}, where {self.protocol} wants {wanted}")
        return result


def compare_array(name: str, found: object, dtype: npt.DTypeLike, shape: tuple[int, ...]) -> Mismatch:
    """Compare what stands for the array `name` with the `dtype` and `shape` that it must have."""
    if isinstance(found, np.ndarray) and found.dtype == dtype and found.shape == shape:
        return None
    return f"{name} as {describe(found)}", f"{np.dtype(dtype)} {shape}"


def describe(found: object) -> str:
    """Say what a result is: type and shape of an array, the type of anything else."""
    if isinstance(found, np.ndarray):
        return f"{found.dtype} {found.shape}"
    return "None" if found is None else type(found).__name__
