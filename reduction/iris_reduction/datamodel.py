"""The least data model that stpipe asks for, around the frames of the contract.

stpipe wants `crds_observatory`, `get_crds_parameters()`, `save()`, `meta.filename`, a context
manager and `override_handle`; arrays and layouts stay those of the contract. A Step returns a new
model that shares the arrays it did not change.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from iris_contract import Detector, Image, Ramp, Reference, Subarray, load_instrument
from iris_contract.errors import InputError, LayoutError
from iris_contract.fitsio import Header, read_layout, write_layout
from iris_contract.frames import read_region
from iris_contract.keywords import find_problem, load_keywords
from iris_contract.layouts import Layout
from iris_reduction.calibration.frame import RateFrame
from iris_reduction.kernels import initialise_quality
from iris_reduction.naming import name_product, name_reference
from iris_reduction.ramp.protocol import Reads
from iris_reduction.sets import CalibrationSet, read_set

__all__ = ["ImageModel", "Model", "RampModel", "ReferenceModel", "SetModel", "get_crds_parameters", "open_model"]

_MODELS = ("RampModel", "CorrectedRampModel", "RateModel", "ImagerModel", "LensletModel")
_NEEDED = ("TELESCOP", "INSTRUME", "DETECTOR", "READMODE", "DATE-OBS", "TIME-OBS", "CHANNELS", "NGROUPS", "NREADS")


def get_crds_parameters(header: Header) -> dict[str, Any]:
    """Return META path to value for every card of the keyword table, as CRDS selects by them."""
    table = load_keywords()
    return {table[key].path: value for key, value in header.items() if key in table}


@dataclass(repr=False)
class Model:
    """A header and the name of the file it came from; subclasses add the arrays."""

    crds_observatory: ClassVar[str] = "tmt"
    header: Header
    filename: str

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.filename})"  # stpipe logs its arguments: no arrays there

    @property
    def meta(self) -> SimpleNamespace:
        """`meta.filename`, which stpipe derives output names from, and `meta.cal_step`, where it notes skipped Steps.

        What it notes is not kept: S_xxx of the header says it, which `IrisStep.finalize_result` writes.
        """
        return SimpleNamespace(filename=self.filename, cal_step=SimpleNamespace())

    @property
    def override_handle(self) -> str:
        """What a product records where this model served as a reference."""
        return f"override://{self.filename}"

    @property
    def region(self) -> Subarray:
        """Detector region; raises LayoutError where the header does not state it."""
        return read_region(self.header, self.filename)

    @property
    def detector(self) -> Detector:
        """The as-designed detector, with the outputs that this exposure used (CHANNELS)."""
        detector = load_instrument().detector(str(self.header.get("DETECTOR")))
        return replace(detector, outputs=int(self.header.get("CHANNELS", detector.outputs)))

    @property
    def product_name(self) -> str:
        """File name under which a pipeline saves this model."""
        return name_product(self.filename, int(self.header.get("DATALVL", 0)))

    def get_crds_parameters(self) -> dict[str, Any]:
        """Return what CRDS selects by."""
        return get_crds_parameters(self.header)

    def evolve(self, cards: Header | None = None, **changes: Any) -> Self:
        """Return a model with changed arrays and header cards; nothing is copied but the header."""
        return replace(self, header={**self.header, **(cards or {})}, **changes)

    def save(self, path: str | Path, dir_path: str | Path | None = None, **_: Any) -> str:
        """Write the file atomically and return its path."""
        target = Path(dir_path) / Path(path).name if dir_path else Path(path)
        self.write(target)
        return str(target)

    def write(self, path: Path) -> None:
        """Write the layout of this model; raises LayoutError, RunDirectoryError."""
        raise NotImplementedError

    def close(self) -> None:
        """Nothing is held open."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass(repr=False)
class RampModel(Model):
    """A ramp on its way to a rate.

    `reads` DN (ny, nx, ngroups, nreads), uint16 as read out or float32 once corrected; `times` s
    (ngroups, nreads); `dq` uint32 (ny, nx); `read_dq` uint8 like `reads`, None where no read is flagged.
    """

    reads: Reads
    times: npt.NDArray[np.float64]
    dq: npt.NDArray[np.uint32] = field(default_factory=lambda: np.zeros((0, 0), np.uint32))
    read_dq: npt.NDArray[np.uint8] | None = None

    def write(self, path: Path) -> None:
        """Write a CorrectedRampModel: reads as float32, both flag planes."""
        flags = np.zeros(self.reads.shape, np.uint8) if self.read_dq is None else self.read_dq
        reads = self.reads.astype(np.float32, copy=False)
        content = {"DATA": reads, "TIMES": self.times, "DQ": self.dq, "READ_DQ": flags}
        write_layout(path, "CorrectedRampModel", self.header, content)


@dataclass(repr=False)
class ImageModel(Model):
    """A rate image: `data`, `err` float32 e-/s, `dq` uint32 (ny, nx); the other planes as in `Image`."""

    data: npt.NDArray[np.float32]
    err: npt.NDArray[np.float32]
    dq: npt.NDArray[np.uint32]
    chi2: npt.NDArray[np.float32] | None = None
    jumps: npt.NDArray[Any] | None = None
    var_poisson: npt.NDArray[np.float32] | None = None
    var_read: npt.NDArray[np.float32] | None = None
    wavelength: npt.NDArray[np.float64] | None = None
    lenslet: npt.NDArray[np.int32] | None = None

    @property
    def planes(self) -> RateFrame:
        """What the calibration kernels take."""
        return RateFrame(self.data, self.err, self.dq)

    def write(self, path: Path) -> None:
        """Write the layout that DATAMODL names; level 2 has no ramp planes."""
        of_ramps = self.header.get("DATAMODL") == "RateModel"
        more = (self.chi2, self.jumps, self.var_poisson, self.var_read) if of_ramps else (None,) * 4
        Image(self.header, self.data, self.err, self.dq, *more, self.wavelength, self.lenslet).write(path)


@dataclass(repr=False)
class ReferenceModel(Model):
    """A calibration reference, newly made or given as an override."""

    reference: Reference

    @property
    def product_name(self) -> str:
        """File name of the undelivered reference."""
        return name_reference(self.header)

    def write(self, path: Path) -> None:
        """Write the reference with this model's header."""
        Reference(self.header, self.reference.content).write(path)


@dataclass(repr=False)
class SetModel(Model):
    """A calibration set; the header is that of its first exposure."""

    members: CalibrationSet


def open_model(init: str | Path | Model, **_: Any) -> Model:
    """Return `init`, or the model of the file it names, by DATAMODL (or .json: a calibration set).

    Raises LayoutError, or InputError for values that no reduction can work with or that the data contradict.
    """
    if isinstance(init, Model):
        return init
    path = Path(init)
    if path.suffix.lower() == ".json":
        members = read_set(path)
        return SetModel(members.headers[0], path.name, members)
    layout, header, planes = read_layout(path, *_MODELS)
    _check_level(path, layout, header)
    if "TIMES" in planes:
        return _make_ramp(path, header, planes)
    return _make_image(path, header, planes)


def _check_level(path: Path, layout: Layout, header: Header) -> None:
    level = header.get("DATALVL")
    if type(level) is not int or level != layout.level:
        raise LayoutError(f"must be {layout.level} for {layout.model}", file=path, key="DATALVL", value=level)


def _make_image(path: Path, header: Header, planes: dict[str, Any]) -> ImageModel:
    found, stated = planes["DATA"].shape, read_region(header, path).shape
    if found != stated:
        raise LayoutError(f"HDU DATA has (ny, nx)={found}", file=path, key="YSIZE,XSIZE", value=stated)
    more = (planes.get(name) for name in ("CHI2", "JUMPS", "VAR_POISSON", "VAR_READ", "WAVELENGTH", "LENSLET"))
    return ImageModel(header, path.name, planes["DATA"], planes["ERR"], planes["DQ"], *more)


def _make_ramp(path: Path, header: Header, planes: dict[str, Any]) -> RampModel:
    """Return the model of a raw or corrected ramp; raise LayoutError where header and reads disagree."""
    for keyword in _NEEDED:
        if keyword not in header:
            raise LayoutError("keyword is missing", file=path, key=keyword, value=None)
        problem = find_problem(load_keywords()[keyword], header[keyword])
        if problem:
            raise LayoutError(problem, file=path, key=keyword, value=header[keyword])
    Ramp(header, planes["DATA"], planes["TIMES"]).check(path)
    if planes["TIMES"].shape[1] < 2:
        raise LayoutError("a ramp needs two or more reads", file=path, key="NREADS", value=header["NREADS"])
    model = RampModel(header, path.name, planes["DATA"], planes["TIMES"])
    try:
        model.region.check(model.detector)
    except InputError as error:
        raise LayoutError(error.problem, file=path, key=error.key, value=error.value) from None
    if "DQ" not in planes:
        return replace(model, dq=initialise_quality(model.region.reference_pixels(model.detector)))
    return replace(model, dq=planes["DQ"], read_dq=planes["READ_DQ"] if planes["READ_DQ"].any() else None)
