"""The spectrograph as it was built: where each wavelength of each lenslet truly falls. Never read by the reduction."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from iris_contract.fitsio import Header, read_layout, write_layout

__all__ = ["SpectrographTruth"]


@dataclass(frozen=True, slots=True, eq=False)
class SpectrographTruth:
    """True geometry and response of the spectra of one mode, on nodes of wavelength.

    `wave` nm (nnode,); `x`, `y` px (nspec, nnode), fine enough for cubic interpolation to 1e-4 px; `throughput`
    (nspec, nnode); `column`, `row` (nspec,) of the lenslet; `width` px (nspec, nnode, 2) of its PSFlet in x and y,
    sigma of a Gaussian of the same full width at half maximum; `scatter` (nspec, nnode), share of its light beyond 8
    px. The header states the mode.
    """

    header: Header
    wave: npt.NDArray[np.float64]
    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]
    throughput: npt.NDArray[np.float32]
    column: npt.NDArray[np.int32]
    row: npt.NDArray[np.int32]
    width: npt.NDArray[np.float32]
    scatter: npt.NDArray[np.float32]

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read the truth of a spectrograph; raises LayoutError."""
        layout, header, content = read_layout(path, "SpectrographTruthModel")
        return cls(header, *(content[spec.name] for spec in layout.hdus))

    def write(self, path: str | Path) -> None:
        """Write it atomically; raises LayoutError."""
        names = [entry.name for entry in fields(self) if entry.name != "header"]
        content = {name.upper(): getattr(self, name) for name in names}
        write_layout(path, "SpectrographTruthModel", self.header, content)
