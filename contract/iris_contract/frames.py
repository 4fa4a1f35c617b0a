"""The frames that stages exchange: raw ramps, images, references, truth. Frozen, arrays inside."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from iris_contract.errors import LayoutError, ReferenceFileError
from iris_contract.exposure import Subarray
from iris_contract.fitsio import Header, open_fits, read_header, read_layout, write_layout
from iris_contract.instrument import Detector, load_instrument
from iris_contract.reftypes import load_reference_types

__all__ = ["AsBuiltMaps", "Image", "Ramp", "Reference", "Truth", "read_region"]

Float = npt.NDArray[np.float32]


def read_region(header: Header, path: str | Path | None = None) -> Subarray:
    """Return the detector region that a header states; raise LayoutError where it is absent."""
    try:
        return Subarray(*(int(header[k]) for k in ("XSTART", "YSTART", "XSIZE", "YSIZE")))
    except KeyError as error:
        raise LayoutError("keyword is missing", file=path, key=error.args[0], value=None) from None


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
        if ramp.region(path).shape != ramp.reads.shape[:2]:
            raise LayoutError(
                f"DATA is {ramp.reads.shape[:2]}", file=path, key="YSIZE,XSIZE", value=ramp.region().shape
            )
        return ramp

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
    with Y, X, GROUP, READ (from 0; the jump lies between READ-1 and READ) and AMPLITUDE e-.
    """

    header: Header
    data: Float
    err: Float
    dq: npt.NDArray[np.uint32]
    chi2: Float | None = None
    jumps: npt.NDArray[Any] | None = None

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read a level 1 or level 2 image; raises LayoutError."""
        _, header, c = read_layout(path, "RateModel", "ImagerModel")
        return cls(header, c["DATA"], c["ERR"], c["DQ"], c.get("CHI2"), c.get("JUMPS"))

    def write(self, path: str | Path) -> None:
        """Write the layout that the header's DATAMODL names, atomically; raises LayoutError."""
        content: dict[str, Any] = {"DATA": self.data, "ERR": self.err, "DQ": self.dq}
        if self.chi2 is not None:
            content["CHI2"] = self.chi2
        if self.jumps is not None:
            content["JUMPS"] = self.jumps
        write_layout(path, str(self.header.get("DATAMODL")), self.header, content)


@dataclass(frozen=True, slots=True)
class Reference:
    """A calibration reference of one kind: HDU name to array, as its reference type lists."""

    header: Header
    content: dict[str, npt.NDArray[Any]] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """Reference type, the header's REFTYPE."""
        return str(self.header["REFTYPE"])

    @classmethod
    def read(cls, path: str | Path, kind: str, region: Subarray | None = None) -> Self:
        """Read a reference of `kind`; with `region`, only that part of its (ny, nx) planes.

        Raises LayoutError, or ReferenceFileError where it is another kind or does not cover.
        """
        table = load_reference_types()
        header = read_header(path)
        if header.get("REFTYPE") != kind:
            raise ReferenceFileError(
                f"expected a {kind} reference", file=path, key="REFTYPE", value=header.get("REFTYPE")
            )
        if region is None:
            _, header, content = read_layout(path, table[kind].model)
            return cls(header, content)
        cover = read_region(header, path)
        if not cover.contains(region):
            raise ReferenceFileError(f"{kind} reference covers {cover}, the data need {region}", file=path)
        cut = region.cut_from(cover)
        with open_fits(path) as hdus:
            content = {}
            for spec in table[kind].hdus:
                if spec.name not in hdus:
                    raise LayoutError(f"HDU {spec.name} is missing", file=path)
                part = hdus[spec.name].section[cut] if spec.axes[:2] == ("ny", "nx") else hdus[spec.name].data
                data = np.asarray(part)
                if data.dtype.name != spec.dtype:
                    raise LayoutError(f"HDU {spec.name} must be {spec.dtype}, found {data.dtype.name}", file=path)
                content[spec.name] = np.ascontiguousarray(data, dtype=data.dtype.newbyteorder("="))
        return cls(header, content)

    def write(self, path: str | Path) -> None:
        """Write the reference atomically; raises LayoutError."""
        write_layout(path, load_reference_types()[self.kind].model, self.header, self.content)


@dataclass(frozen=True, slots=True)
class Truth:
    """What really happened in one raw file, keyed by its SHA-256. Never read by the reduction.

    Planes (ny, nx): `rate_scene` e-/s before relative response, `rate_detected` e-/s with response
    and dark, `read_noise` e- of a single read without quantisation, `gain` e-/DN, `cause` uint32
    (DQ bits). `events`: Y, X, GROUP, READ, ELECTRONS of cosmic rays. `effects`: name to on or off.
    """

    raw_sha256: str
    rate_scene: Float
    rate_detected: Float
    read_noise: Float
    gain: Float
    cause: npt.NDArray[np.uint32]
    events: npt.NDArray[Any]
    effects: dict[str, bool]

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read a truth file; raises LayoutError."""
        _, header, c = read_layout(path, "TruthModel")
        effects = {
            str(name).strip(): bool(on) for name, on in zip(c["EFFECTS"]["NAME"], c["EFFECTS"]["ON"], strict=True)
        }
        scene, detected, noise, gain = (c[n] for n in ("RATE_SCENE", "RATE_DETECTED", "READ_NOISE", "GAIN"))
        return cls(str(header["RAWSHA"]), scene, detected, noise, gain, c["CAUSE"], c["EVENTS"], effects)

    def write(self, path: str | Path) -> None:
        """Write the truth file atomically; raises LayoutError."""
        effects = np.array([(n, on) for n, on in sorted(self.effects.items())], dtype=[("NAME", "U32"), ("ON", "u1")])
        content = {
            "RATE_SCENE": self.rate_scene,
            "RATE_DETECTED": self.rate_detected,
            "READ_NOISE": self.read_noise,
            "GAIN": self.gain,
            "CAUSE": self.cause,
            "EVENTS": self.events,
            "EFFECTS": effects,
        }
        write_layout(path, "TruthModel", {"RAWSHA": self.raw_sha256}, content)


@dataclass(frozen=True, slots=True)
class AsBuiltMaps:
    """As-built maps of one detector region: gain e-/DN, read_noise e-, dark e-/s, flat (relative
    response, median 1), offset DN, well e-, bad uint32 (true class bits by design limits)."""

    header: Header
    gain: Float
    read_noise: Float
    dark: Float
    flat: Float
    offset: Float
    well: Float
    bad: npt.NDArray[np.uint32]

    @classmethod
    def read(cls, path: str | Path) -> Self:
        """Read as-built maps; raises LayoutError."""
        _, header, c = read_layout(path, "AsBuiltModel")
        return cls(header, *(c[n] for n in ("GAIN", "READ_NOISE", "DARK", "FLAT", "OFFSET", "WELL", "BAD")))

    def write(self, path: str | Path) -> None:
        """Write as-built maps atomically; raises LayoutError."""
        names = ("GAIN", "READ_NOISE", "DARK", "FLAT", "OFFSET", "WELL", "BAD")
        planes = (self.gain, self.read_noise, self.dark, self.flat, self.offset, self.well, self.bad)
        write_layout(path, "AsBuiltModel", self.header, dict(zip(names, planes, strict=True)))
