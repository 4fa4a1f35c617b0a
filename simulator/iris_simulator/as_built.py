"""The as-built detector: the design plus seeded imperfections that persist from frame to frame.

Every map is drawn for absolute detector coordinates, so the maps of a sub-array are the cut of the
full-format maps and only the pixels asked for are drawn. Numbers marked [C] are choices, meant to be
as large as those of real H4RG detectors (compare Mosby et al. 2020, JATIS 6, 046001), not IRIS facts.

Not modelled: dependence of the response on the filter, dependence of anything on temperature or
time, spatially correlated defects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numba
import numpy as np
import numpy.typing as npt

from iris_contract import DQ, AsBuiltMaps, Detector, Subarray, load_instrument
from iris_contract.fitsio import Header
from iris_contract.frames import read_region
from iris_simulator.defects import classify, inflict
from iris_simulator.draws import draw_normal, draw_uniform
from iris_simulator.effects import EFFECTS, choose_effects
from iris_simulator.ipc import couple, draw_links
from iris_simulator.nonlinearity import draw_nonlinearity, show_levels
from iris_simulator.open_pixels import find_open, gather
from iris_simulator.persistence import draw_traps
from iris_simulator.seeds import Stream, derive_key, make_generator
from iris_simulator.settling import draw_settling
from iris_simulator.telegraph import draw_heights

__all__ = ["AsBuilt", "build_as_built"]

Plane = npt.NDArray[np.float64]
Planes = dict[str, npt.NDArray[Any]]
_STRIP = 2**19  # pixels drawn together

GAIN_SPREAD = 0.03  # [C] gains of the outputs lie within this fraction of the design
OUTPUT_OFFSET, PIXEL_OFFSET = 100.0, 30.0  # [C] rms in DN, between outputs and between pixels
NOISE_SPREAD = 0.05  # [C] rms of the logarithm of the read noise
DARK_SPREAD = 0.3  # [C] rms of the logarithm of the dark current's core
DARK_TAIL, DARK_TAIL_RANGE = 0.01, (0.02, 0.12)  # [C] share of good pixels, e-/s: below every class limit
PIXEL_RESPONSE, FIELD_RESPONSE = 0.01, 0.015  # [C] rms from pixel to pixel, rms over the field
LEVELS = (20_000.0, 40_000.0, 60_000.0, 80_000.0)  # e- at which truth says what a pixel shows
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
        seed = int(self.header["INSTSEED"])
        maps = self.cut(region, _make_header(self.detector, region, seed))
        if "bad_pixels" not in on:
            healthy: dict[str, Any] = _draw_planes(self.detector, region, seed, _draw_healthy)
            maps = replace(maps, **healthy, telegraph=None)
        return _switch_off(self.detector, region, maps, on)

    def tell(self, effects: Iterable[str] = EFFECTS) -> AsBuiltMaps:
        """Return the maps that act with `effects`, and what follows from them: the dark current as it is shown."""
        maps = self.acting(effects)
        if maps.links is None:
            return maps
        shown = couple(maps.dark.astype(np.float64)[:, :, None, None], maps.links, maps.flat > 0)
        return replace(maps, dark_shown=shown[:, :, 0, 0].astype(np.float32))


def build_as_built(detector: Detector, region: Subarray, instrument_seed: int) -> AsBuilt:
    """Draw the as-built maps of `region`; raises InputError where it leaves the detector."""
    region.check(detector)
    planes = _draw_planes(detector, region, instrument_seed, _draw_all)
    return AsBuilt(_make_header(detector, region, instrument_seed), **planes, levels=np.array(LEVELS))


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


def _draw_planes(
    detector: Detector, region: Subarray, seed: int, draw: Callable[[Detector, Subarray, int], Planes]
) -> Planes:
    """Draw the maps strip by strip, so that the full format needs little more memory than its maps."""
    height = max(1, _STRIP // region.xsize)
    strips = [
        replace(region, ystart=region.ystart + y, ysize=min(height, region.ysize - y))
        for y in range(0, region.ysize, height)
    ]
    with ThreadPoolExecutor(numba.get_num_threads()) as pool:
        drawn = list(pool.map(lambda strip: draw(detector, strip, seed), strips))
    return {name: np.concatenate([planes[name] for planes in drawn]) for name in drawn[0]}


def _draw_all(detector: Detector, region: Subarray, seed: int) -> Planes:
    """Return every plane of a strip, the defects and the flaws beyond a polite detector's with them."""
    loss, bend = draw_nonlinearity(detector, region, seed)
    flaws = {
        "loss": loss.astype(np.float32),
        "bend": bend.astype(np.float32),
        "links": draw_links(detector, region, seed),
        "traps": draw_traps(detector, region, seed),
        "telegraph": draw_heights(detector, region, seed),
        "settling": draw_settling(detector, region, seed),
        "signal": show_levels(loss, bend, LEVELS),
    }
    planes = _draw_classic(detector, region, seed, defects=True) | flaws
    planes["bad"][planes["telegraph"] > 0] |= DQ["TELEGRAPH"]
    return planes


def _draw_healthy(detector: Detector, region: Subarray, seed: int) -> Planes:
    return _draw_classic(detector, region, seed, defects=False)


def _draw_classic(detector: Detector, region: Subarray, seed: int, defects: bool) -> Planes:
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
        opened = find_open(detector, region, seed)
        flat *= gather(opened)
        inflict(detector, reference, uniform("defect"), uniform("severity"), dark, flat, noise)
        dark[opened[1:-1, 1:-1]] = flat[opened[1:-1, 1:-1]] = 0.0
    gain = detector.gain * (1 + GAIN_SPREAD * per_output("gain", normal=False))
    offset = detector.bias_level + OUTPUT_OFFSET * per_output("offset", normal=True) + PIXEL_OFFSET * normal("offset")
    well = detector.well_depth * (1 + WELL_SURPLUS * uniform("well"))
    planes = {"gain": gain, "read_noise": noise, "dark": dark, "flat": flat, "offset": offset, "well": well}
    drawn: Planes = {name: plane.astype(np.float32) for name, plane in planes.items()}
    return drawn | {"bad": classify(detector, reference, drawn["dark"], drawn["flat"], drawn["read_noise"])}


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
    absent_planes: dict[str, Any] = dict.fromkeys(_list_absent(on))
    maps = replace(maps, **off, **absent_planes)
    bad = classify(detector, reference, maps.dark, maps.flat, maps.read_noise)
    if maps.telegraph is not None:
        bad[maps.telegraph > 0] |= DQ["TELEGRAPH"]
    return replace(maps, bad=bad)


def _list_absent(on: frozenset[str]) -> list[str]:
    """Return the planes of flaws that are off."""
    needs = {
        "nonlinearity": ("loss", "bend", "levels", "signal"),
        "ipc": ("links",),
        "persistence": ("traps",),
        "telegraph": ("telegraph",),
        "settling": ("settling",),
    }
    return [plane for effect, planes in needs.items() if effect not in on for plane in planes]
