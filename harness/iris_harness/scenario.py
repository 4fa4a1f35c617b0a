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
from iris_contract.exposure import Subarray
from iris_contract.instrument import DETECTORS, load_instrument
from iris_contract.lenslet import LensletMode
from iris_contract.scorecard import FAMILIES
from iris_harness.algorithms import CALIBRATORS, JUDGE_FITTERS, list_algorithms
from iris_harness.exposures import (
    LENSLET_SCENES,
    RECTANGLE_KEYS,
    SETTING_KEYS,
    SPECTROGRAPH,
    ExposureSpec,
    Spectrograph,
    list_effects,
    read_at_most,
    read_exposure,
    read_rectangle,
    read_setting,
)
from iris_harness.yaml_lines import load_yaml
from iris_harness.yaml_reader import Reader

__all__ = [
    "SCENARIO_SCHEMA",
    "ExposureSpec",
    "FamilySpec",
    "Scenario",
    "Spectrograph",
    "find_scenario",
    "list_scenarios",
    "load_scenario",
    "name_in_run",
]

SCENARIO_SCHEMA = "iris-testbed/scenario/1"
KEYS = (
    *("schema", "name", "title", "detector", "region", "spectrograph", "nights", "first_night", "seed", "effects"),
    *("exposures", "families", "reduction", "blocks", "specifications"),
)


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

    `region` is that of `detector`, which exposures use unless they name the spectrograph's. `reduction`
    holds parameters of Steps and pipelines by alias; `blocks` is how many spatial blocks along each
    side a night is judged in, None where nights are the realisations.
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
    spectrograph: Spectrograph | None = None
    text: str = field(default="", repr=False)

    @property
    def detectors(self) -> tuple[str, ...]:
        """The detectors in use, the scenario's own one first."""
        return tuple(dict.fromkeys((self.detector, *(spec.detector for spec in self.exposures.values()))))

    def list_detectors(self, family: str) -> tuple[str, ...]:
        """Detectors that the exposures of a family are of."""
        found = {self.exposures[role].detector for role in self.families[family].exposures}
        return tuple(name for name in self.detectors if name in found)

    def find_region(self, detector: str) -> Subarray:
        """Return what is read of a detector."""
        return self.spectrograph.region if self.spectrograph and detector == SPECTROGRAPH else self.region

    @property
    def lenslet_modes(self) -> tuple[LensletMode, ...]:
        """The settings of the lenslet spectrograph in which lamps are seen."""
        seen = [spec.lenslet for spec in self.exposures.values() if spec.scene in LENSLET_SCENES]
        return tuple(dict.fromkeys(mode for mode in seen if mode is not None))

    def find_mode(self, detector: str) -> str:
        """Return the mode of the instrument that a detector serves: LENSLET or IMG."""
        return "LENSLET" if detector == SPECTROGRAPH else "IMG"


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
    spectrograph = _read_spectrograph(top, detector, region)
    effects = top.choose_all("effects", list_effects())
    exposures = {
        role: read_exposure(role, reader, detector, region, spectrograph)
        for role, reader in top.each("exposures").items()
    }
    families = {
        name: _read_family(name, reader, tuple(exposures), top) for name, reader in top.each("families").items()
    }
    scenario = Scenario(
        name=top.name(top.take("name", str), "name"),
        title=top.take("title", str),
        detector=detector,
        region=region,
        nights=read_at_most(top, "nights", 1000),
        first_night=_read_date(top),
        seed=_read_seed(top),
        effects=effects,
        exposures=exposures,
        families=families,
        specifications=top.choose_all("specifications", _specifications()),
        reduction=_read_reduction(top),
        blocks=_read_blocks(top),
        spectrograph=spectrograph,
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
    blocks = read_at_most(top, "blocks", 16)
    if blocks < 4:
        raise top.error("must be 4 or more along a side: an interval takes 16 blocks", "blocks", blocks)
    return blocks


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
    region = read_rectangle(reader)
    reader.guard(lambda: region.check(load_instrument().detector(detector)))
    reader.finish()
    return region


def _read_spectrograph(top: Reader, detector: str, region: Subarray) -> Spectrograph | None:
    """Return the spectrograph, which has a region of its own unless its detector is the scenario's."""
    if top.take("spectrograph", dict, None) is None:
        return None
    own_region = () if detector == SPECTROGRAPH else ("region",)
    reader = top.inner("spectrograph").expect(*SETTING_KEYS, *own_region)
    own = _read_region(reader, SPECTROGRAPH) if own_region else region
    scale, mask, column = read_setting(reader, 4.0, "FINE_MASK", None)
    reader.finish()
    return Spectrograph(own, scale, mask, column)


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
