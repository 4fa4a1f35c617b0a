"""No search: what the others are compared with."""

from __future__ import annotations

from typing import Any

from iris_reduction.snowball.protocol import Patch

__all__ = ["none"]


def none(reads: Any, times: Any, **_: Any) -> list[Patch]:
    """Return no patch; arguments as `SnowballFinder`."""
    return []
