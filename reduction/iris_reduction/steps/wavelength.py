"""Step `wavelength`: which spectrum of the lenslets each pixel of a frame is of, and the wavelength there."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from iris_contract import Reference
from iris_contract.dq import has
from iris_contract.errors import InputError, LayoutError, ReferenceFileError
from iris_contract.fitsio import Header
from iris_contract.frames import read_region
from iris_contract.lenslet import LensletMode, load_lattice, load_passband
from iris_reduction.datamodel import ImageModel
from iris_reduction.naming import name_reference
from iris_reduction.steps.step import IrisStep
from iris_reduction.wavelength.pixel_map import NO_LENSLET, map_pixels

__all__ = ["WavelengthStep"]


class WavelengthStep(IrisStep):
    """Add the planes WAVELENGTH and LENSLET, by the arc reference of the frame's setting."""

    class_alias = "wavelength"
    status = "S_WAVE"
    reference_file_types: ClassVar[list[str]] = ["arc"]

    def process(self, init: Any) -> ImageModel:
        """Return the image with both planes; raise where the reference is of another setting or does not cover it."""
        model = self.open(init, ImageModel)
        mode = _read_mode(model)
        reference = self.need_reference(model, "arc")
        given = self.get_ref_override("arc")
        name = given if isinstance(given, str) else name_reference(reference.header)
        _require_same(mode, reference.header, name)
        cover = read_region(reference.header, name)
        if not cover.contains(model.region):
            raise ReferenceFileError(f"covers {cover}, the data need {model.region}", file=name)
        _check_solution(reference, mode, name)
        wavelength, lenslet = map_pixels(reference.content, load_passband(mode.filter).half, model.region)
        border = has(model.dq, "REFERENCE_PIXEL")  # sees no light
        wavelength[border], lenslet[border] = np.nan, NO_LENSLET
        return model.evolve({"S_WAVE": "COMPLETE"}, wavelength=wavelength, lenslet=lenslet)


def _read_mode(model: ImageModel) -> LensletMode:
    """Return the setting of the frame; raise LayoutError where it is not through lenslets."""
    header = model.header
    if header.get("IFSMODE") != "LENSLET":
        problem = "only frames of the lenslets have wavelengths by pixel"
        raise LayoutError(problem, file=model.filename, key="IFSMODE", value=header.get("IFSMODE"))
    try:
        return LensletMode.from_header(header)
    except InputError as error:
        raise LayoutError(error.problem, file=model.filename, key=error.key, value=error.value) from None


def _require_same(mode: LensletMode, header: Header, name: str) -> None:
    """Raise ReferenceFileError for the first keyword that differs, unless the reference is of the frame's setting."""
    try:
        found = LensletMode.from_header(header).to_header()
    except InputError as error:
        raise ReferenceFileError(error.problem, file=name, key=error.key, value=error.value) from None
    wanted: Header = {"DETECTOR": "IFU"} | mode.to_header()
    found |= {"DETECTOR": header.get("DETECTOR")}
    for key in dict.fromkeys((*wanted, *found)):
        if found.get(key) != wanted.get(key):
            problem = f"the frame has {wanted.get(key)!r}; give the arc reference of its setting"
            raise ReferenceFileError(problem, file=name, key=key, value=found.get(key))


def _check_solution(reference: Reference, mode: LensletMode, name: str) -> None:
    """Raise ReferenceFileError where lenslets are not in order, or one that is not flagged has no finite solution."""
    content, lattice = reference.content, load_lattice(mode.mask, mode.column)
    for key, wanted in (("COLUMN", lattice.column), ("ROW", lattice.row)):
        if not np.array_equal(content[key], wanted):
            problem = f"must list the {len(wanted)} lit lenslets by row, then column"
            raise ReferenceFileError(problem, file=name, key=key, value=f"{len(content[key])} values")
    used = ~has(content["DQ"], "DO_NOT_USE")
    for key in ("DOMAIN", "COEFFS", "TRACE"):
        bad = used & ~np.isfinite(content[key]).all(axis=1)
        if key == "DOMAIN":
            bad |= used & ~(np.diff(content[key], axis=1)[:, 0] > 0)
        if bad.any():
            problem = f"has none that can be used for {int(bad.sum())} lenslets without DO_NOT_USE"
            raise ReferenceFileError(problem, file=name, key=key, value=f"row {int(np.flatnonzero(bad)[0])}")
