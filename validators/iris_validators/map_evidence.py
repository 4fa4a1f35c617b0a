"""Evidence of wavelengths by pixel: a level 2 frame of the lenslets, and the spectra as they lay in that exposure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from iris_contract import Image, Subarray
from iris_contract.errors import InputError, LayoutError, ManifestError
from iris_contract.fitsio import open_fits, read_data, read_header
from iris_contract.frames import read_region
from iris_contract.lenslet import LensletMode, SpectrographTruth, load_lattice
from iris_contract.manifest import ManifestRow
from iris_validators.evidence import AS_BUILT, Window
from iris_validators.true_places import TruePlaces
from iris_validators.true_spectra import TrueSpectra, match_lenslets

__all__ = ["MapEvidence", "read_map"]


@dataclass(frozen=True, slots=True, eq=False)
class MapEvidence:
    """`wavelength` nm and number of the `lenslet` of each pixel (ny, nx) beside the spectra as they lay in the frame.

    `number` (n,) is what `lenslet` should call each of them.
    """

    row: ManifestRow
    wavelength: npt.NDArray[np.float64]
    lenslet: npt.NDArray[np.int32]
    spectra: TrueSpectra
    number: npt.NDArray[np.intp]

    @property
    def region(self) -> Subarray:
        """Detector region of the frame."""
        return self.spectra.region

    def cut(self, window: Window) -> MapEvidence:
        """Return the evidence of a part of the region: spectra that have their middle there."""
        return replace(self, spectra=self.spectra.cut(window))


def read_map(run: Path, row: ManifestRow) -> MapEvidence:
    """Read a level 2 frame of the lenslets and its truth; raises LayoutError or ManifestError."""
    image = Image.read(row.path(run))
    if image.wavelength is None or image.lenslet is None:
        raise LayoutError("has no wavelengths", file=row.product, key="DATAMODL", value=image.header.get("DATAMODL"))
    try:
        mode = LensletMode.from_header(image.header)
    except InputError as error:
        raise LayoutError(error.problem, file=row.product, key=error.key, value=error.value) from None
    region, truth = read_region(image.header, row.product), _find_spectrograph(run, row, mode)
    if image.data.shape != region.shape:
        raise LayoutError(f"HDU DATA has (ny, nx)={image.data.shape}", file=row.product, key="YSIZE,XSIZE")
    lattice = load_lattice(mode.mask, mode.column)
    number = match_lenslets(lattice.column, lattice.row, truth.column, truth.row)
    if (number < 0).any():
        raise LayoutError("truth has lenslets that the mask does not light", file=row.truth, key="COLUMN,ROW")
    _check_lenslets(image.lenslet, image.wavelength, len(lattice.column), row)
    places = TruePlaces.of(truth, _read_shift(run, row))
    return MapEvidence(row, image.wavelength, image.lenslet, TrueSpectra(mode, truth, places, region), number)


def _check_lenslets(
    lenslet: npt.NDArray[np.int32], wavelength: npt.NDArray[np.float64], lit: int, row: ManifestRow
) -> None:
    """Raise LayoutError where a pixel is given to no lenslet that the mask lights, or to none and has a wavelength."""
    if lenslet.min() < -1 or lenslet.max() >= lit:
        value = int(lenslet.min()), int(lenslet.max())
        raise LayoutError(f"must be from 0 to {lit - 1}, or -1 for none", file=row.product, key="LENSLET", value=value)
    if np.isfinite(wavelength[lenslet == -1]).any():
        raise LayoutError("must be NaN where LENSLET is -1", file=row.product, key="WAVELENGTH")


def _find_spectrograph(run: Path, row: ManifestRow, mode: LensletMode) -> SpectrographTruth:
    for path in sorted((run / AS_BUILT).glob("spectrograph*.fits")):
        if LensletMode.from_header(read_header(path)) == mode:
            return SpectrographTruth.read(path)
    setting = ",".join(map(str, mode.to_header().values()))
    raise ManifestError(f"{AS_BUILT} has no spectrograph of its setting", file=row.product, key="truth", value=setting)


def _read_shift(run: Path, row: ManifestRow) -> npt.NDArray[np.float64]:
    """Return the flexure px (2,) of the exposure."""
    path = row.path(run, "truth")
    with open_fits(path) as hdus:
        if hdus[0].header.get("RAWSHA") != row.raw_sha256[0]:
            value = hdus[0].header.get("RAWSHA")
            raise ManifestError("truth belongs to another raw file", file=row.truth, key="RAWSHA", value=value)
        if "SHIFT" not in hdus:
            raise LayoutError("HDU SHIFT is missing: the exposure was not taken through lenslets", file=row.truth)
        return np.asarray(read_data(hdus["SHIFT"], path), dtype=np.float64)
