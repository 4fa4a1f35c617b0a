"""The snowball finders by name: built-in ones, and those of installed packages."""

from __future__ import annotations

from collections.abc import Mapping

from iris_reduction.family import Family, LoadFailure
from iris_reduction.snowball.protocol import SnowballFinder, compare_result

__all__ = ["BUILT_IN", "SNOWBALL_FAMILY", "SNOWBALL_FINDERS", "load_snowball_finders"]

BUILT_IN = ("none", "core", "grow")

SNOWBALL_FAMILY: Family[SnowballFinder] = Family(
    "iris_reduction.snowball",
    "snowball finder",
    "SnowballFinder",
    "iris_testbed.snowball",
    BUILT_IN,
    lambda bind: bind(None, None, gain=None, read_noise=None, usable=None, read_dq=None, first=0, threshold=4.5),
    compare_result,
)

SNOWBALL_FINDERS: Mapping[str, SnowballFinder] = SNOWBALL_FAMILY.built_in
"""The built-in methods."""


def load_snowball_finders() -> Mapping[str, SnowballFinder | LoadFailure]:
    """Return the built-in methods and the plugins by name."""
    return SNOWBALL_FAMILY.load()
