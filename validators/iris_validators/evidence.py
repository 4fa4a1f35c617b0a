"""Evidence: one product beside its truth, found through a manifest row.

The product is untrusted. What cannot be compared (another shape, a region the truth does not cover,
truth of another raw file) raises a LayoutError or ManifestError that names the file; the harness
turns it into an ERROR verdict. The raw file is opened only for the times of its reads. Evidence can be
cut into windows, so that the blocks of a single frame are sampled like exposures of their own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from iris_contract import DQ, AsBuiltMaps, Image, Reference, Truth, load_instrument
from iris_contract.dq import has
from iris_contract.errors import LayoutError, ManifestError
from iris_contract.exposure import Subarray
from iris_contract.fitsio import Header, find_array_problem, open_fits, read_data, take_cards
from iris_contract.frames import find_time_problem, read_region
from iris_contract.instrument import Detector
from iris_contract.layouts import load_layouts
from iris_contract.manifest import ManifestRow
from iris_contract.reftypes import load_reference_types
from iris_validators.cramer_rao import rate_bound, read_variance

__all__ = [
    "ImageEvidence",
    "ReferenceEvidence",
    "Window",
    "describe_window",
    "find_truth",
    "read_image",
    "read_reference",
    "read_times",
]

AS_BUILT = "truth/as_built"
"""Where in a run directory the as-built maps lie, one file per detector."""

Float = npt.NDArray[np.floating]
Mask = npt.NDArray[np.bool_]
Frame = TypeVar("Frame", Image, Truth)
NEIGHBOURS = np.ones((3, 3), dtype=bool)
Window = tuple[slice, slice]
"""Rows and columns of a plane, both with a start and a stop."""


@dataclass(frozen=True, slots=True)
class ImageEvidence:
    """A rate image and the truth of its raw file; `times` s (ngroups, nreads) from the reset.

    `unit` is what a level 2 image counts in: the median true `response` (ny, nx), as built, of the good pixels of
    the whole image. `near_full` (ny, nx) tells pixels that are saturated in truth or next to one, also across a cut.
    Where saturation is judged, `well` e- (ny, nx) is the as-built depth; where snowballs are judged, `near_hit` tells
    pixels that a hit left charge in, or next to one.
    """

    row: ManifestRow
    image: Image
    truth: Truth
    times: npt.NDArray[np.float64]
    unit: float = 1.0
    response: Float | None = None
    well: Float | None = None
    near_full: Mask | None = None
    near_hit: Mask | None = None

    @property
    def region(self) -> Subarray:
        """Detector region of the image; raises LayoutError where the header states none."""
        return read_region(self.image.header, self.row.product)

    @property
    def detector(self) -> Detector:
        """The as-designed detector."""
        return load_instrument().detector(str(self.image.header.get("DETECTOR")))

    def cut(self, window: Window) -> ImageEvidence:
        """Return the evidence of a part of the image."""
        image, header = _cut_frame(self.image, window), self.image.header | describe_window(self.region, window)
        return replace(
            self,
            image=replace(image, header=header),
            truth=_cut_frame(self.truth, window),
            response=None if self.response is None else self.response[window],
            well=None if self.well is None else self.well[window],
            near_full=None if self.near_full is None else self.near_full[window],
            near_hit=None if self.near_hit is None else self.near_hit[window],
        )

    @property
    def good(self) -> Mask:
        """Pixels (ny, nx) without any defect, hit or saturation in truth."""
        return np.equal(self.truth.cause, 0)

    def bound(self, mask: Mask, omitted: Mask | None = None) -> npt.NDArray[np.float64]:
        """Cramer-Rao bound e-/s (n,) of the pixels `mask` (ny, nx); `omitted` as `rate_bound` takes it."""
        truth = self.truth
        variance = read_variance(truth.read_noise[mask], truth.gain[mask])
        return rate_bound(truth.rate_detected[mask], variance, self.times, omitted)


@dataclass(frozen=True, slots=True)
class ReferenceEvidence:
    """A calibration reference and the as-built maps, cut to the reference's region (ny, nx).

    `switched` (ny, nx) tells which telegraph pixels did so in the calibration exposures; None: not known.
    """

    row: ManifestRow
    reference: Reference
    maps: AsBuiltMaps
    region: Subarray
    switched: Mask | None = None

    def cut(self, window: Window) -> ReferenceEvidence:
        """Return the evidence of a part of the reference."""
        part = describe_window(self.region, window)
        planes = {
            name: plane[window] if plane.shape[:2] == self.region.shape else plane
            for name, plane in self.reference.content.items()
        }
        region = read_region(part)
        return replace(
            self,
            reference=replace(self.reference, header=self.reference.header | part, content=planes),
            maps=self.maps.cut(region, self.maps.header | part),
            region=region,
            switched=None if self.switched is None else self.switched[window],
        )

    @property
    def detector(self) -> Detector:
        """The as-designed detector."""
        return load_instrument().detector(str(self.reference.header.get("DETECTOR")))

    @property
    def border(self) -> Mask:
        """Reference pixels (ny, nx)."""
        return np.asarray(self.region.reference_pixels(self.detector))

    @property
    def output(self) -> npt.NDArray[np.int64]:
        """Number of the output (from 0) that reads each pixel, (ny, nx)."""
        return np.broadcast_to(self.region.output_of_column(self.detector), self.region.shape)

    def split_by_output(self, plane: Float, true: Float) -> Iterator[tuple[str, Float, Float]]:
        """Yield "output=3" with estimate and truth (n,) of its good, unflagged pixels."""
        judged = self.good & ~has(self.reference.content["DQ"], "DO_NOT_USE")
        for number in self.region.outputs(self.detector):
            mask = judged & (self.output == number)
            yield f"output={number}", plane[mask].astype(np.float64), true[mask].astype(np.float64)

    @property
    def good(self) -> Mask:
        """Light-sensitive pixels (ny, nx) without a defect in truth."""
        defects = self.maps.bad & ~np.uint32(DQ["REFERENCE_PIXEL"])
        return np.asarray(np.equal(defects, 0) & ~self.border)


def _cut_frame(frame: Frame, window: Window) -> Frame:
    """Cut every plane of a frame, and its tables of pixels."""
    values = {entry.name: getattr(frame, entry.name) for entry in fields(frame)}
    cut: dict[str, Any] = {
        name: _cut_table(value, window) if value.dtype.names else value[window]
        for name, value in values.items()
        if isinstance(value, np.ndarray)
    }
    return replace(frame, **cut)


def _cut_table(table: npt.NDArray[Any], window: Window) -> npt.NDArray[Any]:
    """Rows of a table whose pixel Y, X lies in the window, counted from its corner."""
    rows, columns = window
    y, x = table["Y"], table["X"]
    inside: npt.NDArray[Any] = table[(y >= rows.start) & (y < rows.stop) & (x >= columns.start) & (x < columns.stop)]
    inside["Y"] -= rows.start
    inside["X"] -= columns.start
    return inside


def describe_window(region: Subarray, window: Window) -> dict[str, int]:
    """Return the header cards of a window of `region`."""
    rows, columns = window
    corner = {"XSTART": region.xstart + columns.start, "YSTART": region.ystart + rows.start}
    return corner | {"XSIZE": columns.stop - columns.start, "YSIZE": rows.stop - rows.start}


def read_image(run: Path, row: ManifestRow) -> ImageEvidence:
    """Read a level 1 or 2 image and its truth; raises LayoutError or ManifestError."""
    image, truth = Image.read(row.path(run)), Truth.read(row.path(run, "truth"))
    if truth.raw_sha256 != row.raw_sha256[0]:
        raise ManifestError("truth belongs to another raw file", file=row.truth, key="RAWSHA", value=truth.raw_sha256)
    if image.data.shape != truth.cause.shape:
        raise LayoutError(
            f"truth has the shape {truth.cause.shape}", file=row.product, key="DATA", value=image.data.shape
        )
    evidence = ImageEvidence(row, image, truth, read_times(run, row, image.header))
    if row.model == "ImagerModel" and evidence.good.any():
        response = _read_as_built(run, evidence, "FLAT")
        evidence = replace(evidence, unit=float(np.median(response[evidence.good])), response=response)
    evidence = replace(evidence, near_full=ndimage.binary_dilation(has(truth.cause, "SATURATED"), NEIGHBOURS))
    if row.family == "saturation":
        evidence = replace(evidence, well=_read_as_built(run, evidence, "WELL"))
    if row.family == "snowball":
        hit = np.zeros(truth.cause.shape, dtype=bool)
        hit[truth.events["Y"], truth.events["X"]] = True
        evidence = replace(evidence, near_hit=ndimage.binary_dilation(hit, NEIGHBOURS))
    return evidence


def _read_as_built(run: Path, evidence: ImageEvidence, name: str) -> Float:
    """Return one as-built plane (ny, nx) of the image's region, reading no other; raises LayoutError."""
    path, region = run / AS_BUILT / f"{evidence.detector.name}.fits", evidence.region
    spec = next(spec for spec in load_layouts()["AsBuiltModel"].hdus if spec.name == name)
    with open_fits(path) as hdus:
        problem = find_array_problem(spec, hdus, {})
        if problem:
            raise LayoutError(problem, file=path)
        cover = read_region(take_cards(hdus[0].header), path)
        _require_cover(cover, region, evidence.row)
        return read_data(hdus[name], path, region.cut_from(cover))


def read_times(run: Path, row: ManifestRow, header: Header) -> npt.NDArray[np.float64]:
    """Return the read times s (ngroups, nreads) of the raw file, or even ones if it is gone.

    The stand-in spreads NREADS reads evenly over RAMPTIME. Raises LayoutError, or ManifestError
    where the raw path leaves the run.
    """
    path = (run / row.raw[0]).resolve()
    if not path.is_relative_to(run.resolve()):
        raise ManifestError("path leaves the run directory", file=run, key="raw", value=row.raw[0])
    return _take_times(path) if path.exists() else _space_evenly(row, header)


def _take_times(path: Path) -> npt.NDArray[np.float64]:
    with open_fits(path) as hdus:
        if "TIMES" not in hdus:
            raise LayoutError("HDU TIMES is missing", file=path)
        times = np.atleast_2d(np.asarray(hdus["TIMES"].data, dtype=np.float64))
    problem = find_time_problem(times)
    if problem:
        raise LayoutError(problem, file=path)
    return times


def _space_evenly(row: ManifestRow, header: Header) -> npt.NDArray[np.float64]:
    names = ("NGROUPS", "NREADS", "RAMPTIME")
    ramps, reads, span = (header.get(name) for name in names)
    if not (isinstance(ramps, int) and isinstance(reads, int) and isinstance(span, (int, float))):
        missing = [name for name in names if not isinstance(header.get(name), (int, float))]
        raise LayoutError("needed, because the raw file with the read times is gone", file=row.product, key=missing[0])
    if ramps < 1 or reads < 2 or not 0 < span < float("inf"):
        raise LayoutError("not a ramp", file=row.product, key=",".join(names), value=(ramps, reads, span))
    return np.tile(np.linspace(0.0, span, reads), (ramps, 1))


def read_reference(run: Path, row: ManifestRow) -> ReferenceEvidence:
    """Read a reference and the as-built maps of its region; raises LayoutError or ManifestError."""
    kinds = [kind for kind, entry in load_reference_types().items() if entry.model == row.model]
    if not kinds:
        raise ManifestError("not the layout of a reference", file=row.product, key="model", value=row.model)
    reference = Reference.read(row.path(run), kinds[0])
    maps = AsBuiltMaps.read(row.path(run, "truth"))
    region = read_region(reference.header, row.product)
    maps = _cut(maps, region, row, row.truth)
    if next(iter(reference.content.values())).shape[:2] != region.shape:
        raise LayoutError(f"the planes do not have the size of {region}", file=row.product)
    telegraph = row.family == "bad_pixel" and maps.telegraph is not None
    return ReferenceEvidence(row, reference, maps, region, _find_switched(run, row, region) if telegraph else None)


def _cut(maps: AsBuiltMaps, region: Subarray, row: ManifestRow, path: str | Path) -> AsBuiltMaps:
    _require_cover(read_region(maps.header, path), region, row)
    return maps.cut(region)


def _require_cover(cover: Subarray, region: Subarray, row: ManifestRow) -> None:
    if not cover.contains(region):
        raise LayoutError(f"truth covers {cover}", file=row.product, key="XSTART,YSTART,XSIZE,YSIZE", value=region)


def _find_switched(run: Path, row: ManifestRow, region: Subarray) -> Mask | None:
    """Return where a telegraph pixel switched in any raw file of `row`; None unless truth of all of them is there."""
    switched = np.zeros(region.shape, dtype=bool)
    for raw, digest in zip(row.raw, row.raw_sha256, strict=True):
        path = find_truth(run, raw)
        if path is None:
            return None
        with open_fits(path) as hdus:
            if hdus[0].header.get("RAWSHA") != digest or "CAUSE" not in hdus or hdus["CAUSE"].shape != region.shape:
                return None
            switched |= has(read_data(hdus["CAUSE"], path), "TELEGRAPH")
    return switched


def find_truth(run: Path, raw: str) -> Path | None:
    """Return the truth of a raw file, or None where it is not there.

    That of raw/a/x_LVL0_1.fits is truth/a/x_TRUTH_1.fits, and names that raw file's hash as RAWSHA.
    """
    path = run / raw.replace("raw/", "truth/", 1).replace("_LVL0_", "_TRUTH_")
    return path if path.resolve().is_relative_to(run.resolve()) and path.is_file() else None
