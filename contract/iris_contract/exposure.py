"""How an exposure is read out: the region of the detector, and the ramps and reads.

A *ramp* is a reset followed by non-destructive reads; an exposure is one or more ramps. Read times
run from the end of the reset to the beginning of the read, so the first read is at time zero
(ITIME of tmt-icd/IRIS-Model-Files). A sub-array is read by the outputs whose strips it crosses. While a
ramp goes on, a small on-detector guide window (ODGW) of it may be reset and read on its own, many times.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
import numpy.typing as npt

from iris_contract.errors import InputError
from iris_contract.instrument import CLOCKS, Detector
from iris_contract.lenslet.mode import LensletMode

__all__ = ["READ_MODES", "SUBARRAY_MODES", "Exposure", "GuideWindow", "Readout", "Subarray"]

READ_MODES: tuple[str, ...] = ("CDS", "MCDS", "UTR")
SUBARRAY_MODES: tuple[str, ...] = ("FULL_FRAME", "SUB_ARRAY", "ODGW")
MAX_COUNT = 100_000  # ICD: reads and ramps lie in 1..100000


@dataclass(frozen=True, slots=True)
class Subarray:
    """A rectangle of detector pixels; `xstart` and `ystart` count from 1 as in the headers."""

    xstart: int
    ystart: int
    xsize: int
    ysize: int

    @classmethod
    def full(cls, detector: Detector) -> Subarray:
        """Return the whole detector."""
        return cls(1, 1, detector.size, detector.size)

    @property
    def shape(self) -> tuple[int, int]:
        """(ny, nx) of an image of this region."""
        return self.ysize, self.xsize

    @property
    def slices(self) -> tuple[slice, slice]:
        """Index that cuts this region out of a full-format (ny, nx) array."""
        y, x = self.ystart - 1, self.xstart - 1
        return slice(y, y + self.ysize), slice(x, x + self.xsize)

    def name(self, detector: Detector) -> str:
        """FULL or CUSTOM, the value of SUBARRAY."""
        return "FULL" if self == Subarray.full(detector) else "CUSTOM"

    def contains(self, other: Subarray) -> bool:
        """Tell whether `other` lies wholly inside this region."""
        return (
            self.xstart <= other.xstart
            and self.ystart <= other.ystart
            and self.xstart + self.xsize >= other.xstart + other.xsize
            and self.ystart + self.ysize >= other.ystart + other.ysize
        )

    def cut_from(self, cover: Subarray) -> tuple[slice, slice]:
        """Index that cuts this region out of an array of the region `cover`.

        Raises InputError where `cover` does not contain it.
        """
        if not cover.contains(self):
            raise InputError(f"{cover} does not cover {self}")
        y, x = self.ystart - cover.ystart, self.xstart - cover.xstart
        return slice(y, y + self.ysize), slice(x, x + self.xsize)

    def check(self, detector: Detector) -> None:
        """Raise InputError unless the region is inside `detector`."""
        for start, size, axis in ((self.xstart, self.xsize, "X"), (self.ystart, self.ysize, "Y")):
            if start < 1 or size < 1 or start + size - 1 > detector.size:
                raise InputError(
                    f"sub-array must lie within 1..{detector.size} on {detector.name}",
                    key=f"{axis}START,{axis}SIZE",
                    value=(start, size),
                )

    def outputs(self, detector: Detector) -> range:
        """Numbers (from 0) of the outputs whose column strips this region crosses."""
        width = detector.output_width
        return range((self.xstart - 1) // width, (self.xstart + self.xsize - 2) // width + 1)

    def output_of_column(self, detector: Detector) -> npt.NDArray[np.int64]:
        """Output number (from 0) of each column, shape (nx,)."""
        columns = np.arange(self.xstart - 1, self.xstart - 1 + self.xsize)
        return (columns // detector.output_width).astype(np.int64)

    def reference_pixels(self, detector: Detector) -> npt.NDArray[np.bool_]:
        """True on the reference border, shape (ny, nx)."""
        border, last = detector.reference_border, detector.size - detector.reference_border
        rows = np.arange(self.ystart - 1, self.ystart - 1 + self.ysize)
        columns = np.arange(self.xstart - 1, self.xstart - 1 + self.xsize)
        in_rows = (rows < border) | (rows >= last)
        in_columns = (columns < border) | (columns >= last)
        return in_rows[:, None] | in_columns[None, :]

    def frame_time(self, detector: Detector, clock: str = "FAST") -> float:
        """Shortest time of one read in s: the widest strip's columns times the rows [D, C].

        The full format takes 0.72 s (FAST) and 1.75 s (SLOW); overhead scales with pixels.
        """
        width = detector.output_width
        first, last = self.xstart - 1, self.xstart + self.xsize - 2
        widest = max(min(last, (n + 1) * width - 1) - max(first, n * width) + 1 for n in self.outputs(detector))
        return self.ysize * widest / detector.clocks[clock] * detector.frame_overhead[clock]


@dataclass(frozen=True, slots=True)
class Readout:
    """Sampling of an exposure: mode, ramps, and the time of each read in s from the reset."""

    mode: str
    ramps: int
    times: tuple[float, ...]
    clock: str = "FAST"

    def __post_init__(self) -> None:
        if self.mode not in READ_MODES:
            raise InputError(f"choose {', '.join(READ_MODES)}", key="READMODE", value=self.mode)
        if not 1 <= self.ramps <= MAX_COUNT:
            raise InputError(f"must be 1..{MAX_COUNT}", key="NGROUPS", value=self.ramps)
        if self.clock not in CLOCKS:
            raise InputError(f"choose {', '.join(CLOCKS)}", key="CLOCK", value=self.clock)
        finite = bool(np.all(np.isfinite(self.times)))
        if not finite or len(self.times) < 2 or np.any(np.diff(self.times) <= 0) or self.times[0] < 0:
            raise InputError("needs two or more increasing times from 0 on", key="TIMES", value=self.times[:3])
        if self.mode == "CDS" and len(self.times) != 2:
            raise InputError("CDS has two reads", key="NREADS", value=len(self.times))
        if self.mode == "MCDS" and len(self.times) % 2:
            raise InputError("MCDS has an even number of reads", key="NREADS", value=len(self.times))

    @classmethod
    def up_the_ramp(cls, reads: int, interval: float, ramps: int = 1, clock: str = "FAST") -> Readout:
        """Return `reads` reads every `interval` s; the first at the end of the reset."""
        return cls("UTR", ramps, tuple(interval * n for n in range(reads)), clock)

    @classmethod
    def fowler(cls, pairs: int, frame: float, exposure: float, ramps: int = 1, clock: str = "FAST") -> Readout:
        """Return CDS (`pairs` 1) or MCDS: `pairs` reads at each end, `frame` s apart.

        `exposure` is the time in s between the k-th read of the first and of the last group.
        """
        first = [frame * n for n in range(pairs)]
        times = tuple(first + [exposure + t for t in first])
        return cls("CDS" if pairs == 1 else "MCDS", ramps, times, clock)

    @property
    def reads(self) -> int:
        """Reads per ramp."""
        return len(self.times)

    @property
    def ramp_time(self) -> float:
        """Time from first to last read in s."""
        return self.times[-1] - self.times[0]

    def times_array(self) -> npt.NDArray[np.float64]:
        """TIMES of the raw file, shape (ramps, reads), s from each ramp's own reset."""
        return np.tile(np.asarray(self.times, dtype=np.float64), (self.ramps, 1))

    def check(self, detector: Detector, subarray: Subarray) -> None:
        """Raise InputError if the reads follow faster than the detector can be read."""
        shortest = subarray.frame_time(detector, self.clock)
        if min(np.diff(self.times)) < shortest * (1 - 1e-9):
            raise InputError(f"reads faster than the frame time of {shortest:.4f} s", key="TIMES")


@dataclass(frozen=True, slots=True)
class GuideWindow:
    """An on-detector guide window: the pixels `area`, reset every `interval` s from the reset of the ramp on."""

    area: Subarray
    interval: float

    def frames(self, detector: Detector, clock: str = "FAST") -> float:
        """Shortest interval in s: a reset and two reads of the window [C, as a CDS of the full format]."""
        return 3 * self.area.frame_time(detector, clock)

    def check(self, detector: Detector, region: Subarray, readout: Readout) -> None:
        """Raise InputError unless the window lies in `region`, sees light, and is read between the reads around it."""
        self.area.check(detector)
        if not region.contains(self.area):
            raise InputError("guide window must lie inside the region", key="XSTART,YSTART", value=self.area)
        if self.area.reference_pixels(detector).any():
            raise InputError("guide window must not hold reference pixels", key="XSTART,YSTART", value=self.area)
        shortest, longest = self.frames(detector, readout.clock), float(min(np.diff(readout.times)))
        if not shortest <= self.interval <= longest:
            problem = f"must be from {shortest:.4f} s, a reset and two reads of the window, to {longest:g} s, one read"
            raise InputError(f"{problem} of the exposure", key="interval", value=self.interval)


@dataclass(frozen=True, slots=True)
class Exposure:
    """One exposure as commanded: what a night log would say of it. Holds no truth.

    `role` is the scenario's name of the exposure and appears in no file. `image_type` is IMTYPE,
    `lamp` the NSCU lamp that is on (or NONE), `number` counts exposures within the night. `guide_window` is
    read on its own meanwhile; `guides` says that this exposure is what such a window saw. `lenslet` is the setting of
    the lenslet spectrograph, whose `filter` is then the exposure's; without, the detector IFU is bare.
    """

    role: str
    image_type: str
    detector: str
    subarray: Subarray
    readout: Readout
    start: datetime
    number: int
    filter: str = "H"
    lamp: str = "NONE"
    shutter: str = "OPEN"
    program: tuple[str, str, str] = field(default=("2035A", "P001", "001"))
    guide_window: GuideWindow | None = None
    guides: bool = False
    lenslet: LensletMode | None = None

    def __post_init__(self) -> None:
        if self.lenslet is None:
            return
        self.lenslet.check()
        stated = self.detector, self.filter
        if stated != ("IFU", self.lenslet.filter):
            problem = f"an exposure of the lenslets has IFU, {self.lenslet.filter}"
            raise InputError(problem, key="DETECTOR,FILTER", value=stated)

    @property
    def instrument_mode(self) -> str:
        """INSTMODE, the arm of the instrument that the detector is in: LENSLET of IFU, bare or not, else IMG."""
        return "LENSLET" if self.detector == "IFU" else "IMG"

    def subarray_mode(self, detector: Detector) -> str:
        """SARRMODE: FULL_FRAME, SUB_ARRAY or ODGW."""
        if self.guides:
            return "ODGW"
        return "FULL_FRAME" if self.subarray == Subarray.full(detector) else "SUB_ARRAY"

    def of_guide_window(self, detector: Detector, number: int) -> Exposure:
        """Return what the guide window takes during this exposure, as exposure `number`: a CDS each interval."""
        if self.guide_window is None:
            raise InputError("the exposure has no guide window", key="guide_window")
        area, interval = self.guide_window.area, self.guide_window.interval
        ramps = max(1, int(self.readout.ramps * self.readout.ramp_time / interval))
        last = interval - 2 * area.frame_time(detector, self.readout.clock)
        readout = Readout("CDS", ramps, (0.0, last), self.readout.clock)
        return replace(self, subarray=area, readout=readout, number=number, guide_window=None, guides=True)
