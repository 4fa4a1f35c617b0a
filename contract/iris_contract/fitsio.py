"""Read and write the HDUs of a layout; every FITS file of the testbed passes through here.

Reading trusts nothing: a file that is unreadable, truncated, lacks an HDU or has one of the wrong
dtype or shape raises LayoutError with one line that names file, HDU and what was found.
Images are read lazily through `section`, so that a cut of a 4096 x 4096 reference costs only the cut.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from astropy.io import fits
from astropy.utils.exceptions import AstropyWarning

from iris_contract.atomic import replace_file
from iris_contract.errors import LayoutError
from iris_contract.layouts import Layout, load_layouts
from iris_contract.reftypes import HduSpec

__all__ = ["Header", "open_fits", "read_header", "read_layout", "write_layout"]

Header = dict[str, Any]
_NOT_OURS = {"SIMPLE", "BITPIX", "NAXIS", "EXTEND", "COMMENT", "HISTORY", "", "CHECKSUM", "DATASUM"}


@contextmanager
def open_fits(path: str | Path) -> Iterator[fits.HDUList]:
    """Open a FITS file for reading; raise LayoutError if it is missing, not FITS or truncated."""
    path = Path(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", AstropyWarning)  # truncation is only a warning upstream
            with fits.open(path, mode="readonly", memmap=False, lazy_load_hdus=False) as hdus:
                yield hdus
    except FileNotFoundError:
        raise LayoutError("no such file", file=path) from None
    except (OSError, AstropyWarning, fits.VerifyError, EOFError) as error:
        raise LayoutError(f"not a readable FITS file, perhaps truncated: {error}", file=path) from None


def _take_cards(header: fits.Header) -> Header:
    return {k: v for k, v in header.items() if k not in _NOT_OURS and not isinstance(v, fits.card.Undefined)}


def read_header(path: str | Path) -> Header:
    """Return the primary header's cards as a plain dict, without the structural ones."""
    with open_fits(path) as hdus:
        return _take_cards(hdus[0].header)


def find_array_problem(spec: HduSpec, hdus: fits.HDUList, sizes: dict[str, int]) -> str | None:
    """Return what is wrong with the HDU of `spec` in words, or None; `sizes` collects axis lengths."""
    if spec.name not in hdus:
        return None if spec.optional else f"HDU {spec.name} is missing"
    hdu = hdus[spec.name]
    if spec.dtype == "table":
        if not isinstance(hdu, fits.BinTableHDU):
            return f"HDU {spec.name} must be a binary table"
        missing = [c for c in spec.axes if c not in hdu.columns.names]
        return f"HDU {spec.name} lacks the column {missing[0]}" if missing else None
    if isinstance(hdu, fits.BinTableHDU) or hdu.header.get("NAXIS", 0) != len(spec.axes):
        return f"HDU {spec.name} must be an image with axes ({', '.join(spec.axes)})"
    found = _dtype_of(hdu)
    if found != spec.dtype:
        return f"HDU {spec.name} must be {spec.dtype}, found {found}"
    for axis, length in zip(spec.axes, hdu.shape, strict=True):
        if sizes.setdefault(axis, length) != length:
            return f"HDU {spec.name} has {axis}={length} where {sizes[axis]} was expected"
    return None


def _dtype_of(hdu: Any) -> str:
    names = {8: "uint8", 16: "int16", 32: "int32", 64: "int64", -32: "float32", -64: "float64"}
    offset, bits = hdu._orig_bzero, hdu._orig_bitpix
    if (bits, offset) in ((16, 2**15), (32, 2**31)):
        return f"uint{bits}"
    return names[bits]


def read_layout(path: str | Path, *models: str) -> tuple[Layout, Header, dict[str, Any]]:
    """Return layout, primary header and content by HDU name of a file of one of `models`.

    Images come as native-endian arrays and tables as numpy structured arrays. Raises LayoutError.
    """
    with open_fits(path) as hdus:
        layout = _find_layout(path, hdus[0].header.get("DATAMODL"), models)
        sizes: dict[str, int] = {}
        content: dict[str, Any] = {}
        for spec in layout.hdus:
            problem = find_array_problem(spec, hdus, sizes)
            if problem:
                raise LayoutError(problem, file=path, key="DATAMODL", value=layout.model)
            if spec.name in hdus:
                content[spec.name] = _take_data(hdus[spec.name])
        return layout, _take_cards(hdus[0].header), content


def _find_layout(path: str | Path, model: object, wanted: tuple[str, ...]) -> Layout:
    layouts = load_layouts()
    if model not in layouts or (wanted and model not in wanted):
        choices = ", ".join(wanted or layouts)
        raise LayoutError(f"expected {choices}", file=path, key="DATAMODL", value=model)
    return layouts[str(model)]


def _take_data(hdu: Any) -> npt.NDArray[Any]:
    if isinstance(hdu, fits.BinTableHDU):
        return _take_table(hdu)
    data = np.asarray(hdu.data)
    return np.ascontiguousarray(data, dtype=data.dtype.newbyteorder("="))


def _take_table(hdu: fits.BinTableHDU) -> npt.NDArray[Any]:
    """Native-endian structured array with text columns as str."""
    columns = {name: np.asarray(hdu.data[name]) for name in hdu.columns.names}
    fields = [(name, c.dtype if c.dtype.kind == "U" else c.dtype.newbyteorder("=")) for name, c in columns.items()]
    table = np.zeros(len(hdu.data), dtype=fields)
    for name, column in columns.items():
        table[name] = column
    return table


def write_layout(path: str | Path, model: str, header: Mapping[str, Any], content: Mapping[str, Any]) -> None:
    """Write `content` (HDU name to array) as the layout `model`, atomically and reproducibly.

    Arrays are cast to nothing: raises LayoutError where dtype, axes or a required HDU is wrong.
    """
    layout = _find_layout(path, model, ())
    primary = fits.PrimaryHDU()
    for key, value in {**header, "DATAMODL": model}.items():
        primary.header[key] = value
    hdus = fits.HDUList([primary])
    for spec in layout.hdus:
        if spec.name in content:
            hdus.append(_make_hdu(spec, np.asarray(content[spec.name])))
    unknown = set(content) - {spec.name for spec in layout.hdus}
    if unknown:
        raise LayoutError(f"the layout has no HDU {sorted(unknown)[0]}", file=path, key="DATAMODL", value=model)
    sizes: dict[str, int] = {}
    for spec in layout.hdus:
        problem = _find_content_problem(spec, content, sizes)
        if problem:
            raise LayoutError(problem, file=path, key="DATAMODL", value=model)
    with replace_file(path) as temporary:
        hdus.writeto(temporary, overwrite=True)


def _find_content_problem(spec: HduSpec, content: Mapping[str, Any], sizes: dict[str, int]) -> str | None:
    if spec.name not in content:
        return None if spec.optional else f"HDU {spec.name} is missing"
    data = np.asarray(content[spec.name])
    if spec.dtype == "table":
        names = data.dtype.names or ()
        missing = [c for c in spec.axes if c not in names]
        return f"HDU {spec.name} lacks the column {missing[0]}" if missing else None
    if data.ndim != len(spec.axes) or data.dtype.name != spec.dtype:
        return f"HDU {spec.name} must be {spec.dtype} ({', '.join(spec.axes)}), got {data.dtype.name} {data.shape}"
    for axis, length in zip(spec.axes, data.shape, strict=True):
        if sizes.setdefault(axis, length) != length:
            return f"HDU {spec.name} has {axis}={length} where {sizes[axis]} was expected"
    return None


def _make_hdu(spec: HduSpec, data: npt.NDArray[Any]) -> Any:
    if spec.dtype == "table":
        return fits.BinTableHDU(data, name=spec.name)
    hdu = fits.ImageHDU(data, name=spec.name)
    if spec.unit:
        hdu.header["BUNIT"] = spec.unit
    return hdu
