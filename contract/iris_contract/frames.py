"""The frames that stages exchange: raw ramps, images, references, truth. Frozen, arrays inside."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from astropy.io.fits import HDUList

from iris_contract.errors import LayoutError, ReferenceFileError
from iris_contract.exposure import Subarray
from iris_contract.fitsio import (
    Header,
    find_array_problem,
    open_fits,
    read_data,
    read_layout,
    take_cards,
    write_layout,
)
from iris_contract.instrument import Detector, load_instrument
from iris_contract.layouts import load_layouts
from iris_contract.reftypes import HduSpec, ReferenceType, load_reference_types

__all__ = ["AsBuiltMaps", "Image", "Ramp", "Reference", "Truth", "read_guide_window", "read_region"]

Float = npt.NDArray[np.float32]

ERROR_PLANES = frozenset({"ERR", "COEFFS_ERR"})
"""HDUs that hold standard deviations, in images and references."""


def read_region(header: Header, path: str | Path | None = None) -> Subarray:
    """Return the detector region that a header states; raise LayoutError where it is none."""
    return _read_rectangle(header, ("XSTART", "YSTART", "XSIZE", "YSIZE"), path)


def read_guide_window(header: Header, path: str | Path | None = None) -> Subarray | None:
    """Return the guide window that was read on its own, None where a header states none; raise LayoutError."""
    keys = ("ODGWXSTA", "ODGWYSTA", "ODGWXSIZ", "ODGWYSIZ")
    return _read_rectangle(header, keys, path) if any(key in header for key in keys) else None


def _read_rectangle(header: Header, keys: tuple[str, ...], path: str | Path | None) -> Subarray:
    corner = []
    for key in keys:
        value = header.get(key)
        if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or value < 1:
            raise LayoutError("must be an integer from 1", file=path, key=key, value=value)
        corner.append(int(value))
    return Subarray(*corner)


def _check_size(cover: Subarray, spec: HduSpec, shape: tuple[int, ...], path: str | Path | None) -> None:
    """Raise LayoutError unless the (ny, nx) axes of an array have the size of its region."""
    sizes = dict(zip(spec.axes, shape, strict=True)) if spec.dtype != "table" else {}
    found = sizes.get("ny", cover.ysize), sizes.get("nx", cover.xsize)
    if found != cover.shape:
        raise LayoutError(f"HDU {spec.name} has (ny, nx)={found}", file=path, key="YSIZE,XSIZE", value=cover.shape)


def find_time_problem(times: npt.NDArray[np.float64]) -> str | None:
    """Return what is wrong with TIMES (ngroups, nreads) in words, or None."""
    if not np.all(np.isfinite(times)) or np.any(times < 0):
        return "HDU TIMES must hold finite seconds from each reset, none negative"
    return None if np.all(np.diff(times, axis=1) > 0) else "HDU TIMES must increase within each ramp"


def find_error_problem(name: str, plane: npt.NDArray[Any]) -> str | None:
    """Return what is wrong with a plane of standard deviations in words, or None.

    NaN is no breach: it says that an error is not known, and is judged.
    """
    negative = plane < 0
    if not negative.any():
        return None
    first = tuple(int(axis) for axis in np.unravel_index(int(negative.argmax()), negative.shape))
    count = f"{np.count_nonzero(negative)} of {negative.size} are negative, the first one at {first}"
    return f"HDU {name} must hold standard deviations: {count}"


def _check_errors(content: dict[str, npt.NDArray[Any]], path: str | Path) -> None:
    """Raise LayoutError where a plane of standard deviations is negative."""
    for name in content.keys() & ERROR_PLANES:
        problem = find_error_problem(name, content[name])
        if problem:
            raise LayoutError(problem, file=path)


@dataclass(frozen=True, slots=True)
class Ramp:
    """A raw exposure: `reads` uint16 DN (ny, nx, ngroups, nreads), `times` s (ngroups, nreads)."""

    header: Header
    reads: npt.NDArray[np.uint16]
    times: npt.NDArray[np.float64]

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read a raw file; raises LayoutError."""
        _, header, content = read_layout(path, "RampModel")
        ramp = cls(header, content["DATA"], content["TIMES"])
        ramp.check(path)
        return ramp

    def check(self, path: str | Path | None = None) -> None:
        """Raise LayoutError unless the sizes that the header states, and the times, are those of the reads."""
        _check_size(self.region(path), load_layouts()["RampModel"].hdus[0], self.reads.shape, path)
        for key, length in zip(("NGROUPS", "NREADS"), self.reads.shape[2:], strict=True):
            if self.header.get(key, length) != length:
                raise LayoutError(f"HDU DATA has {length}", file=path, key=key, value=self.header[key])
        problem = find_time_problem(self.times)
        if problem:
            raise LayoutError(problem, file=path)

    def write(self, path: str | Path) -> None:
        """Write the raw file atomically; raises LayoutError."""
        write_layout(path, "RampModel", self.header, {"DATA": self.reads, "TIMES": self.times})

    def region(self, path: str | Path | None = None) -> Subarray:
        """Detector region of this exposure."""
        return read_region(self.header, path)

    @property
    def detector(self) -> Detector:
        """The as-designed detector."""
        return load_instrument().detector(str(self.header.get("DETECTOR")))


@dataclass(frozen=True, slots=True)
class Image:
    """A rate image (level 1 or 2): data and err float32 e-/s (ny, nx), dq uint32 (ny, nx).

    `chi2` is the ramp fit's chi-square per degree of freedom (ny, nx), `jumps` a structured array
    with Y, X, GROUP, READ (from 0; the jump lies between READ-1 and READ) and AMPLITUDE e-. `var_poisson`
    and `var_read` (e-/s)^2 (ny, nx) are the shares of photons and of all else in err^2. Of the lenslets, `wavelength`
    nm float64 (ny, nx) is that of the spectrum that a pixel belongs to and `lenslet` int32 (ny, nx) its number among
    the lit ones, from 0; NaN and -1 where it belongs to none.
    """

    header: Header
    data: Float
    err: Float
    dq: npt.NDArray[np.uint32]
    chi2: Float | None = None
    jumps: npt.NDArray[Any] | None = None
    var_poisson: Float | None = None
    var_read: Float | None = None
    wavelength: npt.NDArray[np.float64] | None = None
    lenslet: npt.NDArray[np.int32] | None = None

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read a level 1 or level 2 image; raises LayoutError."""
        _, header, c = read_layout(path, "RateModel", "ImagerModel", "LensletModel")
        _check_errors({"ERR": c["ERR"]}, path)
        more = (c.get(name) for name in ("CHI2", "JUMPS", "VAR_POISSON", "VAR_READ", "WAVELENGTH", "LENSLET"))
        return cls(header, c["DATA"], c["ERR"], c["DQ"], *more)

    def write(self, path: str | Path) -> None:
        """Write the layout that the header's DATAMODL names, atomically; raises LayoutError."""
        content: dict[str, Any] = {"DATA": self.data, "ERR": self.err, "DQ": self.dq}
        more = {"CHI2": self.chi2, "JUMPS": self.jumps, "VAR_POISSON": self.var_poisson, "VAR_READ": self.var_read}
        more |= {"WAVELENGTH": self.wavelength, "LENSLET": self.lenslet}
        content |= {name: plane for name, plane in more.items() if plane is not None}
        write_layout(path, str(self.header.get("DATAMODL")), self.header, content)


@dataclass(frozen=True, slots=True)
class Reference:
    """A calibration reference of one kind: HDU name to array, as its reference type lists."""

    header: Header
    content: dict[str, npt.NDArray[Any]] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """Reference type, the header's REFTYPE."""
        return str(self.header.get("REFTYPE"))

    @classmethod
    def read(cls, path: str | Path, kind: str, region: Subarray | None = None) -> Self:
        """Read a reference of `kind`; with `region`, only that part of its (ny, nx) planes.

        Raises LayoutError, or ReferenceFileError where it is another kind or does not cover.
        """
        kind_type = _find_type(kind, path)
        with open_fits(path) as hdus:
            header = take_cards(hdus[0].header)
            if header.get("REFTYPE") != kind:
                raise ReferenceFileError(
                    f"expected a {kind} reference", file=path, key="REFTYPE", value=header.get("REFTYPE")
                )
            if not any(axis in spec.axes for spec in kind_type.hdus for axis in ("ny", "nx")):
                content = read_layout(path, kind_type.model)[2]
                _check_errors(content, path)
                return cls(header, content)
            cover = read_region(header, path)
            region = cover if region is None else region
            if not cover.contains(region):
                raise ReferenceFileError(f"{kind} reference covers {cover}, the data need {region}", file=path)
            return cls(header, _read_cut(hdus, path, kind_type, cover, region))

    def write(self, path: str | Path) -> None:
        """Write the reference atomically; raises LayoutError, or ReferenceFileError for an unknown kind."""
        write_layout(path, _find_type(self.kind, path).model, self.header, self.content)


def _find_type(kind: str, path: str | Path) -> ReferenceType:
    table = load_reference_types()
    if kind not in table:
        raise ReferenceFileError(f"choose {', '.join(table)}", file=path, key="REFTYPE", value=kind)
    return table[kind]


def _read_cut(
    hdus: HDUList, path: str | Path, kind: ReferenceType, cover: Subarray, region: Subarray
) -> dict[str, npt.NDArray[Any]]:
    """Content of a reference that covers `cover`, its ny and nx axes cut to `region`."""
    rows, columns = region.cut_from(cover)
    content: dict[str, npt.NDArray[Any]] = {}
    sizes: dict[str, int] = {}
    if hdus[0].header.get("DATAMODL") != kind.model:
        raise LayoutError(f"expected {kind.model}", file=path, key="DATAMODL", value=hdus[0].header.get("DATAMODL"))
    for spec in kind.hdus:
        problem = find_array_problem(spec, hdus, sizes)
        if problem:
            raise LayoutError(problem, file=path, key="DATAMODL", value=kind.model)
        _check_size(cover, spec, hdus[spec.name].shape if spec.dtype != "table" else (), path)
        cut = tuple({"ny": rows, "nx": columns}.get(axis, slice(None)) for axis in spec.axes)
        whole = spec.dtype == "table" or region == cover
        content[spec.name] = read_data(hdus[spec.name], path, None if whole else cut)
    _check_errors(content, path)
    return content


_TRUTH_EXTRAS = ("persistence", "shift", "spectra_wave", "spectra", "line_flux")


@dataclass(frozen=True, slots=True)
class Truth:
    """What really happened in one raw file, keyed by its SHA-256. Never read by the reduction.

    Planes (ny, nx): `rate_scene` e-/s before relative response, `rate_detected` e-/s with response
    and dark, `read_noise` e- of a single read without quantisation, `gain` e-/DN, `cause` uint32
    (DQ bits). `events`: Y, X, GROUP, READ, ELECTRONS of cosmic rays. `effects`: name to on or off.
    `persistence` e-/s is the afterglow in `rate_detected`, None where there is none. Of a spectrograph's exposure:
    `shift` px (x, y) by which its light fell beside where the as-built spectrograph puts it, `spectra` e-/s at the
    detector per channel (nspec, nchan) on `spectra_wave` nm (nchan,), and `line_flux` with COLUMN, ROW, WAVELENGTH nm
    and FLUX e-/s at the detector of emission lines, and `seconds` in which light was collected, over all ramps.
    """

    raw_sha256: str
    rate_scene: Float
    rate_detected: Float
    read_noise: Float
    gain: Float
    cause: npt.NDArray[np.uint32]
    events: npt.NDArray[Any]
    effects: dict[str, bool]
    persistence: Float | None = None
    shift: npt.NDArray[np.float64] | None = None
    spectra_wave: npt.NDArray[np.float64] | None = None
    spectra: Float | None = None
    line_flux: npt.NDArray[Any] | None = None
    seconds: float | None = None

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read a truth file; raises LayoutError."""
        _, header, c = read_layout(path, "TruthModel")
        if "RAWSHA" not in header:
            raise LayoutError("keyword is missing (SHA-256 of the raw file)", file=path, key="RAWSHA")
        effects = {
            str(name).strip(): bool(on) for name, on in zip(c["EFFECTS"]["NAME"], c["EFFECTS"]["ON"], strict=True)
        }
        scene, detected, noise, gain = (c[n] for n in ("RATE_SCENE", "RATE_DETECTED", "READ_NOISE", "GAIN"))
        more: dict[str, Any] = {name: c.get(name.upper()) for name in _TRUTH_EXTRAS}
        more["seconds"] = header.get("EXPTIME")
        return cls(str(header["RAWSHA"]), scene, detected, noise, gain, c["CAUSE"], c["EVENTS"], effects, **more)

    def write(self, path: str | Path) -> None:
        """Write the truth file atomically; raises LayoutError."""
        effects = np.array([(n, on) for n, on in sorted(self.effects.items())], dtype=[("NAME", "U32"), ("ON", "u1")])
        content: dict[str, Any] = {
            "RATE_SCENE": self.rate_scene,
            "RATE_DETECTED": self.rate_detected,
            "READ_NOISE": self.read_noise,
            "GAIN": self.gain,
            "CAUSE": self.cause,
            "EVENTS": self.events,
            "EFFECTS": effects,
        }
        more = {name.upper(): getattr(self, name) for name in _TRUTH_EXTRAS}
        content |= {name: array for name, array in more.items() if array is not None}
        cards: Header = {"RAWSHA": self.raw_sha256}
        if self.seconds is not None:
            cards["EXPTIME"] = self.seconds
        write_layout(path, "TruthModel", cards, content)


@dataclass(frozen=True, slots=True)
class AsBuiltMaps:
    """As-built maps of one detector region, planes (ny, nx).

    `gain` e-/DN, `read_noise` e-, `dark` e-/s, `flat` (relative response, median 1), `offset` DN, `well` e-,
    `bad` uint32 (true class bits by design limits). The others are None where the flaw is absent:
    `loss` (share of signal lost at 80 000 e-) and `bend` (shape) of the nonlinearity; `links` (ny, nx, 3)
    to the right, upper and upper corner neighbours, without signal; `traps` (ny, nx, 2) shares of charge;
    `telegraph` and `settling` heights e-; `signal` e- (ny, nx, nlevel) that a pixel shows when it holds
    `levels` e- (nlevel); `dark_shown` e-/s, the dark current as pixels show it that are coupled to others.
    """

    header: Header
    gain: Float
    read_noise: Float
    dark: Float
    flat: Float
    offset: Float
    well: Float
    bad: npt.NDArray[np.uint32]
    loss: Float | None = None
    bend: Float | None = None
    links: Float | None = None
    traps: Float | None = None
    telegraph: Float | None = None
    settling: Float | None = None
    levels: npt.NDArray[np.float64] | None = None
    signal: Float | None = None
    dark_shown: Float | None = None

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read as-built maps; raises LayoutError."""
        layout, header, content = read_layout(path, "AsBuiltModel")
        return cls(header, *(content.get(spec.name) for spec in layout.hdus))  # type: ignore[arg-type]

    def write(self, path: str | Path) -> None:
        """Write as-built maps atomically; raises LayoutError."""
        names = [entry.name for entry in fields(self) if entry.name != "header"]
        planes = {name.upper(): getattr(self, name) for name in names if getattr(self, name) is not None}
        write_layout(path, "AsBuiltModel", self.header, planes)

    def cut(self, region: Subarray, header: Header | None = None) -> Self:
        """Return the part that covers `region`; raises InputError where these maps do not contain it."""
        rows_columns = region.cut_from(read_region(self.header))
        planes = {
            entry.name: np.ascontiguousarray(plane[rows_columns])
            for entry in fields(self)
            if isinstance(plane := getattr(self, entry.name), np.ndarray) and entry.name != "levels"
        }
        return replace(self, header=self.header if header is None else header, **planes)
