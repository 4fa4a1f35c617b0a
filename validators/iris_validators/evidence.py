"""Evidence: one product beside its truth, found through a manifest row.

The product is untrusted. What cannot be compared (another shape, a region the truth does not cover,
truth of another raw file) raises a LayoutError or ManifestError that names the file; the harness
turns it into an ERROR verdict. The raw file is opened only for the times of its reads.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from iris_contract import DQ, AsBuiltMaps, Image, Reference, Truth, load_instrument
from iris_contract.dq import has
from iris_contract.errors import LayoutError, ManifestError
from iris_contract.exposure import Subarray
from iris_contract.fitsio import Header, open_fits
from iris_contract.frames import find_time_problem, read_region
from iris_contract.instrument import Detector
from iris_contract.manifest import ManifestRow
from iris_contract.reftypes import load_reference_types
from iris_validators.cramer_rao import rate_bound, read_variance

__all__ = ["ImageEvidence", "ReferenceEvidence", "read_image", "read_reference", "read_times"]

AS_BUILT = "truth/as_built"
"""Where in a run directory the as-built maps lie, one file per detector."""

Float = npt.NDArray[np.floating]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ImageEvidence:
    """A rate image and the truth of its raw file; `times` s (ngroups, nreads) from the reset.

    `response` is the true relative response (ny, nx), of level 2 images alone.
    """

    row: ManifestRow
    image: Image
    truth: Truth
    times: npt.NDArray[np.float64]
    response: Float | None = None

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
    """A calibration reference and the as-built maps, cut to the reference's region (ny, nx)."""

    row: ManifestRow
    reference: Reference
    maps: AsBuiltMaps
    region: Subarray

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


def read_image(run: Path, row: ManifestRow) -> ImageEvidence:
    """Read a level 1 or 2 image and its truth; raises LayoutError or ManifestError."""
    image, truth = Image.read(row.path(run)), Truth.read(row.path(run, "truth"))
    if truth.raw_sha256 != row.raw_sha256[0]:
        raise ManifestError("truth belongs to another raw file", file=row.truth, key="RAWSHA", value=truth.raw_sha256)
    if image.data.shape != truth.cause.shape:
        raise LayoutError(
            f"truth has the shape {truth.cause.shape}", file=row.product, key="DATA", value=image.data.shape
        )
    response = _read_response(run, row, image) if row.model == "ImagerModel" else None
    return ImageEvidence(row, image, truth, read_times(run, row, image.header), response)


def _read_response(run: Path, row: ManifestRow, image: Image) -> Float:
    """Return the as-built relative response of the image's region; raises LayoutError."""
    path = run / AS_BUILT / f"{load_instrument().detector(str(image.header.get('DETECTOR'))).name}.fits"
    maps, region = AsBuiltMaps.read(path), read_region(image.header, row.product)
    return _cut(maps, region, row, path).flat


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
    return ReferenceEvidence(row, reference, maps, region)


def _cut(maps: AsBuiltMaps, region: Subarray, row: ManifestRow, path: str | Path) -> AsBuiltMaps:
    cover = read_region(maps.header, path)
    if not cover.contains(region):
        raise LayoutError(f"truth covers {cover}", file=row.product, key="XSTART,YSTART,XSIZE,YSIZE", value=region)
    return maps.cut(region)
