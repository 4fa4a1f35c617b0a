"""Read and write the HDUs of a layout; every FITS file of the testbed passes through here.

Reading trusts nothing: a file that is unreadable, truncated, lacks an HDU or has one of the wrong
dtype or shape raises LayoutError with one line that names file, HDU and what was found.
Images are read lazily through `section`, so that a cut of a 4096 x 4096 reference costs only the cut.
What astropy would convert on the way (compressed, scaled, blanked images, scaled columns) is refused,
since a file that needs it does not hold the dtype that its layout promises.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
from astropy.io import fits
from astropy.utils.exceptions import AstropyWarning

from iris_contract.atomic import replace_file
from iris_contract.errors import LayoutError
from iris_contract.layouts import COLUMN_KINDS, Layout, column_type, load_layouts
from iris_contract.reftypes import HduSpec

__all__ = [
    "Header",
    "find_array_problem",
    "open_fits",
    "read_data",
    "read_header",
    "read_layout",
    "take_cards",
    "write_layout",
]

Header = dict[str, Any]
_PLAIN = frozenset({"uint8", "int16", "int32", "int64", "uint16", "uint32", "float32", "float64"})
_CHUNK = 1 << 18  # values that are converted while they are in a processor's cache
_NOT_OURS = {"SIMPLE", "BITPIX", "NAXIS", "EXTEND", "COMMENT", "HISTORY", "", "CHECKSUM", "DATASUM"}


@contextmanager
def open_fits(path: str | Path) -> Iterator[fits.HDUList]:
    """Open a FITS file for reading; raise LayoutError if it is missing, not FITS or truncated.

    Inside the block every header is parsed already, and astropy's warnings are errors.
    """
    with warnings.catch_warnings(), _open_stream(Path(path)) as stream:
        warnings.simplefilter("error", AstropyWarning)  # truncation is only a warning upstream
        yield _read_headers(stream, Path(path))


def _open_stream(path: Path) -> BinaryIO:
    """Open the file here, since astropy forgets to close one whose headers it cannot read."""
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise LayoutError("no such file", file=path) from None
    except IsADirectoryError:
        raise LayoutError("is a directory, not a FITS file", file=path) from None
    except (OSError, ValueError) as error:
        raise LayoutError(f"cannot be read: {error}", file=path) from None


def _read_headers(stream: BinaryIO, path: Path) -> fits.HDUList:
    try:
        _refuse_absurd(stream)
        hdus = fits.open(stream, mode="readonly", memmap=False, lazy_load_hdus=False, disable_image_compression=True)
        for hdu in hdus:
            _parse(hdu)
    except Exception as error:  # what a broken header raises in astropy is nearly any type
        reason = str(error).removeprefix("File may have been truncated: ")
        raise LayoutError(f"not a readable FITS file, perhaps truncated: {reason}", file=path) from None
    return hdus


def _refuse_absurd(stream: BinaryIO) -> None:
    """Raise ValueError at headers that would keep astropy counting for hours; FITS allows 999 axes and columns."""
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    while stream.tell() < size:
        header = fits.Header.fromfile(stream)
        for key in ("NAXIS", "TFIELDS"):
            if header.get(key, 0) not in range(1000):
                raise ValueError(f"{key}={header[key]!r} is no number from 0 to 999")
        if header.data_size < 0:
            raise ValueError("the data have a negative size")
        stream.seek(header.data_size_padded, os.SEEK_CUR)
    stream.seek(0)


def _parse(hdu: Any) -> None:
    """Make astropy read what it leaves for later: every card, and the columns of a table."""
    list(hdu.header.items())
    if isinstance(hdu, fits.BinTableHDU):
        _ = hdu.columns.dtype


def take_cards(header: fits.Header) -> Header:
    """Return the cards of a header as a plain dict, without the structural and the undefined ones."""
    return {k: v for k, v in header.items() if k not in _NOT_OURS and not isinstance(v, fits.card.Undefined)}


def read_header(path: str | Path) -> Header:
    """Return the primary header's cards as a plain dict, without the structural ones."""
    with open_fits(path) as hdus:
        return take_cards(hdus[0].header)


def find_array_problem(spec: HduSpec, hdus: fits.HDUList, sizes: dict[str, int]) -> str | None:
    """Return what is wrong with the HDU of `spec` in words, or None; `sizes` collects axis lengths."""
    if spec.name not in hdus:
        return None if spec.optional else f"HDU {spec.name} is missing"
    hdu = hdus[spec.name]
    if spec.dtype == "table":
        return _find_table_problem(spec, hdu)
    if not isinstance(hdu, fits.ImageHDU) or hdu.header["NAXIS"] != len(spec.axes):
        return f"HDU {spec.name} must be an uncompressed image with axes ({', '.join(spec.axes)})"
    found = _dtype_of(hdu)
    if found != spec.dtype:
        return f"HDU {spec.name} must be {spec.dtype}, found {found}"
    return _find_size_problem(spec, hdu.shape, sizes)


def _find_table_problem(spec: HduSpec, hdu: Any) -> str | None:
    if not isinstance(hdu, fits.BinTableHDU):
        return f"HDU {spec.name} must be a binary table"
    columns = hdu.columns
    for name in spec.axes:
        if name not in columns.names:
            return f"HDU {spec.name} lacks the column {name}"
        dtype, scale = columns.dtype[name], columns[name].bscale
        if dtype.kind not in COLUMN_KINDS[column_type(name, spec.name)] or scale not in (None, "", 1):
            return f"HDU {spec.name} column {name} must hold one {column_type(name, spec.name)} per row"
    return None


def _find_size_problem(spec: HduSpec, shape: tuple[int, ...], sizes: dict[str, int]) -> str | None:
    for axis, length in zip(spec.axes, shape, strict=True):
        if length == 0:
            return f"HDU {spec.name} is empty: {axis}=0"
        if sizes.setdefault(axis, length) != length:
            return f"HDU {spec.name} has {axis}={length} where {sizes[axis]} was expected"
    return None


def _dtype_of(hdu: fits.ImageHDU) -> str:
    """Name the dtype that the header promises; read before the data, since astropy then edits it."""
    names = {8: "uint8", 16: "int16", 32: "int32", 64: "int64", -32: "float32", -64: "float64"}
    zero, scale, bits = hdu.header.get("BZERO", 0), hdu.header.get("BSCALE", 1), hdu.header["BITPIX"]
    name = names.get(bits, f"BITPIX={bits}")
    if scale == 1 and (bits, zero) in ((16, 2**15), (32, 2**31)):
        name = f"u{name}"
    elif scale != 1 or zero != 0:
        name = f"{name} scaled by BSCALE={scale} BZERO={zero}"
    return f"{name} with BLANK={hdu.header['BLANK']}" if "BLANK" in hdu.header else name


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
                content[spec.name] = read_data(hdus[spec.name], path)
        return layout, take_cards(hdus[0].header), content


def _find_layout(path: str | Path, model: object, wanted: tuple[str, ...]) -> Layout:
    layouts = load_layouts()
    if model not in layouts or (wanted and model not in wanted):
        choices = ", ".join(wanted or layouts)
        raise LayoutError(f"expected {choices}", file=path, key="DATAMODL", value=model)
    return layouts[str(model)]


def read_data(hdu: Any, path: str | Path, cut: tuple[slice, ...] | None = None) -> npt.NDArray[Any]:
    """Return an HDU's image, or its `cut`, or its table, native-endian; raise LayoutError if broken."""
    try:
        if isinstance(hdu, fits.BinTableHDU):
            return _take_table(hdu)
        name = _dtype_of(hdu)
        if cut is None and name in _PLAIN:
            return _take_image(hdu, np.dtype(name))
        data = np.asarray(hdu.data if cut is None else hdu.section[cut])
        return np.ascontiguousarray(data, dtype=data.dtype.newbyteorder("="))
    except Exception as error:  # as in _open_parsed: damage surfaces as any type
        raise LayoutError(f"HDU {hdu.name} is not readable: {error}", file=path) from None


def _take_image(hdu: fits.ImageHDU, dtype: np.dtype[Any]) -> npt.NDArray[Any]:
    """Return a whole image from the file in one array: astropy would hold a raw frame twice and convert it thrice."""
    place = hdu.fileinfo()
    stored = dtype.newbyteorder(">")
    data: npt.NDArray[Any] = place["file"].readarray(offset=place["datLoc"], dtype=stored, shape=hdu.shape)
    flat: npt.NDArray[Any] = data.reshape(-1).view(dtype)
    for start in range(0, flat.size, _CHUNK):
        part = flat[start : start + _CHUNK]
        if not stored.isnative:
            part.byteswap(inplace=True)
        if dtype.kind == "u" and dtype.itemsize > 1:  # BZERO of an unsigned integer flips its highest bit
            np.bitwise_xor(part, dtype.type(1 << (8 * dtype.itemsize - 1)), out=part)
    return flat.reshape(hdu.shape)


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
    unknown = set(content) - {spec.name for spec in layout.hdus}
    if unknown:
        raise LayoutError(f"the layout has no HDU {sorted(unknown)[0]}", file=path, key="DATAMODL", value=model)
    sizes: dict[str, int] = {}
    for spec in layout.hdus:
        problem = _find_content_problem(spec, content, sizes)
        if problem:
            raise LayoutError(problem, file=path, key="DATAMODL", value=model)
    hdus = fits.HDUList([_make_primary(path, {**header, "DATAMODL": model})])
    hdus.extend(_make_hdu(spec, np.asarray(content[spec.name])) for spec in layout.hdus if spec.name in content)
    with replace_file(path) as temporary:
        hdus.writeto(temporary, output_verify="ignore", overwrite=True)  # each card was checked when it was set


def _find_content_problem(spec: HduSpec, content: Mapping[str, Any], sizes: dict[str, int]) -> str | None:
    if spec.name not in content:
        return None if spec.optional else f"HDU {spec.name} is missing"
    data = np.asarray(content[spec.name])
    if spec.dtype == "table":
        return _find_column_problem(spec, data)
    if data.ndim != len(spec.axes) or data.dtype.name != spec.dtype:
        return f"HDU {spec.name} must be {spec.dtype} ({', '.join(spec.axes)}), got {data.dtype.name} {data.shape}"
    return _find_size_problem(spec, data.shape, sizes)


def _find_column_problem(spec: HduSpec, table: npt.NDArray[Any]) -> str | None:
    for name in spec.axes:
        if name not in (table.dtype.names or ()):
            return f"HDU {spec.name} lacks the column {name}"
        if table.dtype[name].kind not in COLUMN_KINDS[column_type(name, spec.name)]:
            return f"HDU {spec.name} column {name} must hold one {column_type(name, spec.name)} per row"
    return None


def _make_primary(path: str | Path, header: Mapping[str, Any]) -> fits.PrimaryHDU:
    primary = fits.PrimaryHDU()
    with warnings.catch_warnings():
        warnings.simplefilter("error", AstropyWarning)
        for key, value in header.items():
            try:
                primary.header[key] = value
            except (ValueError, TypeError, AstropyWarning) as error:
                raise LayoutError(f"no FITS card can hold it: {error}", file=path, key=key, value=value) from None
    return primary


def _make_hdu(spec: HduSpec, data: npt.NDArray[Any]) -> Any:
    if spec.dtype == "table":
        return fits.BinTableHDU(data, name=spec.name)
    hdu = fits.ImageHDU(data, name=spec.name)
    if spec.unit:
        hdu.header["BUNIT"] = spec.unit
    return hdu
