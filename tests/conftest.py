"""What all tests share: one hypothesis profile, without deadlines, since tests share the machine's cores; and small
wavelength solutions beside a spectrograph that is known."""

import hashlib
import os
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from numpy.polynomial import legendre

from iris_contract import DQ, Reference, Subarray, Truth
from iris_contract.atomic import hash_file
from iris_contract.lenslet import (
    Lattice,
    LensletMode,
    SpectrographTruth,
    load_grating_setting,
    load_lattice,
    load_passband,
)
from iris_contract.manifest import ManifestRow
from iris_contract.spectral_data import load_arc_lines

settings.register_profile("quick", deadline=None, max_examples=40)
settings.register_profile("thorough", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


Edit = Callable[[dict[str, Any]], None]


class ArcBench:
    """A run directory with truth of a spectrograph, of two arc exposures, and solutions of single nights.

    The narrow field in KN3, read in 640 x 320 pixels, where some 80 spectra are whole. Truth is the grating equation of
    the middle of the field, 1.3 px beside the design and slightly bent. An honest solution has an offset of 0.012 px of
    each lenslet's own, as its COVARIANCE says, and lists all lines of the lamps as used, measured to 0.02 px.
    """

    mode = LensletMode(4.0, "FINE_MASK", "4000-K", "KN3")
    region = Subarray(1741, 1889, 640, 320)
    shift = np.array([0.06, -0.04])
    lamps = ("ARGON", "KRYPTON")
    sigma, common = 0.012, 0.004
    bend = np.array([0.8, -1.3, 0.5])
    """What the three orders are, over their sigma."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.setting = load_grating_setting(self.mode.grating)

    @cached_property
    def lattice(self) -> Lattice:
        return load_lattice(self.mode.mask)

    @cached_property
    def place(self) -> tuple[Any, Any]:
        return 2048.8 + self.setting.anamorphism * self.lattice.along, 2047.9 + self.lattice.across

    def true_place(self, lenslet: Any, wavelength: Any) -> tuple[Any, Any]:
        """Place px without flexure of wavelengths nm of lenslets, both (m,)."""
        along = self.setting.disperse(wavelength)
        x, y = (plane[lenslet] for plane in self.place)
        return x + along + 2e-6 * along**2, y + 0.003 * along

    def true_wavelength(self, lenslet: int, x: Any) -> Any:
        """Wavelength nm of columns (m,) of one lenslet at the moment of the arcs: the inverse, by iteration."""
        target = x - self.shift[0] - self.place[0][lenslet]
        along = target
        for _ in range(20):
            along = target - 2e-6 * along**2
        return self.setting.invert(along)

    @cached_property
    def lines(self) -> dict[str, Any]:
        """Wavelengths nm of the lines of each lamp within half transmission."""
        low, high = load_passband(self.mode.filter).half
        listed = {lamp: load_arc_lines(lamp)[0] for lamp in self.lamps}
        return {lamp: nm[(nm > low) & (nm < high)] for lamp, nm in listed.items()}

    def cards(self) -> dict[str, Any]:
        r = self.region
        corner = {"XSTART": r.xstart, "YSTART": r.ystart, "XSIZE": r.xsize, "YSIZE": r.ysize}
        lenslets = {"DETECTOR": "IFU", "INSTMODE": "LENSLET", "IFSMODE": "LENSLET"}
        return self.mode.to_header() | corner | lenslets

    def write_truth(self, flux: float = 100.0, cause: Any = None) -> None:
        """Write what is true: lines of `flux` e-/s, 100 s long, defects `cause` (ny, nx)."""
        self.spectrograph().write(self.root / "truth/as_built/spectrograph.fits")
        for lamp, wavelengths in self.lines.items():
            columns = [("COLUMN", "i4"), ("ROW", "i4"), ("WAVELENGTH", "f8"), ("FLUX", "f8")]
            table = np.zeros((len(self.place[0]), len(wavelengths)), columns)
            table["COLUMN"], table["ROW"] = self.lattice.column[:, None], self.lattice.row[:, None]
            table["WAVELENGTH"], table["FLUX"] = wavelengths, flux
            plane = np.zeros(self.region.shape, "f4")
            flaws = np.zeros(self.region.shape, "u4") if cause is None else cause
            events = np.zeros(0, [("Y", "i4"), ("X", "i4"), ("GROUP", "i4"), ("READ", "i4"), ("ELECTRONS", "f4")])
            digest = hashlib.sha256(lamp.encode()).hexdigest()
            more = {"shift": self.shift, "line_flux": table.ravel(), "seconds": 100.0}
            truth = Truth(digest, plane, plane, plane, plane, flaws, events, {}, **more)
            truth.write(self.root / f"truth/{lamp}_TRUTH_1.fits")

    def spectrograph(self) -> SpectrographTruth:
        wave = np.linspace(*load_passband(self.mode.filter).support(1e-3), 33)
        lenslets = np.arange(len(self.place[0]))
        x, y = self.true_place(lenslets[:, None], wave)
        ones = np.ones(x.shape, "f4")
        width = np.full((*x.shape, 2), 0.8, "f4")
        return SpectrographTruth(
            self.cards(), wave, x, y, ones, self.lattice.column, self.lattice.row, width, 0.01 * ones
        )

    def whole(self) -> Any:
        """Numbers of the lenslets whose spectra the region holds with a pixel to spare."""
        numbers = np.arange(len(self.place[0]))
        kept = np.ones(len(numbers), dtype=bool)
        for end in load_passband(self.mode.filter).half:
            x, y = self.true_place(numbers, np.full(len(numbers), end))
            x, y = x + self.shift[0] - self.region.xstart + 1, y + self.shift[1] - self.region.ystart + 1
            kept &= (x >= 1) & (x <= self.region.xsize - 2) & (y >= 1) & (y <= self.region.ysize - 2)
        return np.flatnonzero(kept)

    def content(self, seed: int) -> dict[str, Any]:
        """What an honest solution holds."""
        rng, number = np.random.default_rng(seed), len(self.place[0])
        support, lenslets = load_passband(self.mode.filter).support(1e-3), np.arange(number)
        ends = [self.true_place(lenslets, np.full(number, nm))[0] + self.shift[0] for nm in support]
        domain = np.stack(ends, axis=1)
        nodes = np.cos(np.pi * (np.arange(12) + 0.5) / 12)
        step = float(self.setting.dispersion(sum(support) / 2))
        coeffs = np.zeros((number, 6))
        flags = np.full(number, DQ["NON_SCIENCE"], "u4")
        flags[self.whole()] = 0
        for n in self.whole():
            columns = domain[n].mean() + nodes * np.ptp(domain[n]) / 2
            coeffs[n] = legendre.legfit(nodes, self.true_wavelength(n, columns), 5)
        coeffs[:, 0] += step * self.sigma * rng.normal(size=number)
        coeffs[:, 1:4] += step * self.common * self.bend
        common = np.diag((step * self.common) ** 2 * np.array([0, 1, 1, 1, 0, 0]))
        covariance = np.tile(common, (number, 1, 1))
        covariance[:, 0, 0] = (step * self.sigma) ** 2
        table = self.table(rng)
        outer = table["WAVELENGTH"].min(), table["WAVELENGTH"].max()
        span = [self.true_place(lenslets, np.full(number, nm))[0] + self.shift[0] for nm in outer]
        rows = np.stack([self.true_place(lenslets, np.full(number, nm))[1] + self.shift[1] for nm in support], axis=1)
        trace, width = np.stack([rows.mean(axis=1), np.diff(rows)[:, 0] / 2], axis=1), np.full((number, 2), 0.8, "f4")
        return {
            "COEFFS": coeffs, "DOMAIN": domain, "COVARIANCE": covariance, "COMMON": common,
            "SPAN": np.stack(span, axis=1), "COLUMN": self.lattice.column.copy(), "ROW": self.lattice.row.copy(),
            "TRACE": trace, "WIDTH": width, "RMS": np.zeros(number, "f4"), "NLINES": np.full(number, 9, "i4"),
            "DQ": flags, "LINES": table,
        }  # fmt: skip

    def table(self, rng: np.random.Generator) -> Any:
        """Every line of every whole spectrum, used."""
        rows = [(n, nm, lamp) for lamp, found in self.lines.items() for n in self.whole() for nm in found]
        lenslet, nm = np.array([n for n, _, _ in rows]), np.array([nm for _, nm, _ in rows])
        x, y = self.true_place(lenslet, nm)
        columns = {
            "COLUMN": self.lattice.column[lenslet], "ROW": self.lattice.row[lenslet], "WAVELENGTH": nm,
            "X": x + self.shift[0] + 0.02 * rng.normal(size=len(nm)), "Y": y + self.shift[1],
            "X_ERR": np.full(len(nm), 0.02, "f4"), "FLUX": np.full(len(nm), 100.0, "f4"),
            "WIDTH_X": np.full(len(nm), 0.8, "f4"), "USED": np.ones(len(nm), "i4"),
            "LAMP": np.array([lamp for *_, lamp in rows], "U8"),
            "SHIFT_X": np.zeros(len(nm), "f4"), "SHIFT_Y": np.zeros(len(nm), "f4"),
        }  # fmt: skip
        table = np.zeros(len(nm), [(name, column.dtype) for name, column in columns.items()])
        for name, column in columns.items():
            table[name] = column
        return table

    def row(
        self, night: int, change: Edit = lambda content: None, algorithm: str = "physical", **cards: Any
    ) -> ManifestRow:
        """Write the solution of a night, changed; returns its row."""
        content = self.content(night)
        change(content)
        header = {"REFTYPE": "arc", "WAVEMETH": algorithm} | self.cards() | cards
        product = f"products/{algorithm}-{night}.fits"
        Reference(header, content).write(self.root / product)
        raw = tuple(f"raw/{lamp}_LVL0_1.fits" for lamp in self.lamps)
        digests = tuple(hashlib.sha256(lamp.encode()).hexdigest() for lamp in self.lamps)
        return ManifestRow(product, hash_file(self.root / product), "ArcModel", night, "chain", "arc", "wavelength",
                           algorithm, raw, digests, "truth/as_built/spectrograph.fits")  # fmt: skip


@pytest.fixture
def arc_bench(tmp_path: Path) -> ArcBench:
    """A bench without truth as yet."""
    return ArcBench(tmp_path)


@pytest.fixture(scope="module")
def shared_arc_bench(tmp_path_factory: pytest.TempPathFactory) -> ArcBench:
    """A bench whose truth is written."""
    bench = ArcBench(tmp_path_factory.mktemp("arcs"))
    bench.write_truth()
    return bench
