"""The lenslets that a mask lights, and where they stand in their array.

The array is square and turned by atan(1/16) against the rows of the detector: with i the column (whole) and j the row
(half-integer) from the middle of the field, a lenslet stands at u = 32 i - 2 j px along dispersion and
v = 2 i + 32 j px across, in the focal plane of the collimator; `rays` says where its light falls. Masks are drawn in
u, v and j [C], by analogy with the serrated masks of OSIRIS. Not modelled: partly covered lenslets, and
FINE_MASK_CALIBRATION between two columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from iris_contract.errors import InputError
from iris_contract.instrument import load_instrument

__all__ = ["SINGLE_COLUMN", "Lattice", "load_lattice"]

Float = npt.NDArray[np.float64]
SINGLE_COLUMN = "FINE_MASK_CALIBRATION"
"""The mask that lights one column of the bounding box of FINE_MASK."""


@dataclass(frozen=True, slots=True, eq=False)
class Lattice:
    """The n lit lenslets of `mask`, sorted by row, then column.

    `shape` (nrow, ncol) is the bounding box, `column` and `row` int32 (n,) count from 0 in it, and `i` and `j`
    float64 (n,) from the middle of the field. `along` and `across` dispersion float64 (n,) are px from the middle of
    the field, before the grating narrows them.
    """

    mask: str
    shape: tuple[int, int]
    column: npt.NDArray[np.int32]
    row: npt.NDArray[np.int32]
    i: Float
    j: Float
    along: Float
    across: Float

    def find_neighbours(self, columns: int, rows: int) -> tuple[Float, Float]:
        """Return px along and across (n,), lit or not, of the lenslets that many columns and rows further on."""
        return _place(self.i + columns, self.j + rows, load_instrument().values)


def _place(i: Float, j: Float, values: dict[str, Any]) -> tuple[Float, Float]:
    """Px along dispersion and across, from the middle of the field."""
    pitch, spacing = values["lenslet.pitch"], values["lenslet.spectrum_spacing"]
    return pitch * i - spacing * j, spacing * i + pitch * j


def _light(mask: str, i: Float, j: Float) -> npt.NDArray[np.bool_]:
    """Tell which lenslets of a whole array a mask lights; i and j (rows, columns)."""
    values = load_instrument().values
    along, across = _place(i, j, values)
    if mask in ("FINE_MASK", SINGLE_COLUMN):
        return _lie_within(along, values["lenslet.fine_half_width"]) & _lie_within(j, values["lenslet.fine_half_rows"])
    width, height = values["lenslet.wide_half_width"], values["lenslet.wide_half_height"]
    lit = _lie_within(along, width) & _lie_within(across, height)
    return np.outer(lit.any(axis=1), lit.any(axis=0)) if mask == "FULL_OPEN" else lit


def _lie_within(place: Float, half: float) -> npt.NDArray[np.bool_]:
    return (-half <= place) & (place < half)


@cache
def load_lattice(mask: str, column: int | None = None) -> Lattice:
    """Return the lenslets that `mask` lights; `column` of the bounding box of FINE_MASK for FINE_MASK_CALIBRATION.

    Raises InputError for an unknown mask or column. The arrays are shared and read-only.
    """
    _check(mask, column)
    edge = int(load_instrument().detector("IFU").size / load_instrument().values["lenslet.pitch"])
    j, i = np.meshgrid(np.arange(-edge, edge) + 0.5, np.arange(-edge, edge + 1.0), indexing="ij")
    lit = _light(mask, i, j)
    rows, columns = np.flatnonzero(lit.any(axis=1)), np.flatnonzero(lit.any(axis=0))
    shape = len(rows), len(columns)
    if column is not None and not 0 <= column < shape[1]:
        raise InputError(f"must be 0..{shape[1] - 1}, a column of FINE_MASK", key="LLMSKCOL", value=column)
    row, found = np.nonzero(lit)  # in numpy order: by row, then column
    chosen = slice(None) if column is None else found - columns[0] == column
    row, found = row[chosen], found[chosen]
    numbers = ((found - columns[0]).astype(np.int32), (row - rows[0]).astype(np.int32))
    mine = i[row, found], j[row, found]
    arrays = *numbers, *mine, *_place(*mine, load_instrument().values)
    for array in arrays:
        array.flags.writeable = False
    return Lattice(mask, shape, *arrays)


def _check(mask: str, column: int | None) -> None:
    masks = load_instrument().values["ifs.lenslet_masks"]
    if mask not in masks:
        raise InputError(f"no such mask; choose {', '.join(masks)}", key="LLMSKST", value=mask)
    if (column is not None) != (mask == SINGLE_COLUMN):
        raise InputError(f"a column is given for {SINGLE_COLUMN} and for no other mask", key="LLMSKCOL", value=column)
