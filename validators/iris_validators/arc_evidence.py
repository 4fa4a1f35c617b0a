"""Evidence of a wavelength solution: the `arc` reference, the spectrograph as built, and the arc exposures' truth.

The `truth` of the manifest row is the spectrograph of the mode (SpectrographTruthModel). The moment that the solution
is of is the mean flexure of its exposures with lines. A lenslet is judged where its spectrum, as built and moved by
that, lies between half transmissions on light-sensitive pixels of the region, with a pixel to spare: one on the brink
is complete by the toss of the noise. Not modelled: that lamps with more lines weigh more in a solution.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from iris_contract import Reference, Subarray, load_instrument
from iris_contract.errors import InputError, LayoutError, ManifestError
from iris_contract.fitsio import Header, open_fits, read_data
from iris_contract.frames import read_region
from iris_contract.lenslet import LensletMode, SpectrographTruth, load_lattice, load_passband
from iris_contract.manifest import ManifestRow
from iris_validators.evidence import NEIGHBOURS, Window, describe_window, find_truth
from iris_validators.true_places import TruePlaces

__all__ = ["ArcEvidence", "ArcExposure", "read_arc"]

TO_SPARE = 1.0
"""How far in px inside the edge a spectrum must end to be judged."""

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class ArcExposure:
    """Truth of an exposure with lines: `lines` (LINE_FLUX), flexure `shift` px (2,), s in which light was collected.

    `blocked` (ny, nx) tells pixels of the region that have a defect, hit or saturation, or touch one that has.
    """

    lines: npt.NDArray[Any]
    shift: Array
    duration: float
    blocked: Mask


@dataclass(frozen=True, eq=False)  # no slots, for what is computed once
class ArcEvidence:
    """A wavelength solution beside the spectrograph as built.

    `number` (n,) is the row of the reference that each lenslet of `truth` has; `places` are those of the moment of
    the exposures, `moments` px (k, 2) the flexure of all others that were taken through the lenslets in this night.
    With `window` only what lies in that part of the region counts.
    """

    row: ManifestRow
    reference: Reference
    truth: SpectrographTruth
    exposures: tuple[ArcExposure, ...]
    region: Subarray
    places: TruePlaces
    number: npt.NDArray[np.intp]
    moments: Array
    window: Subarray | None = None

    def cut(self, window: Window) -> ArcEvidence:
        """Return the evidence of a part of the region: lenslets whose spectra have their middle there."""
        return replace(self, window=read_region(describe_window(self.region, window)))

    @property
    def mode(self) -> LensletMode:
        """The setting of the spectrograph."""
        return LensletMode.from_header(self.truth.header)

    @property
    def condition(self) -> str:
        """The condition that samples are of: all that selection tells solutions apart by."""
        mode = self.mode
        parts = [f"filter={mode.filter}", f"grating={mode.grating}", f"scale={mode.scale:g}", f"mask={mode.mask}"]
        return " ".join(parts if mode.column is None else [*parts, f"column={mode.column}"])

    @cached_property
    def ends(self) -> tuple[Array, Array]:
        """True x and y px (n, 2) of half transmission at both ends of each spectrum."""
        limits, lenslets = load_passband(self.mode.filter).half, np.arange(len(self.truth.column))
        found = [self.places.find(lenslets, np.full(len(lenslets), end)) for end in limits]
        x, y = (np.stack(pair, axis=1) for pair in zip(*found, strict=True))
        return x, y

    @cached_property
    def good(self) -> Mask:
        """Lenslets (n,) that are judged."""
        x, y = self.ends
        detector = load_instrument().detector("IFU")
        border, last = detector.reference_border, detector.size - 1 - detector.reference_border
        left, right = max(self.region.xstart - 1, border), min(self.region.xstart + self.region.xsize - 2, last)
        low, high = max(self.region.ystart - 1, border), min(self.region.ystart + self.region.ysize - 2, last)
        whole = (x[:, 0] >= left + TO_SPARE) & (x[:, 1] <= right - TO_SPARE)
        whole &= ((y >= low + TO_SPARE) & (y <= high - TO_SPARE)).all(axis=1)
        return whole & self.lies_within(x.mean(axis=1), y.mean(axis=1))

    def lies_within(self, x: Array, y: Array) -> Mask:
        """Tell which places px (m,) lie in the window; without one, all do, even those that are NaN."""
        if self.window is None:
            return np.ones(x.shape, dtype=bool)
        left, low = self.window.xstart - 1.5, self.window.ystart - 1.5  # where its first pixel begins
        across, up = x - left, y - low
        return (across >= 0) & (across < self.window.xsize) & (up >= 0) & (up < self.window.ysize)

    def find_lenslets(self, column: npt.NDArray[Any], row: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
        """Return the number in truth (m,) of lenslets, -1 where truth has none there."""
        return _match(self.truth.column, self.truth.row, column, row)


def _match(
    columns: npt.NDArray[Any], rows: npt.NDArray[Any], column: npt.NDArray[Any], row: npt.NDArray[Any]
) -> npt.NDArray[np.intp]:
    """Return where in a list of lenslets each of others stands, -1 where it does not."""
    width = 1 + int(max(columns.max(initial=0), column.max(initial=0)))
    have, want = (r.astype(np.int64) * width + c for c, r in ((columns, rows), (column, row)))
    order = np.argsort(have, kind="stable")
    at = np.minimum(np.searchsorted(have[order], want), len(have) - 1)
    return np.where(have[order][at] == want, order[at], -1)


def read_arc(run: Path, row: ManifestRow) -> ArcEvidence:
    """Read a wavelength solution and its truth; raises LayoutError or ManifestError."""
    reference = Reference.read(row.path(run), "arc")
    truth = SpectrographTruth.read(row.path(run, "truth"))
    modes = [_read_mode(*pair) for pair in ((reference.header, row.product), (truth.header, row.truth))]
    if modes[0] != modes[1]:
        raise LayoutError(f"truth is of {modes[1]}", file=row.product, key="SCALE,LLMSKST,GRATING,FILTER")
    _check_order(reference, modes[1], row)
    region = read_region(reference.header, row.product)
    exposures = tuple(_read_exposures(run, row, region))
    if not exposures:
        raise ManifestError("no raw file has lines in truth", file=row.product, key="raw", value=row.raw[0])
    content = reference.content
    number = _match(content["COLUMN"], content["ROW"], truth.column, truth.row)
    if (number < 0).any():
        raise LayoutError("truth has lenslets that the mask does not light", file=row.truth, key="COLUMN,ROW")
    places = TruePlaces.of(truth, np.mean([exposure.shift for exposure in exposures], axis=0))
    return ArcEvidence(row, reference, truth, exposures, region, places, number, _read_moments(run, row))


def _read_mode(header: Header, path: str) -> LensletMode:
    try:
        return LensletMode.from_header(header)
    except InputError as error:
        raise LayoutError(error.problem, file=path, key=error.key, value=error.value) from None


def _check_order(reference: Reference, mode: LensletMode, row: ManifestRow) -> None:
    """Raise LayoutError unless the n-th row is the n-th lenslet that the mask lights, as the layout promises."""
    lattice = load_lattice(mode.mask, mode.column)
    for name, wanted in (("COLUMN", lattice.column), ("ROW", lattice.row)):
        if not np.array_equal(reference.content[name], wanted):
            raise LayoutError(
                f"must list the {len(wanted)} lit lenslets by row, then column", file=row.product, key=name
            )


def _read_moments(run: Path, row: ManifestRow) -> Array:
    """Return the flexure px (k, 2) of the night's exposures through lenslets that the solution was not made of."""
    own = {find_truth(run, raw) for raw in row.raw}
    folders = {path.parent for path in own if path is not None}
    moments = []
    for path in sorted({path for folder in folders for path in folder.glob("*_TRUTH_*.fits")} - own):
        with open_fits(path) as hdus:
            if "SHIFT" in hdus:
                moments.append(read_data(hdus["SHIFT"], path))
    return np.asarray(moments, dtype=np.float64).reshape(-1, 2)


def _read_exposures(run: Path, row: ManifestRow, region: Subarray) -> Iterator[ArcExposure]:
    """Yield the exposures in which lines shine; those with lamps off tell nothing of a solution."""
    for raw, digest in zip(row.raw, row.raw_sha256, strict=True):
        path = find_truth(run, raw)
        if path is None:
            raise ManifestError("has no truth, which says where its lines fell", file=run, key="raw", value=raw)
        with open_fits(path) as hdus:
            if hdus[0].header.get("RAWSHA") != digest:
                value = hdus[0].header.get("RAWSHA")
                raise ManifestError("truth belongs to another raw file", file=path, key="RAWSHA", value=value)
            if "LINE_FLUX" not in hdus or "SHIFT" not in hdus or not len(hdus["LINE_FLUX"].data):
                continue
            lines, shift = (read_data(hdus[name], path) for name in ("LINE_FLUX", "SHIFT"))
            seconds = hdus[0].header.get("EXPTIME")
            cause = read_data(hdus["CAUSE"], path)
        if cause.shape != region.shape:
            raise LayoutError(
                f"truth has the shape {cause.shape}", file=row.product, key="YSIZE,XSIZE", value=region.shape
            )
        if not isinstance(seconds, (int, float)):
            raise LayoutError("keyword is missing (s in which light was collected)", file=path, key="EXPTIME")
        yield ArcExposure(lines, shift, float(seconds), ndimage.binary_dilation(cause != 0, NEIGHBOURS))
