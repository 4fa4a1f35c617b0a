"""The as-built detector: the design plus seeded imperfections that persist from frame to frame.

Every map is drawn for absolute detector coordinates, so the maps of a sub-array are the cut of the
full-format maps and only the pixels asked for are drawn. Numbers marked [C] are choices, meant to be
as large as those of real H4RG detectors (compare Mosby et al. 2020, JATIS 6, 046001), not IRIS facts.

Not modelled: dependence of the response on the filter, dependence of anything on temperature or
time, spatially correlated defects, nonlinearity.
"""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from iris_contract import AsBuiltMaps, Detector, Subarray, load_instrument
from iris_contract.fitsio import Header
from iris_contract.frames import read_region
from iris_simulator.defects import classify, inflict
from iris_simulator.draws import draw_normal, draw_uniform
from iris_simulator.effects import EFFECTS, choose_effects
from iris_simulator.seeds import Stream, derive_key, make_generator

__all__ = ["AsBuilt", "build_as_built"]

Plane = npt.NDArray[np.float64]
_PLANES = ("gain", "read_noise", "dark", "flat", "offset", "well", "bad")
_STRIP = 2**19  # pixels drawn together

GAIN_SPREAD = 0.03  # [C] gains of the outputs lie within this fraction of the design
OUTPUT_OFFSET, PIXEL_OFFSET = 100.0, 30.0  # [C] rms in DN, between outputs and between pixels
NOISE_SPREAD = 0.05  # [C] rms of the logarithm of the read noise
DARK_SPREAD = 0.3  # [C] rms of the logarithm of the dark current's core
DARK_TAIL, DARK_TAIL_RANGE = 0.01, (0.02, 0.12)  # [C] share of good pixels, e-/s: below every class limit
PIXEL_RESPONSE, FIELD_RESPONSE = 0.01, 0.015  # [C] rms from pixel to pixel, rms over the field
WELL_SURPLUS = 0.1  # [C] wells exceed the design's, which is what each pixel reaches at least, by up to this


class AsBuilt(AsBuiltMaps):
    """One region of one detector as it really is; the header says which and of which instrument seed."""

    __slots__ = ()

    @property
    def detector(self) -> Detector:
        """The as-designed detector."""
        return load_instrument().detector(str(self.header.get("DETECTOR")))

    @property
    def region(self) -> Subarray:
        """The region that the maps cover."""
        return read_region(self.header)

    def acting(self, effects: Iterable[str] = EFFECTS, region: Subarray | None = None) -> AsBuiltMaps:
        """Return the maps that act in an exposure of `region` with only `effects` switched on.

        What is off is as designed, or absent: dark and read noise 0, response 1 where there is light,
        wells without limit. Class bits follow from the acting maps. Raises InputError for an unknown
        effect or a region that is not covered.
        """
        on = choose_effects(effects)
        region = self.region if region is None else region
        cut = region.cut_from(self.region)
        if "bad_pixels" not in on:
            healthy = _draw_maps(self.detector, region, int(self.header["INSTSEED"]), defects=False)
            return _switch_off(self.detector, region, healthy, on)
        planes = {name: np.ascontiguousarray(getattr(self, name)[cut]) for name in _PLANES}
        header = _make_header(self.detector, region, int(self.header["INSTSEED"]))
        return _switch_off(self.detector, region, AsBuiltMaps(header, **planes), on)


def build_as_built(detector: Detector, region: Subarray, instrument_seed: int) -> AsBuilt:
    """Draw the as-built maps of `region`; raises InputError where it leaves the detector."""
    region.check(detector)
    maps = _draw_maps(detector, region, instrument_seed)
    return AsBuilt(maps.header, *(getattr(maps, name) for name in _PLANES))


def _make_header(detector: Detector, region: Subarray, seed: int) -> Header:
    return {
        "TELESCOP": "TMT",
        "INSTRUME": "IRIS",
        "DETECTOR": detector.name,
        "INSTSEED": seed,
        "SUBARRAY": region.name(detector),
        "XSTART": region.xstart,
        "YSTART": region.ystart,
        "XSIZE": region.xsize,
        "YSIZE": region.ysize,
    }


def _draw_maps(detector: Detector, region: Subarray, seed: int, defects: bool = True) -> AsBuiltMaps:
    """Draw the maps strip by strip, so that the full format needs little more memory than its maps."""
    height = max(1, _STRIP // region.xsize)
    strips = [
        replace(region, ystart=region.ystart + y, ysize=min(height, region.ysize - y))
        for y in range(0, region.ysize, height)
    ]
    with ThreadPoolExecutor(numba.get_num_threads()) as pool:
        drawn = list(pool.map(lambda strip: _draw_strip(detector, strip, seed, defects), strips))
    planes: dict[str, Any] = {name: np.concatenate([getattr(maps, name) for maps in drawn]) for name in _PLANES}
    return AsBuiltMaps(_make_header(detector, region, seed), **planes)


def _draw_strip(detector: Detector, region: Subarray, seed: int, defects: bool) -> AsBuiltMaps:
    ny, nx = region.shape

    def stream(name: str) -> Stream:
        return Stream(derive_key("as-built", seed, detector.name, name), region.ystart - 1, region.xstart - 1)

    def normal(name: str) -> Plane:
        return draw_normal((ny, nx, 1, 1), stream(name))[:, :, 0, 0]

    def uniform(name: str) -> Plane:
        return draw_uniform((ny, nx, 1, 1), stream(name))[:, :, 0, 0]

    def per_output(name: str, normal: bool) -> Plane:
        generator = make_generator("as-built", seed, detector.name, name)
        values = generator.normal(size=detector.outputs) if normal else generator.uniform(-1, 1, detector.outputs)
        return np.broadcast_to(values[region.output_of_column(detector)], (ny, nx))

    reference = region.reference_pixels(detector)
    dark = _draw_dark(detector, normal("dark"), uniform("dark tail"))
    flat = np.exp(_field_response(detector, region, seed) + PIXEL_RESPONSE * normal("response"))
    noise = detector.read_noise * np.exp(NOISE_SPREAD * normal("read noise"))
    dark[reference] = flat[reference] = 0.0
    if defects:
        inflict(detector, reference, uniform("defect"), uniform("severity"), dark, flat, noise)
    gain = detector.gain * (1 + GAIN_SPREAD * per_output("gain", normal=False))
    offset = detector.bias_level + OUTPUT_OFFSET * per_output("offset", normal=True) + PIXEL_OFFSET * normal("offset")
    well = detector.well_depth * (1 + WELL_SURPLUS * uniform("well"))
    g, n, d, f, o, w = (plane.astype(np.float32) for plane in (gain, noise, dark, flat, offset, well))
    bad = classify(detector, reference, d, f, n)
    return AsBuiltMaps(_make_header(detector, region, seed), g, n, d, f, o, w, bad)


def _draw_dark(detector: Detector, core: Plane, tail: Plane) -> Plane:
    """Log-normal core about the design value; a share DARK_TAIL lies above it, uniform in the logarithm."""
    low, high = DARK_TAIL_RANGE
    return np.where(
        tail < DARK_TAIL,
        low * (high / low) ** (tail / DARK_TAIL),
        detector.dark_current * np.exp(DARK_SPREAD * core),
    )


def _field_response(detector: Detector, region: Subarray, seed: int) -> Plane:
    """Logarithm of the large-scale response: a few waves over the whole detector.

    A wave of (kx, ky) periods with kx + ky odd changes sign when x and y both move by half the
    detector. So the sum is distributed symmetrically about 0 over the full format, and the median
    response of the healthy detector is 1 whatever the seed.
    """
    generator = make_generator("as-built", seed, detector.name, "field response")
    waves = [(kx, ky) for kx in range(4) for ky in range(-3, 4) if (kx + ky) % 2 and (kx > 0 or ky > 0)]
    phases = generator.uniform(0, 2 * np.pi, len(waves))
    amplitude = FIELD_RESPONSE * np.sqrt(2 / len(waves))
    rows, columns = (np.arange(s.start, s.stop) * 2 * np.pi / detector.size for s in region.slices)
    field = np.zeros(region.shape)
    for (kx, ky), phase in zip(waves, phases, strict=True):
        along_x, along_y = kx * columns + phase, ky * rows
        field += amplitude * (np.outer(np.cos(along_y), np.cos(along_x)) - np.outer(np.sin(along_y), np.sin(along_x)))
    return field


def _switch_off(detector: Detector, region: Subarray, maps: AsBuiltMaps, on: frozenset[str]) -> AsBuiltMaps:
    reference = region.reference_pixels(detector)

    absent = {
        "dark": ("dark", 0.0),
        "flat": ("flat", 1.0),
        "read_noise": ("read_noise", 0.0),
        "offsets": ("offset", detector.bias_level),
        "gain_spread": ("gain", detector.gain),
        "saturation": ("well", np.inf),
    }
    off: dict[str, Any] = {
        plane: np.full(region.shape, value, dtype=np.float32)
        for effect, (plane, value) in absent.items()
        if effect not in on
    }
    if "flat" in off:
        off["flat"][reference] = 0.0
    maps = replace(maps, **off)
    return replace(maps, bad=classify(detector, reference, maps.dark, maps.flat, maps.read_noise))
