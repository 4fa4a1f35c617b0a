"""Evidence of a wavelength solution: the `arc` reference, the spectrograph as built, and the arc exposures' truth.

The `truth` of the manifest row is the spectrograph of the mode (SpectrographTruthModel). The moment that the solution
is of is the mean flexure of its exposures with lines; `true_spectra` says which lenslets are judged. Not modelled:
that lamps with more lines weigh more in a solution.
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

from iris_contract import Reference, Subarray
from iris_contract.errors import InputError, LayoutError, ManifestError
from iris_contract.fitsio import Header, open_fits, read_data
from iris_contract.frames import read_region
from iris_contract.lenslet import LensletMode, SpectrographTruth, load_lattice
from iris_contract.manifest import ManifestRow
from iris_validators.evidence import NEIGHBOURS, Window, describe_window, find_truth
from iris_validators.true_places import TruePlaces
from iris_validators.true_spectra import TrueSpectra, match_lenslets

__all__ = ["ArcEvidence", "ArcExposure", "read_arc"]

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
    the exposures. With `window` only what lies in that part of the region counts.
    """

    row: ManifestRow
    reference: Reference
    truth: SpectrographTruth
    exposures: tuple[ArcExposure, ...]
    region: Subarray
    places: TruePlaces
    number: npt.NDArray[np.intp]
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
        return self.spectra.condition

    @cached_property
    def spectra(self) -> TrueSpectra:
        """The spectra at the moment of the exposures."""
        return TrueSpectra(self.mode, self.truth, self.places, self.region, self.window)

    @property
    def ends(self) -> tuple[Array, Array]:
        """True x and y px (n, 2) of half transmission at both ends of each spectrum."""
        return self.spectra.ends

    @property
    def good(self) -> Mask:
        """Lenslets (n,) that are judged."""
        return self.spectra.good

    def lies_within(self, x: Array, y: Array) -> Mask:
        """Tell which places px (m,) lie in the window; without one, all do, even those that are NaN."""
        return self.spectra.lies_within(x, y)

    def find_lenslets(self, column: npt.NDArray[Any], row: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
        """Return the number in truth (m,) of lenslets, -1 where truth has none there."""
        return match_lenslets(self.truth.column, self.truth.row, column, row)


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
    number = match_lenslets(content["COLUMN"], content["ROW"], truth.column, truth.row)
    if (number < 0).any():
        raise LayoutError("truth has lenslets that the mask does not light", file=row.truth, key="COLUMN,ROW")
    places = TruePlaces.of(truth, np.mean([exposure.shift for exposure in exposures], axis=0))
    return ArcEvidence(row, reference, truth, exposures, region, places, number)


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
