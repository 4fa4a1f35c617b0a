"""Wavelength of every column of every lenslet's spectrum, from measured arc lines: one file per algorithm.

`WAVELENGTH_SOLVERS` maps names to solvers; installed packages add theirs through the entry-point group
`iris_testbed.wavelength`. To add one here: write its file with a function of the same name that follows
`WavelengthSolver`, and add the name to `plugins.BUILT_IN`. How lines are found and measured is no matter of this family
(`iris_reduction.arc_lines`).
"""

from iris_reduction.wavelength.plugins import WAVELENGTH_FAMILY, WAVELENGTH_SOLVERS
from iris_reduction.wavelength.protocol import ArcLines, Spectra, WavelengthSolution, WavelengthSolver

__all__ = ["WAVELENGTH_FAMILY", "WAVELENGTH_SOLVERS", "ArcLines", "Spectra", "WavelengthSolution", "WavelengthSolver"]
