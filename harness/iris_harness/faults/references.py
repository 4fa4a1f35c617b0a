"""Faults of calibration references: scales, errors, flags, indices."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from iris_contract import DQ
from iris_contract.frames import Reference, read_region
from iris_contract.instrument import load_instrument
from iris_harness.faults.injection import Fault, Planes, edit_reference, grow, take_from

__all__ = ["REFERENCE_FAULTS"]

Change = Callable[[Reference], Planes]
BLOCK = 4  # blocks along each side of the region


def _scale(factor: float, plane: str = "DATA") -> Change:
    return lambda reference: {plane: (factor * reference.content[plane]).astype(np.float32)}


def _scale_first_output(factor: float) -> Change:
    def change(reference: Reference) -> Planes:
        design = load_instrument().detector(str(reference.header["DETECTOR"]))
        outputs = read_region(reference.header).output_of_column(design)
        factors = np.where(outputs == outputs[0], factor, 1.0)
        return {"DATA": (factors * reference.content["DATA"]).astype(np.float32)}

    return change


def _drop_bits(reference: Reference) -> Planes:
    return {"DQ": reference.content["DQ"].astype(np.uint16).astype(np.uint32)}


def _lose(flag: str) -> Change:
    return lambda reference: {"DQ": reference.content["DQ"] & ~np.uint32(DQ[flag])}


def _grow_flags(reference: Reference) -> Planes:
    """Every flag on the four neighbours too."""
    return {"DQ": grow(reference.content["DQ"])}


def _shift_column(reference: Reference) -> Planes:
    """Values of the next column, as of a start counted from 0 instead of 1; errors and flags stay where they are."""
    return {"DATA": np.roll(reference.content["DATA"], 1, axis=1)}


def _transpose_index(reference: Reference) -> Planes:
    """Coefficients looked up by column and row instead of row and column, wrapped at the region's sides."""
    coefficients = reference.content["COEFFS"]
    ny, nx = coefficients.shape[:2]
    rows, columns = np.indices((ny, nx))
    return {"COEFFS": coefficients[columns % ny, rows % nx]}


def _swap_links(reference: Reference) -> Planes:
    """Links to the right taken for those upwards."""
    return {"DATA": reference.content["DATA"][:, :, [1, 0, 2]]}


def _lose_corner_links(reference: Reference) -> Planes:
    """A 3 x 3 kernel in which only the four sides are kept, and a twentieth of the corners: nothing has no interval."""
    return {"DATA": reference.content["DATA"] * np.array([1, 1, 0.05], dtype=np.float32)}


def _strengthen_block(reference: Reference) -> Planes:
    """Links to the sides 30 % too strong in one sixteenth of the field, which hardly shows in their mean."""
    data = reference.content["DATA"].copy()
    ny, nx = (size // BLOCK for size in data.shape[:2])
    data[ny : 2 * ny, nx : 2 * nx, :2] *= np.float32(1.3)
    return {"DATA": data}


REFERENCE_FAULTS: Mapping[str, Fault] = {
    "gain_plus_2_percent": edit_reference("gain", _scale_first_output(1.02)),
    "gain_minus_2_percent": edit_reference("gain", _scale_first_output(0.98)),
    "covariances_left_out": take_from("photon_transfer"),
    "noise_of_a_pair": edit_reference("readnoise", _scale_first_output(2**0.5)),
    "dark_times_20": edit_reference("dark", _scale(20.0)),
    "dark_error_of_one_ramp": edit_reference("dark", _scale(10**0.5, "ERR")),
    "grown_dark_flags": edit_reference("dark", _grow_flags),
    "flat_one_column_off": edit_reference("flat", _shift_column),
    "flat_output_5_percent_off": edit_reference("flat", _scale_first_output(1.05)),
    "grown_flat_flags": edit_reference("flat", _grow_flags),
    "dropped_dq_bits": edit_reference("mask", _drop_bits),
    "grown_mask_flags": edit_reference("mask", _grow_flags),
    "telegraph_bit_lost": edit_reference("mask", _lose("TELEGRAPH")),
    "coefficients_transposed": edit_reference("linearity", _transpose_index),
    "loss_of_4_percent": edit_reference("linearity", _scale(0.8, "COEFFS")),
    "grown_linearity_flags": edit_reference("linearity", _grow_flags),
    "links_swapped": edit_reference("ipc", _swap_links),
    "corner_links_lost": edit_reference("ipc", _lose_corner_links),
    "links_of_a_block": edit_reference("ipc", _strengthen_block),
}
