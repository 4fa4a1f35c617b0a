"""Scenarios: what to simulate, with which effects, which algorithms to run and what must be measured.

A scenario is a YAML file; every problem in it is reported with file, line and key. Scenarios that
ship with the package are known by name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import Any

from iris_contract.errors import ScenarioError
from iris_contract.exposure import GuideWindow, Readout, Subarray
from iris_contract.instrument import DETECTORS, load_instrument
from iris_contract.scorecard import FAMILIES
from iris_harness.algorithms import CALIBRATORS, JUDGE_FITTERS, list_algorithms
from iris_harness.yaml_lines import load_yaml
from iris_harness.yaml_reader import Reader, explain

__all__ = [
    "SCENARIO_SCHEMA",
    "ExposureSpec",
    "FamilySpec",
    "Scenario",
    "find_scenario",
    "list_scenarios",
    "load_scenario",
    "name_in_run",
]

SCENARIO_SCHEMA = "iris-testbed/scenario/1"
SCENES = ("blank", "flat_lamp", "ladder", "uniform_sky", "star_field")
IMAGE_TYPES = ("DRK", "NFF", "SCI", "SKY")
KEYS = (
    *("schema", "name", "title", "detector", "region", "nights", "first_night", "seed", "effects", "exposures"),
    *("families", "reduction", "blocks", "specifications"),
)
EXPOSURE_KEYS = (
    *("image_type", "scene", "filter", "lamp", "shutter", "rates", "stars", "count", "readout", "cosmic_ray_boost"),
    *("alone_without", "guide_window"),
)
READOUT_KEYS = ("mode", "clock", "ramps", "reads", "interval", "pairs", "frame", "exposure")
RECTANGLE_KEYS = ("xstart", "ystart", "xsize", "ysize")
MOST_SAMPLES = 4096 * 4096 * 128  # pixel-reads of one exposure: 4 GB


@dataclass(frozen=True, slots=True)
class ExposureSpec:
    """One kind of exposure of every night; `count` of them are taken. Rates in e-/s."""

    role: str
    image_type: str
    scene: str
    readout: Readout
    filter: str
    lamp: str = "NONE"
    shutter: str = "CLOSED"
    rates: tuple[float, ...] = ()
    stars: int = 0
    count: int = 1
    cosmic_ray_boost: float = 1.0
    alone_without: tuple[str, ...] = ()
    guide_window: GuideWindow | None = None


@dataclass(frozen=True, slots=True)
class FamilySpec:
    """One family to score: the exposure roles it uses, its algorithms and its settings."""

    family: str
    exposures: tuple[str, ...]
    algorithms: tuple[str, ...]
    settings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A checked scenario.

    `reduction` holds parameters of Steps and pipelines by alias; `blocks` is how many spatial blocks
    along each side a night is judged in, None where nights are the realisations.
    """

    name: str
    title: str
    detector: str
    region: Subarray
    nights: int
    first_night: date
    seed: int
    effects: tuple[str, ...]
    exposures: Mapping[str, ExposureSpec]
    families: Mapping[str, FamilySpec]
    specifications: tuple[str, ...]
    reduction: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    blocks: int | None = None
    text: str = field(default="", repr=False)


def list_scenarios() -> dict[str, Path]:
    """Return the scenarios that ship with the package, by name."""
    folder = Path(str(resources.files("iris_harness").joinpath("scenarios")))
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def find_scenario(name: str) -> Path:
    """Return the path of a scenario given by name or file; raise ScenarioError with the choices."""
    known = list_scenarios()
    if name in known:
        return known[name]
    path = Path(name)
    if path.suffix in {".yaml", ".yml"} and path.is_file():
        return path
    problem = "not a YAML file: the name of one ends in .yaml or .yml" if path.is_file() else "no such scenario"
    raise ScenarioError(f"{problem}; give a YAML file or one of {', '.join(known)}", key="SCENARIO", value=name)


def name_in_run(scenario: Scenario) -> str:
    """Return how a command in a run directory names its scenario: by name if it ships, or its copy there."""
    shipped = list_scenarios().get(scenario.name)
    same = shipped is not None and shipped.read_text("utf-8") == scenario.text
    return scenario.name if same else "scenario.yaml"


def load_scenario(path: Path) -> Scenario:
    """Read and check a scenario; raise ScenarioError naming file, line and key."""
    tree, lines = load_yaml(path)
    top = Reader(tree, (), path, lines).expect(*KEYS)
    schema = top.take("schema", str)
    if schema != SCENARIO_SCHEMA:
        raise top.error(f"must be {SCENARIO_SCHEMA}", "schema", schema)
    detector = top.choose("detector", DETECTORS)
    region = _read_region(top, detector)
    effects = top.choose_all("effects", _effects())
    exposures = {role: _read_exposure(role, reader, detector, region) for role, reader in top.each("exposures").items()}
    families = {
        name: _read_family(name, reader, tuple(exposures), top) for name, reader in top.each("families").items()
    }
    scenario = Scenario(
        name=top.name(top.take("name", str), "name"),
        title=top.take("title", str),
        detector=detector,
        region=region,
        nights=_at_most(top, "nights", 1000),
        first_night=_read_date(top),
        seed=_read_seed(top),
        effects=effects,
        exposures=exposures,
        families=families,
        specifications=top.choose_all("specifications", _specifications()),
        reduction=_read_reduction(top),
        blocks=_read_blocks(top),
        text=path.read_text("utf-8"),
    )
    top.finish()
    _check_prerequisites(scenario, top)
    return scenario


def _check_prerequisites(scenario: Scenario, top: Reader) -> None:
    from iris_harness.prerequisites import find_problem  # here, since it needs the classes above

    found = find_problem(scenario)
    if found:
        family, key, problem, value = found
        raise (top.each("families")[family] if family else top).error(problem, key, value)


def _effects() -> tuple[str, ...]:
    from iris_simulator import EFFECTS

    return tuple(EFFECTS)


def _algorithms(family: str) -> tuple[str, ...]:
    """Algorithms of a family; broken plug-ins too, since they are to be shown as broken."""
    wanted = "ramp" if family in JUDGE_FITTERS else family
    return tuple(row["name"] for row in list_algorithms() if row["family"] == wanted)


def _specifications() -> tuple[str, ...]:
    from iris_validators import load_specifications

    return tuple(load_specifications())


def _read_reduction(top: Reader) -> dict[str, dict[str, Any]]:
    """Parameters of Steps by alias; whether a Step has them is asked of the Step itself, when it runs."""
    from iris_reduction.steps import get_steps

    reader = top.inner("reduction", {})
    known = {alias for _, alias, _ in get_steps()}
    parameters: dict[str, dict[str, Any]] = {}
    for alias in reader.tree:
        if alias not in known:
            raise reader.error(f"no such Step; choose {', '.join(sorted(known))}", str(alias))
        parameters[alias] = dict(reader.take(alias, dict))
        for name, value in parameters[alias].items():
            if not isinstance(value, (bool, int, float, str)):
                raise reader.error("must be a number, a word, true or false", alias, {name: value})
    return parameters


def _read_blocks(top: Reader) -> int | None:
    if top.take("blocks", int, 0) == 0:
        return None
    blocks = _at_most(top, "blocks", 16)
    if blocks < 4:
        raise top.error("must be 4 or more along a side: an interval takes 16 blocks", "blocks", blocks)
    return blocks


def _at_most(reader: Reader, key: str, most: int, default: Any = ...) -> int:
    value = int(reader.positive(key, int, default))
    if value > most:
        raise reader.error(f"must be at most {most}", key, value)
    return value


def _read_seed(top: Reader) -> int:
    seed = top.take("seed", int)
    if not 0 <= seed < 2**63:
        raise top.error("must be from 0 to 2**63 - 1", "seed", seed)
    return int(seed)


def _read_date(top: Reader) -> date:
    value = top.take("first_night", date)
    if not 2000 <= value.year < 2100:
        raise top.error("must be a date from 2000 to 2099", "first_night", value)
    return date(value.year, value.month, value.day)


def _read_region(top: Reader, detector: str) -> Subarray:
    reader = top.inner("region").expect(*RECTANGLE_KEYS)
    region = _take_rectangle(reader)
    reader.guard(lambda: region.check(load_instrument().detector(detector)))
    reader.finish()
    return region


def _take_rectangle(reader: Reader) -> Subarray:
    return Subarray(*(reader.take(key, int) for key in RECTANGLE_KEYS))


def _read_guide_window(reader: Reader, detector: str, region: Subarray, readout: Readout) -> GuideWindow | None:
    if not reader.take("guide_window", dict, {}):
        return None
    inner = reader.inner("guide_window").expect(*RECTANGLE_KEYS, "interval")
    window = GuideWindow(_take_rectangle(inner), float(inner.positive("interval", (int, float))))
    inner.finish()
    reader.guard(lambda: window.check(load_instrument().detector(detector), region, readout), "guide_window")
    return window


def _read_readout(reader: Reader) -> Readout:
    inner = reader.inner("readout").expect(*READOUT_KEYS)
    ramps = inner.positive("ramps", int, 1)
    clock = inner.choose("clock", ("FAST", "SLOW"), "FAST")
    if inner.choose("mode", ("UTR", "CDS", "MCDS"), "UTR") == "UTR":
        reads, interval = _at_most(inner, "reads", 100_000), float(inner.positive("interval", (int, float)))
        readout = inner.guard(lambda: Readout.up_the_ramp(reads, interval, ramps, clock))
    else:
        pairs, frame = inner.positive("pairs", int, 1), float(inner.positive("frame", (int, float)))
        exposure = float(inner.positive("exposure", (int, float)))
        readout = inner.guard(lambda: Readout.fowler(pairs, frame, exposure, ramps, clock))
    inner.finish()
    return readout  # type: ignore[no-any-return]


def _read_exposure(role: str, reader: Reader, detector: str, region: Subarray) -> ExposureSpec:
    reader.expect(*EXPOSURE_KEYS).name(role, "")
    scene = reader.choose("scene", SCENES)
    rates = reader.take("rates", list, [])
    for rate in rates:
        if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0 <= rate < 1e6:
            raise reader.error(f"must be e-/s from 0 to 1e6{explain(rate)}", "rates", rate)
    if scene != "blank" and not rates:
        raise reader.error(f"a {scene} scene needs a rate", "rates")
    stars = reader.take("stars", int, 0)
    if scene == "star_field" and (len(rates) != 2 or rates[1] <= 0 or stars < 1):
        raise reader.error("a star_field needs stars of 1 or more, and rates: [sky, brightest star]", "stars", stars)
    readout = _read_readout(reader)
    if region.xsize * region.ysize * readout.ramps * readout.reads > MOST_SAMPLES:
        raise reader.error(f"more than {MOST_SAMPLES} pixels times reads in one exposure", "readout")
    design = load_instrument().detector(detector)
    reader.guard(lambda: readout.check(design, region), "readout")
    spec = ExposureSpec(
        role=role,
        image_type=reader.choose("image_type", IMAGE_TYPES),
        scene=scene,
        readout=readout,
        filter=reader.choose("filter", (*load_instrument().filters, "dark")),
        lamp=reader.choose("lamp", ("NONE", "FLAT"), "NONE"),
        shutter=reader.choose("shutter", ("OPEN", "CLOSED"), "CLOSED"),
        rates=tuple(map(float, rates)),
        stars=stars,
        count=_at_most(reader, "count", 1000, 1),
        cosmic_ray_boost=float(reader.positive("cosmic_ray_boost", (int, float), 1.0)),
        alone_without=reader.choose_all("alone_without", _effects(), []),
        guide_window=_read_guide_window(reader, detector, region, readout),
    )
    reader.finish()
    return spec


def _read_family(name: str, reader: Reader, roles: tuple[str, ...], top: Reader) -> FamilySpec:
    known = tuple(dict.fromkeys((*FAMILIES, *CALIBRATORS)))
    if name not in known:
        nearest = get_close_matches(name, known, 1)
        meant = f"did you mean {nearest[0]}?" if nearest else f"choose {', '.join(known)}"
        raise reader.error(f"no such family; {meant}")
    reader.expect("exposures", "algorithms", "settings")
    for algorithm in reader.take("algorithms", list):
        reader.name(str(algorithm), "algorithms")
    spec = FamilySpec(
        name,
        reader.choose_all("exposures", roles),
        reader.choose_all("algorithms", _algorithms(name)),
        reader.choose_all("settings", ("alone", "chain")),
    )
    for key in ("exposures", "algorithms", "settings"):
        if not getattr(spec, key):
            raise reader.error("must not be empty", key)
    reader.finish()
    return spec
