"""Synthetic exposures for the reduction's tests, drawn here with numpy and nothing of the simulator."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from scipy.special import ndtr

from iris_contract import Ramp, Reference, Subarray, load_instrument
from iris_contract.keywords import load_keywords
from iris_contract.lenslet import LensletMode, load_lattice
from iris_contract.reftypes import load_reference_types
from iris_contract.spectral_data import load_arc_lines
from iris_reduction.arc_lines.image import make_arc_image
from iris_reduction.calibration.frame import RateFrame

REGION = Subarray(1, 1, 128, 64)
DETECTOR = load_instrument().detector("IMG1")
GAINS = (2.05, 1.94)  # e-/DN of the two outputs
NOISE, BIAS, RESET = 11.0, 5000.0, 35.0
TIMES_LONG, TIMES_SHORT = 10.0 * np.arange(20), 5.0 * np.arange(5)


def draw_reads(
    rng: np.random.Generator, rate, times, ramps: int = 1, *, gain=2.0, noise=NOISE, offset=BIAS, hits=()
) -> np.ndarray:
    """Raw DN, uint16 (ny, nx, ramps, reads), of pixels at `rate` e-/s; hits are (y, x, ramp, read, electrons)."""
    steps = np.diff(times, prepend=times[0])
    shape = (*np.shape(rate), ramps, len(times))
    arrived = rng.poisson(np.asarray(rate)[:, :, None, None] * steps, shape).astype(float)
    for y, x, ramp, read, electrons in hits:
        arrived[y, x, ramp, read] += electrons
    charge = arrived.cumsum(axis=-1) + RESET * rng.standard_normal((*np.shape(rate), ramps, 1))
    charge += np.broadcast_to(noise, np.shape(rate))[:, :, None, None] * rng.standard_normal(charge.shape)
    dn = charge / np.broadcast_to(gain, np.shape(rate))[:, :, None, None] + offset
    return np.clip(np.rint(dn), 0, 65535).astype(np.uint16)


def make_header(role: str, region: Subarray = REGION, **cards) -> dict:
    """Every keyword that files of `role` must carry, with allowed values."""
    header = {}
    for keyword in load_keywords().values():
        if role in keyword.required:
            plain = {"str": "X", "int": 1, "float": 1.0, "bool": False}[keyword.type]
            header[keyword.keyword] = keyword.allowed[0] if keyword.allowed else plain
    header |= {
        "DETECTOR": "IMG1",
        "INSTMODE": "IMG",
        "IFSMODE": "NONE",
        "FILTER": "H",
        "READMODE": "UTR",
        "SUBARRAY": "CUSTOM",
    }
    header |= {"CHANNELS": 64, "DATALVL": 0, "DATE-OBS": "2035-01-10", "TIME-OBS": "05:00:00.500", "CALLAMP": "NONE"}
    header |= {"XSTART": region.xstart, "YSTART": region.ystart, "XSIZE": region.xsize, "YSIZE": region.ysize}
    return header | cards


def write_raw(path: Path, reads, times, region: Subarray = REGION, **cards) -> Path:
    """Write a raw file that conforms to the contract."""
    grid = np.tile(np.asarray(times, float), (reads.shape[2], 1))
    counts = {"NGROUPS": reads.shape[2], "NREADS": reads.shape[3], "DATAMODL": "RampModel"}
    Ramp(make_header("raw", region, **counts, **cards), reads, grid).write(path)
    return path


def write_reference(
    path: Path, kind: str, region: Subarray = REGION, header: dict | None = None, shape=None, **planes
) -> Path:
    """Write a reference of `kind`; planes not given are ones (DATA), zeros (ERR, DQ)."""
    entry = load_reference_types()[kind]
    shape = shape or region.shape
    content = {hdu.name: np.full(shape, 1 if hdu.name == "DATA" else 0, hdu.dtype) for hdu in entry.hdus}
    for name, value in planes.items():
        content[name][:] = value
    cards = make_header("reference", region, DATAMODL=entry.model, REFTYPE=kind, USEAFTER="2035-01-01T00:00:00")
    Reference(cards | (header or {}), content).write(path)
    return path


@dataclass
class Night:
    """Raw files of one night of a small region, and what is true of it."""

    folder: Path
    gain: np.ndarray
    dark: np.ndarray
    flat: np.ndarray
    classes: dict[str, list[tuple[int, int]]]
    raw: dict[str, Path] = field(default_factory=dict)

    def flats(self, *roles: str) -> list[Path]:
        return [self.raw[role] for role in roles]


@pytest.fixture(scope="session")
def synthetic() -> SimpleNamespace:
    """The makers above: test modules cannot import this file."""
    return SimpleNamespace(
        draw_reads=draw_reads,
        write_raw=write_raw,
        write_reference=write_reference,
        make_header=make_header,
        region=REGION,
        detector=DETECTOR,
        long=TIMES_LONG,
        short=TIMES_SHORT,
    )


@pytest.fixture(scope="session")
def night(tmp_path_factory) -> Night:
    """A dark of ten ramps, flats off and at two levels, and a science frame at 40 e-/s."""
    rng = np.random.default_rng(20350110)
    border = REGION.reference_pixels(DETECTOR)
    gain = np.where(np.arange(128) < 64, *GAINS) * np.ones(REGION.shape)
    dark = np.where(border, 0.0, 0.005)
    flat = np.where(border, 0.0, rng.normal(1, 0.01, REGION.shape))
    classes = {
        "HOT": [(10, 20), (30, 100)],
        "WARM": [(11, 21), (40, 90)],
        "DEAD": [(12, 22), (50, 80)],
        "LOW_QE": [(13, 23), (60, 70)],
        "BAD_REF_PIXEL": [(1, 30), (2, 90), (40, 2)],
    }
    for name, plane, value in (("HOT", dark, 5.0), ("WARM", dark, 0.5), ("DEAD", flat, 0.03), ("LOW_QE", flat, 0.3)):
        plane[tuple(zip(*classes[name], strict=True))] = value
    noise = np.full(REGION.shape, NOISE)
    noise[tuple(zip(*classes["BAD_REF_PIXEL"], strict=True))] *= 8
    made = Night(tmp_path_factory.mktemp("night"), gain, dark, flat, classes)
    plan = {
        "dark": (0.0, TIMES_LONG, 10, {"IMTYPE": "DRK", "FILTER": "dark", "TIME-OBS": "04:00:00.250"}),
        "off": (0.0, TIMES_SHORT, 10, {"IMTYPE": "NFF", "TIME-OBS": "04:40:00"}),
        "low": (1000.0, TIMES_SHORT, 10, {"IMTYPE": "NFF", "CALLAMP": "FLAT", "TIME-OBS": "04:50:00"}),
        "high": (2000.0, TIMES_SHORT, 10, {"IMTYPE": "NFF", "CALLAMP": "FLAT", "TIME-OBS": "05:00:00"}),
        "science": (40.0, TIMES_LONG, 1, {"IMTYPE": "SCI", "TIME-OBS": "06:00:00"}),
    }
    for number, (role, (level, times, ramps, cards)) in enumerate(plan.items(), 1):
        reads = draw_reads(rng, level * flat + dark, times, ramps, gain=gain, noise=noise)
        name = f"2035A-P001-001_IRIS_IMG1_{cards['IMTYPE']}_LVL0_{number:04d}-00.fits"
        made.raw[role] = write_raw(made.folder / name, reads, times, CALSHUT="OPEN", **cards)
    return made


@pytest.fixture(scope="session")
def references(night, tmp_path_factory) -> dict[str, Path]:
    """The night's references, made in the order in which they need each other."""
    from iris_reduction.pipelines import make_reference

    out, made = tmp_path_factory.mktemp("references"), {}
    sets = {
        "gain": night.flats("off", "low", "high"),
        "readnoise": night.flats("dark"),
        "mask": night.flats("dark", "off", "high"),
        "dark": night.flats("dark"),
        "flat": night.flats("off", "low", "high"),
    }
    for kind, files in sets.items():
        made[kind] = make_reference(kind, files, out, overrides=made)
    return made


# --- arcs ---------------------------------------------------------------------------------------

STRIP = Subarray(1501, 1901, 1101, 160)
MODE = LensletMode(4.0, "FINE_MASK", "4000-K", "KN3")
BRIGHT = {  # nm of listed lines within KN3, and e-/s as they are: strengths differ from the listed ones
    "ARGON": {2099.184: 90.0, 2133.871: 260.0, 2154.009: 400.0, 2204.558: 60.0, 2208.321: 300.0},
    "KRYPTON": {2117.13: 80.0, 2190.851: 500.0},
    "XENON": {2147.596: 350.0, 2227.59: 60.0},
}


def list_exactly(lamp):
    """Return the listed wavelengths nearest to those of `BRIGHT`, with their fluxes."""
    listed = load_arc_lines(lamp)[0]
    return {float(listed[np.abs(listed - nm).argmin()]): flux for nm, flux in BRIGHT[lamp].items()}


@dataclass
class Built:
    """Spots at places written down from the angles, in a strip of the detector.

    Shift in px, turn and stretch of the whole, scatter of lenslets and sigma of spots in px, noise in e-/s.
    """

    shift: tuple[float, float] = (6.3, -1.8)
    turn: float = 8e-4
    stretch: float = 8e-4
    scatter: float = 0.05
    sigma: tuple[float, float] = (0.85, 0.8)
    noise: float = 0.2
    seconds: float = 100.0
    seed: int = 1
    mode: LensletMode = MODE
    region: Subarray = STRIP
    lines: dict = field(default_factory=lambda: {lamp: list_exactly(lamp) for lamp in BRIGHT})

    def __post_init__(self):
        lattice = load_lattice(self.mode.mask, self.mode.column)
        tilt = np.deg2rad(10.3)
        narrow = np.cos(tilt + np.pi / 8) / np.cos(tilt - np.pi / 8)
        u, v = narrow * (32 * lattice.i - 2 * lattice.j), 2 * lattice.i + 32 * lattice.j
        rng = np.random.default_rng(self.seed)
        self.own = self.scatter * rng.standard_normal((2, len(u)))
        self.u, self.v, self.tilt, self.lattice = u, v, tilt, lattice

    def place(self, wavelength):
        """Columns and rows (n, k) of wavelengths in nm (k,)."""
        angle = np.arcsin(np.asarray(wavelength) * 151e-6 - np.sin(self.tilt + np.pi / 8)) - (self.tilt - np.pi / 8)
        along = 355e3 / 15 * 1.0005 * np.tan(angle)
        u, v = self.u[:, None], self.v[:, None]
        x = 2047.5 + self.shift[0] + (1 + self.stretch) * u - self.turn * v + along + self.own[0][:, None]
        y = 2047.5 + self.shift[1] + (1 + self.stretch) * v + self.turn * u + self.own[1][:, None]
        return x, y + 4e-3 * along + 0.2 * (along / 300) ** 2

    def draw(self, lamp, lit=None):
        """Rates e-/s (ny, nx) of a lamp, of the lenslets `lit`."""
        ny, nx = self.region.shape
        rate = np.zeros((ny, nx))
        for wavelength, flux in self.lines[lamp].items():
            x, y = (p[:, 0] for p in self.place([wavelength]))
            x, y = x - self.region.xstart + 1, y - self.region.ystart + 1
            near = (x > -8) & (x < nx + 8) & (y > -8) & (y < ny + 8)
            for n in np.flatnonzero(near & (True if lit is None else lit)):
                add_spot(rate, x[n], y[n], flux, self.sigma)
        return rate

    def take(self, lamp, lit=None, extra=None, saturated_above=np.inf, number=0):
        """Return the image of a lamp with noise; `extra` e-/s is added."""
        rng = np.random.default_rng((self.seed, number, len(lamp)))
        rate = self.draw(lamp, lit) if extra is None else self.draw(lamp, lit) + extra
        noisy = rng.poisson(rate * self.seconds) / self.seconds + self.noise * rng.standard_normal(rate.shape)
        error = np.sqrt(self.noise**2 + np.maximum(noisy, 0) / self.seconds).astype(np.float32)
        dq = np.where(rate > saturated_above, 2, 0).astype(np.uint32)
        on = RateFrame(noisy.astype(np.float32), error, dq)
        off = RateFrame(np.zeros_like(on.rate), np.full_like(error, 1e-3), np.zeros_like(dq))
        return make_arc_image(f"{lamp.lower()}.fits", lamp, on, off, self.region)


def add_spot(rate, x, y, flux, sigma):
    """Add a Gaussian, integrated over pixels, in place."""
    ny, nx = rate.shape
    rows, columns = np.arange(int(y) - 7, int(y) + 9), np.arange(int(x) - 7, int(x) + 9)
    rows, columns = rows[(rows >= 0) & (rows < ny)], columns[(columns >= 0) & (columns < nx)]
    along = ndtr((columns + 0.5 - x) / sigma[0]) - ndtr((columns - 0.5 - x) / sigma[0])
    across = ndtr((rows + 0.5 - y) / sigma[1]) - ndtr((rows - 0.5 - y) / sigma[1])
    rate[np.ix_(rows, columns)] += flux * np.outer(across, along)


@pytest.fixture(scope="session")
def build() -> type[Built]:
    """A spectrograph of the tests' own, and the arc frames that it makes."""
    return Built


@pytest.fixture(scope="session")
def spot():
    """`add_spot`."""
    return add_spot
