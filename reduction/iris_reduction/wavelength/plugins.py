"""The wavelength solvers by name: built-in ones, and those of installed packages."""

from __future__ import annotations

from collections.abc import Mapping

from iris_reduction.family import Family
from iris_reduction.wavelength.protocol import WavelengthSolver, compare_result

__all__ = ["BUILT_IN", "WAVELENGTH_FAMILY", "WAVELENGTH_SOLVERS"]

BUILT_IN = ("physical", "legendre", "polynomial")

WAVELENGTH_FAMILY: Family[WavelengthSolver] = Family(
    "iris_reduction.wavelength",
    "wavelength solver",
    "WavelengthSolver",
    "iris_testbed.wavelength",
    BUILT_IN,
    lambda bind: bind(None, None),
    compare_result,
)

WAVELENGTH_SOLVERS: Mapping[str, WavelengthSolver] = WAVELENGTH_FAMILY.built_in
"""The built-in solvers."""
