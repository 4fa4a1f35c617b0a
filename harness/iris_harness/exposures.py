"""Exposures as a scenario lists them: what is seen, with which detector and setting, and how it is read out.

Every problem is reported with file, line and key.
"""

from __future__ import annotations

from dataclasses import dataclass

from iris_contract.exposure import GuideWindow, Readout, Subarray
from iris_contract.instrument import load_instrument
from iris_contract.lenslet import LensletMode, load_lattice
from iris_contract.lenslet.lattice import SINGLE_COLUMN
from iris_harness.lamps import check_lamp
from iris_harness.yaml_reader import Reader, explain

__all__ = [
    "LENSLET_SCENES",
    "RECTANGLE_KEYS",
    "SETTING_KEYS",
    "SPECTROGRAPH",
    "ExposureSpec",
    "Spectrograph",
    "list_effects",
    "read_at_most",
    "read_exposure",
    "read_rectangle",
    "read_setting",
]

SPECTROGRAPH = "IFU"  # its detector
LENSLET_SCENES = ("arc_lamp", "white_light")  # which only the spectrograph sees
SCENES = ("blank", "flat_lamp", "ladder", "uniform_sky", "star_field", *LENSLET_SCENES)
IMAGE_TYPES = ("DRK", "NFF", "ARC", "SCI", "SKY")
LAMPS = ("NONE", "FLAT", "ARGON", "KRYPTON", "XENON", "NEON")
SETTING_KEYS = ("scale", "mask", "column")
KEYS = (
    *("detector", "grating", *SETTING_KEYS, "image_type", "scene", "filter", "lamp", "shutter", "rates", "stars"),
    *("count", "readout"),
    *("cosmic_ray_boost", "alone_without", "guide_window"),
)
READOUT_KEYS = ("mode", "clock", "ramps", "reads", "interval", "pairs", "frame", "exposure")
RECTANGLE_KEYS = ("xstart", "ystart", "xsize", "ysize")
MOST_SAMPLES = 4096 * 4096 * 128  # pixel-reads of one exposure: 4 GB


@dataclass(frozen=True, slots=True)
class Spectrograph:
    """The lenslet spectrograph in a scenario: `region` of its detector, `scale` in mas, mask of the lenslets.

    `column` of FINE_MASK, from 0, where the mask is FINE_MASK_CALIBRATION.
    """

    region: Subarray
    scale: float
    mask: str
    column: int | None = None


@dataclass(frozen=True, slots=True)
class ExposureSpec:
    """One kind of exposure of every night; `count` of them are taken. Rates in e-/s.

    With `lenslet` it is one of the lenslet spectrograph; without, light falls on the bare detector.
    """

    role: str
    image_type: str
    scene: str
    readout: Readout
    filter: str
    detector: str
    lenslet: LensletMode | None = None
    lamp: str = "NONE"
    shutter: str = "CLOSED"
    rates: tuple[float, ...] = ()
    stars: int = 0
    count: int = 1
    cosmic_ray_boost: float = 1.0
    alone_without: tuple[str, ...] = ()
    guide_window: GuideWindow | None = None


def list_effects() -> tuple[str, ...]:
    """Return the effects that can be switched, of the detectors and of the spectrograph's optics."""
    from iris_simulator import EFFECTS
    from iris_simulator.lenslet import OPTICAL_EFFECTS

    return (*EFFECTS, *OPTICAL_EFFECTS)


def read_at_most(reader: Reader, key: str, most: int, default: int | None = None) -> int:
    """Return the whole number at `key`, from 1 to `most`; without a default it must be there."""
    value = int(reader.positive(key, int, ... if default is None else default))
    if value > most:
        raise reader.error(f"must be at most {most}", key, value)
    return value


def read_rectangle(reader: Reader) -> Subarray:
    """Return the rectangle that a mapping describes."""
    return Subarray(*(reader.take(key, int) for key in RECTANGLE_KEYS))


def read_setting(reader: Reader, scale: float, mask: str, column: int | None) -> tuple[float, str, int | None]:
    """Return scale in mas, mask and column of the lenslets, `scale`, `mask` and `column` where nothing else is said."""
    values = load_instrument().values
    chosen = float(reader.positive("scale", (int, float), scale))
    if chosen not in values["ifs.lenslet_scales"]:
        raise reader.error(f"must be one of {values['ifs.lenslet_scales']} mas", "scale", chosen)
    name = reader.choose("mask", tuple(values["ifs.lenslet_masks"]), mask)
    number = reader.take("column", int, column if name == mask else None)
    if number is None and name == SINGLE_COLUMN:
        raise reader.error(f"{name} lights one column of FINE_MASK: say which, from 0", "column")
    reader.guard(lambda: load_lattice(name, number), "column" if "column" in reader.tree else "mask")
    return chosen, name, number


def read_exposure(
    role: str, reader: Reader, main: str, region: Subarray, spectrograph: Spectrograph | None
) -> ExposureSpec:
    """Return the exposure `role`, of the scenario's `main` detector and its `region` or of the spectrograph."""
    reader.expect(*KEYS).name(role, "")
    detector = _read_detector(reader, main, spectrograph)
    region = spectrograph.region if spectrograph and detector == SPECTROGRAPH else region
    scene, passband = reader.choose("scene", SCENES), reader.choose("filter", (*load_instrument().filters, "dark"))
    lenslet = _read_lenslet(reader, detector, scene, passband, spectrograph)
    rates = _read_rates(reader, scene)
    stars = reader.take("stars", int, 0)
    if scene == "star_field" and (len(rates) != 2 or rates[1] <= 0 or stars < 1):
        raise reader.error("a star_field needs stars of 1 or more, and rates: [sky, brightest star]", "stars", stars)
    readout = _read_readout(reader)
    if region.xsize * region.ysize * readout.ramps * readout.reads > MOST_SAMPLES:
        raise reader.error(f"more than {MOST_SAMPLES} pixels times reads in one exposure", "readout")
    reader.guard(lambda: readout.check(load_instrument().detector(detector), region), "readout")
    spec = ExposureSpec(
        role=role,
        image_type=reader.choose("image_type", IMAGE_TYPES),
        scene=scene,
        readout=readout,
        filter=passband,
        detector=detector,
        lenslet=lenslet,
        lamp=reader.choose("lamp", LAMPS, "NONE"),
        shutter=reader.choose("shutter", ("OPEN", "CLOSED"), "CLOSED"),
        rates=rates,
        stars=stars,
        count=read_at_most(reader, "count", 1000, 1),
        cosmic_ray_boost=float(reader.positive("cosmic_ray_boost", (int, float), 1.0)),
        alone_without=reader.choose_all("alone_without", list_effects(), []),
        guide_window=_read_guide_window(reader, detector, region, readout),
    )
    reader.finish()
    check_lamp(reader, spec)
    return spec


def _read_detector(reader: Reader, main: str, spectrograph: Spectrograph | None) -> str:
    if spectrograph:
        return reader.choose("detector", tuple(dict.fromkeys((main, SPECTROGRAPH))), main)
    if reader.tree.get("detector") == SPECTROGRAPH != main:
        raise reader.error("the scenario has no block spectrograph, which says its region", "detector", SPECTROGRAPH)
    return reader.choose("detector", (main,), main)


def _read_lenslet(
    reader: Reader, detector: str, scene: str, passband: str, spectrograph: Spectrograph | None
) -> LensletMode | None:
    """Return the setting of an exposure that names a grating."""
    grating = reader.choose("grating", tuple(load_instrument().gratings)) if "grating" in reader.tree else ""
    reader.take("grating", str, "")
    own = [key for key in SETTING_KEYS if key in reader.tree]
    if not grating and own:
        raise reader.error("only an exposure through lenslets has one: add a grating", own[0], reader.tree[own[0]])
    if not grating and scene in LENSLET_SCENES:
        raise reader.error(f"a {scene} scene is seen through lenslets: add a grating", "scene", scene)
    if not grating:
        return None
    if detector != SPECTROGRAPH or spectrograph is None:
        problem = f"only the spectrograph has one: it takes detector: {SPECTROGRAPH}, and the scenario's spectrograph"
        raise reader.error(problem, "grating", grating)
    if scene not in ("blank", *LENSLET_SCENES):
        problem = f"lenslets see {', '.join(LENSLET_SCENES)} or blank; without a grating the bare detector sees this"
        raise reader.error(problem, "scene", scene)
    scale, mask, column = read_setting(reader, spectrograph.scale, spectrograph.mask, spectrograph.column)
    return LensletMode(scale, mask, grating, passband, column)


def _read_rates(reader: Reader, scene: str) -> tuple[float, ...]:
    rates = reader.take("rates", list, [])
    for rate in rates:
        if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0 <= rate < 1e6:
            raise reader.error(f"must be e-/s from 0 to 1e6{explain(rate)}", "rates", rate)
    if scene != "blank" and not rates:
        raise reader.error(f"a {scene} scene needs a rate", "rates")
    return tuple(map(float, rates))


def _read_readout(reader: Reader) -> Readout:
    inner = reader.inner("readout").expect(*READOUT_KEYS)
    ramps = inner.positive("ramps", int, 1)
    clock = inner.choose("clock", ("FAST", "SLOW"), "FAST")
    if inner.choose("mode", ("UTR", "CDS", "MCDS"), "UTR") == "UTR":
        reads, interval = read_at_most(inner, "reads", 100_000), float(inner.positive("interval", (int, float)))
        readout = inner.guard(lambda: Readout.up_the_ramp(reads, interval, ramps, clock))
    else:
        pairs, frame = inner.positive("pairs", int, 1), float(inner.positive("frame", (int, float)))
        exposure = float(inner.positive("exposure", (int, float)))
        readout = inner.guard(lambda: Readout.fowler(pairs, frame, exposure, ramps, clock))
    inner.finish()
    return readout  # type: ignore[no-any-return]


def _read_guide_window(reader: Reader, detector: str, region: Subarray, readout: Readout) -> GuideWindow | None:
    if not reader.take("guide_window", dict, {}):
        return None
    inner = reader.inner("guide_window").expect(*RECTANGLE_KEYS, "interval")
    window = GuideWindow(read_rectangle(inner), float(inner.positive("interval", (int, float))))
    inner.finish()
    reader.guard(lambda: window.check(load_instrument().detector(detector), region, readout), "guide_window")
    return window
