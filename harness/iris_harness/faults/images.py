"""Faults of rate images and level 2 images: their errors, their flux, their flags, their jumps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from iris_contract import DQ
from iris_contract.dq import has
from iris_contract.errors import LayoutError
from iris_contract.frames import Image, Ramp, Reference, read_region
from iris_contract.instrument import load_instrument
from iris_contract.manifest import ManifestRow
from iris_harness.faults.injection import (
    Fault,
    edit_beside,
    edit_image,
    fit_again,
    flatten_again,
    grow,
    make_generator,
    read_reference,
    take_from,
)
from iris_harness.run_directory import RunDirectory

__all__ = ["IMAGE_FAULTS"]

SHARED = 0.4  # noise of a row in sigma of a pixel: sums over 8 x 8 pixels scatter 1.4 times what ERR says
ALTERNATING = 0.5  # sigma of half the difference of two even and two odd pixels, in that of a pixel
MARGIN = 12  # pixels, wider than the halo of most snowballs


def _invert_error(image: Image) -> Image:
    with np.errstate(divide="ignore"):
        return replace(image, err=(1 / image.err).astype(np.float32))


def _shrink_error(image: Image) -> Image:
    return replace(image, err=(0.8 * image.err).astype(np.float32))


def _forget_covariance(run: RunDirectory, row: ManifestRow, out: Path) -> Path:
    """Errors of a straight-line fit whose reads are taken as independent: sum of w^2 (s^2 + f t)."""
    ramp = Ramp.read(run.root / row.raw[0])
    noise = read_reference(run, row, "readnoise", ramp.region()).content["DATA"]
    times = ramp.times[0]
    centred = times - times.mean()
    weights = centred / np.sum(centred**2)

    def change(image: Image) -> Image:
        flux = np.maximum(image.data, 0)
        variance = np.sum(weights**2) * noise**2 + flux * np.sum(weights**2 * times)
        return replace(image, err=np.sqrt(variance).astype(np.float32))

    return edit_image(change)(run, row, out)


def _wrap(reads: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Reads cast back to uint16 after the reference pixels were subtracted: below zero they wrap."""
    return reads.astype(np.int64).astype(np.uint16)


def _count_an_interval_too_many(image: Image) -> Image:
    """Charge over the number of reads instead of the number of intervals between them."""
    reads = int(image.header["NREADS"])
    factor = np.float32((reads - 1) / reads)
    return replace(image, data=factor * image.data, err=factor * image.err)


def _grow_flags(image: Image) -> Image:
    """Every flag of the image on the four neighbours too; a bad pixel is none to be used."""
    dq = image.dq.copy()
    dq[has(dq, "DEAD", "HOT", "WARM", "LOW_QE")] |= np.uint32(DQ["DO_NOT_USE"])
    return replace(image, dq=grow(dq))


def _share_noise(image: Image) -> Image:
    """Noise that each row shares (a correction measured with few pixels), in ERR as if it were each pixel's own."""
    region = read_region(image.header)
    rows = make_generator(image.header).standard_normal((region.ysize, 1), dtype=np.float32)
    return replace(
        image,
        data=image.data + np.float32(SHARED) * rows * image.err,
        err=np.float32(np.hypot(1, SHARED)) * image.err,
    )


def _copy_alternation(image: Image) -> Image:
    """Even less odd columns of each row corrected by that of the row's own four reference pixels, noise and all."""
    region = read_region(image.header)
    sign = 1 - 2 * ((np.arange(region.xsize) + region.xstart - 1) % 2)
    rows = make_generator(image.header).standard_normal((region.ysize, 1), dtype=np.float32)
    sigma = np.median(image.err[image.err > 0])
    return replace(image, data=image.data + (ALTERNATING * sigma * sign * rows).astype(np.float32))


def _subtract_twice_the_wrong_way(image: Image, uncorrected: Image) -> Image:
    """What was subtracted, added: the correction with the wrong sign, since a fit is linear in the reads."""
    return replace(image, data=2 * uncorrected.data - image.data)


def _place_jumps_late(image: Image) -> Image:
    """Reads of the table counted from 1."""
    jumps = _list_jumps(image).copy()
    jumps["READ"] = np.minimum(jumps["READ"] + 1, int(image.header["NREADS"]) - 1)
    return replace(image, jumps=jumps)


def _throw_away_neighbours(image: Image) -> Image:
    """Each jump taken to have hit the four neighbours too, and none of these pixels used any more."""
    jumps, (ny, nx) = _list_jumps(image), image.data.shape
    dq, tables = image.dq.copy(), []
    for dy, dx in ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0)):
        moved = jumps.copy()
        moved["Y"] += dy
        moved["X"] += dx
        inside = (moved["Y"] >= 0) & (moved["Y"] < ny) & (moved["X"] >= 0) & (moved["X"] < nx)
        tables.append(moved[inside])
    every = np.concatenate(tables)
    dq[every["Y"], every["X"]] |= np.uint32(DQ["DO_NOT_USE"] | DQ["JUMP_DET"])
    return replace(image, dq=dq, jumps=every)


def _leave_jumps_in(image: Image) -> Image:
    """Jumps listed and flagged, but their charge left in the rate."""
    jumps, data = _list_jumps(image), image.data.copy()
    seconds = float(image.header["RAMPTIME"]) * int(image.header["NGROUPS"])
    np.add.at(data, (jumps["Y"], jumps["X"]), (jumps["AMPLITUDE"] / seconds).astype(np.float32))
    return replace(image, data=data)


def _list_jumps(image: Image) -> npt.NDArray[Any]:
    if image.jumps is None:
        raise LayoutError("the control needs an algorithm that lists its jumps", key="JUMPS")
    return image.jumps


def _grow_jumps(image: Image) -> Image:
    """Flags of jumps on every pixel within a wide margin, as if each hit were a large snowball."""
    jumps = image.dq & np.uint32(DQ["JUMP_DET"])
    for _ in range(MARGIN):
        jumps = grow(jumps)
    return replace(image, dq=image.dq | jumps)


def _lose(flag: str) -> Callable[[Image], Image]:
    return lambda image: replace(image, dq=image.dq & ~np.uint32(DQ[flag]))


def _flag_all(flag: str) -> Callable[[Image], Image]:
    return lambda image: replace(image, dq=image.dq | np.uint32(DQ[flag]))


def _use_guide_window(image: Image) -> Image:
    """The pixels of a guide window taken for science, as by a mask that does not read the header."""
    hole = has(image.dq, "NON_SCIENCE") & ~has(image.dq, "REFERENCE_PIXEL")
    bits = np.uint32(DQ["NON_SCIENCE"] | DQ["DO_NOT_USE"])
    return replace(image, dq=np.where(hole, image.dq & ~bits, image.dq))


def _roll(flat: Reference) -> Reference:
    """The flat from half a width further on, as after a wrong XSTART."""
    moved = {name: np.roll(plane, plane.shape[1] // 2, axis=1) for name, plane in flat.content.items()}
    return Reference(flat.header, moved)


def _swap_detector(flat: Reference) -> Reference:
    """The flat of another detector, forced by an override past the selection that refuses it."""
    from iris_simulator import build_as_built

    other = build_as_built(load_instrument().detector("IMG2"), read_region(flat.header), 1)
    content = {**flat.content, "DATA": other.flat.astype(np.float32)}
    return Reference({**flat.header, "DETECTOR": "IMG2"}, content)


def _take_wavelengths_beside(image: Image) -> Image:
    """The wavelengths of the next column of pixels: columns counted from 1."""
    if image.wavelength is None:
        return image
    beside = np.roll(image.wavelength, 1, axis=1)
    both = np.isfinite(beside) & np.isfinite(image.wavelength)
    return replace(image, wavelength=np.where(both, beside, image.wavelength))


def _take_lenslets_beside(image: Image) -> Image:
    """The lenslets, with their wavelengths, of the next row of pixels: rows counted from 1."""
    if image.wavelength is None or image.lenslet is None:
        return image
    return replace(image, wavelength=np.roll(image.wavelength, 1, axis=0), lenslet=np.roll(image.lenslet, 1, axis=0))


def _give_lenslets_everywhere(image: Image) -> Image:
    """Pixels that belong to no spectrum are given to the first lenslet, in the middle of the band."""
    if image.wavelength is None or image.lenslet is None:
        return image
    free = image.lenslet < 0
    wavelength = np.where(free, np.nanmedian(image.wavelength), image.wavelength)
    return replace(image, wavelength=wavelength, lenslet=np.where(free, 0, image.lenslet).astype(np.int32))


IMAGE_FAULTS: Mapping[str, Fault] = {
    "inverted_error": edit_image(_invert_error),
    "error_times_0.8": edit_image(_shrink_error),
    "missing_covariance": _forget_covariance,
    "uint16_cast": fit_again(_wrap),
    "interval_too_many": edit_image(_count_an_interval_too_many),
    "grown_image_flags": edit_image(_grow_flags),
    "noise_of_rows_as_own": edit_image(_share_noise),
    "alternation_of_few_pixels": edit_image(_copy_alternation),
    "reference_pixels_added": edit_beside("none", _subtract_twice_the_wrong_way),
    "jumps_one_read_late": edit_image(_place_jumps_late),
    "hit_neighbours_thrown_away": edit_image(_throw_away_neighbours),
    "jumps_left_in": edit_image(_leave_jumps_in),
    "halos_not_looked_for": take_from("none"),
    "margin_of_12_pixels": edit_image(_grow_jumps),
    "saturated_bit_lost": edit_image(_lose("SATURATED")),
    "everything_saturated": edit_image(_flag_all("SATURATED")),
    "afterglow_added": edit_beside("flag", _subtract_twice_the_wrong_way),
    "persistence_bit_lost": edit_image(_lose("PERSISTENCE")),
    "guide_window_used": edit_image(_use_guide_window),
    "everything_persistent": edit_image(_flag_all("PERSISTENCE")),
    "wavelengths_of_the_next_column": edit_image(_take_wavelengths_beside),
    "lenslets_of_the_next_row": edit_image(_take_lenslets_beside),
    "lenslets_everywhere": edit_image(_give_lenslets_everywhere),
    "wrong_corner": flatten_again(_roll),
    "wrong_detector": flatten_again(_swap_detector),
}
