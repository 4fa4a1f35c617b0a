"""Campaigns: one scenario run in variants on identical draws, each compared with the first.

A variant leaves out effects, or changes values of the scenario; what all have in common is set once.
Leaving out one effect at a time makes an error budget; changing the number of darks or flats tells
what a calibration plan buys. Each variant is an ordinary run in a folder of its own, kept without its
raw frames, and goes on if interrupted; one that is finished is not run again.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from fnmatch import fnmatch
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from iris_contract.atomic import write_json, write_text
from iris_contract.errors import RunDirectoryError, ScenarioError
from iris_harness.algorithms import hash_algorithm
from iris_harness.progress import Progress
from iris_harness.scenario import Scenario, find_scenario, load_scenario
from iris_harness.stages import run_stages
from iris_harness.tasks import Task, find_result, hash_source, make_key, run_task
from iris_harness.yaml_lines import load_yaml
from iris_harness.yaml_reader import tell_unknown
from iris_reports import render_campaign
from iris_validators.pairing import compare_runs
from iris_validators.parquet import read_samples

__all__ = [
    "CAMPAIGN_SCHEMA",
    "Campaign",
    "find_campaign",
    "list_campaigns",
    "load_campaign",
    "make_variant",
    "run_campaign",
    "run_variant",
]

CAMPAIGN_SCHEMA = "iris-testbed/campaign/1"
RESULT_SCHEMA = "iris-testbed/campaign-result/1"
SOURCES = ("iris_contract", "iris_simulator", "iris_reduction", "tmt_crds", "iris_validators", "iris_harness")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]{0,63}")
KEYS = {"schema", "name", "title", "scenario", "nights", "figures", "variants"}


@dataclass(frozen=True, slots=True)
class Campaign:
    """A checked campaign: `variants` by name, the first of which the others are compared with.

    `figures` are shell patterns of "metric algorithm setting condition" to show, `common` values that are set
    in every variant.
    """

    name: str
    title: str
    scenario: Path
    nights: int
    figures: tuple[str, ...]
    variants: Mapping[str, Mapping[str, Any]]
    common: Mapping[str, Any]


def list_campaigns() -> dict[str, Path]:
    """Return the campaigns that ship with the package, by name."""
    folder = Path(str(resources.files("iris_harness").joinpath("campaigns")))
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def find_campaign(name: str) -> Path:
    """Return the path of a campaign given by name or file; raise ScenarioError with the choices."""
    known = list_campaigns()
    path = known.get(name, Path(name))
    if not path.is_file():
        problem = f"no such campaign; give a YAML file or one of {', '.join(known)}"
        raise ScenarioError(problem, key="CAMPAIGN", value=name)
    return path


def load_campaign(path: Path) -> Campaign:
    """Read a campaign; raise ScenarioError naming file, line and key."""
    tree, lines = load_yaml(path)

    def check(good: bool, key: str, problem: str, value: object) -> None:
        if not good and value is None:
            raise ScenarioError(f"{key}: {problem}", file=f"{path}:{lines.get((key,), 1)}")
        if not good:
            raise ScenarioError(problem, file=f"{path}:{lines.get((key,), 1)}", key=key, value=value)

    check(isinstance(tree, dict), "", "must be a mapping", tree)
    for key in tree:
        check(key in KEYS or key == "set", str(key), tell_unknown(str(key), {*KEYS, "set"}), tree[key])
    for key in sorted(KEYS - tree.keys()):
        check(False, key, "is missing; add it", None)
    check(tree["schema"] == CAMPAIGN_SCHEMA, "schema", f"must be {CAMPAIGN_SCHEMA}", tree["schema"])
    for key in ("name", "title", "scenario"):
        check(isinstance(tree[key], str), key, "must be text", tree[key])
    nights, figures, variants = tree["nights"], tree["figures"], tree["variants"]
    check(isinstance(tree.get("set", {}), dict), "set", "must be a mapping of places to values", tree.get("set"))
    check(type(nights) is int and 1 <= nights <= 1000, "nights", "must be 1 to 1000", nights)
    texts = isinstance(figures, list) and all(isinstance(f, str) for f in figures)
    check(texts and bool(figures), "figures", "must list patterns of 'metric algorithm setting condition'", figures)
    check(isinstance(variants, dict) and len(variants) > 1, "variants", "must name two or more", variants)
    for name, change in variants.items():
        good = isinstance(name, str) and bool(NAME.fullmatch(name))
        check(
            good, "variants", "names are text of letters, digits, blanks, dots and dashes; put numbers in quotes", name
        )
        known = isinstance(change, dict) and set(change) <= {"without", "set"}
        check(known, "variants", "a variant has the keys without (effects) and set (values)", {name: change})
        effects, values = change.get("without", []), change.get("set", {})
        texts = isinstance(effects, list) and all(isinstance(effect, str) for effect in effects)
        check(texts, "variants", "without must be a list of effects", {name: effects})
        check(isinstance(values, dict), "variants", "set must be a mapping of places to values", {name: values})
    folders = [_name_folder(name) for name in variants]
    check(len(set(folders)) == len(folders), "variants", "two names make one folder: blanks become dashes", folders)
    scenario = find_scenario(tree["scenario"])
    return Campaign(tree["name"], tree["title"], scenario, nights, tuple(figures), variants, tree.get("set", {}))


def _name_folder(variant: str) -> str:
    return variant.replace(" ", "-")


def make_variant(text: str, change: Mapping[str, Any], path: Path) -> str:
    """Return the text of a scenario with a change made; raise ScenarioError where it does not fit."""
    tree = copy.deepcopy(yaml.safe_load(text))
    for effect in change.get("without", []):
        if effect not in tree["effects"]:
            raise ScenarioError("the scenario has no such effect to leave out", file=path, key="without", value=effect)
        tree["effects"].remove(effect)
    for place, value in change.get("set", {}).items():
        *way, last = str(place).split(".")
        node = tree
        for key in way:
            node = node.get(key) if isinstance(node, dict) else None
        if not isinstance(node, dict) or last not in node:
            raise ScenarioError("the scenario has no such value to set", file=path, key="set", value=place)
        node[last] = value
    return yaml.safe_dump(tree, sort_keys=False, width=120)


def run_campaign(
    path: Path, out: Path, *, nights: int | None = None, jobs: int | None = None, quiet: bool = False
) -> Path:
    """Run every variant of the campaign in `path`, compare them, and return the first page of its report."""
    campaign = load_campaign(path)
    text = make_variant(campaign.scenario.read_text("utf-8"), {"set": campaign.common}, path)
    results = []
    first = None
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunDirectoryError(f"cannot create: {error.strerror}", file=out) from None
    scenarios = {name: _write_variant(text, name, change, path, out) for name, change in campaign.variants.items()}
    progress = Progress(quiet)
    for number, (name, change) in enumerate(campaign.variants.items(), 1):
        progress.say(f"variant {number} of {len(scenarios)}: {name}")
        folder = (out / _name_folder(name)).resolve()
        task = _plan_variant(folder, scenarios[name], campaign.nights if nights is None else nights, jobs, quiet)
        if find_result(folder, task):
            progress.say("finished before, nothing has changed since: skipped")
        else:
            run_task(folder, task)
        samples = read_samples(folder / "scores" / "samples.parquet")
        first = samples if first is None else first
        rows = [asdict(d) for d in compare_runs(first, samples) if _is_wanted(campaign, d)]
        results.append({"name": name, "change": dict(change), "run": folder.name, "rows": rows})
    content = {"schema": RESULT_SCHEMA, "name": campaign.name, "title": campaign.title, "variants": results}
    write_json(out / "campaign.json", content)
    return render_campaign(out)


def _plan_variant(folder: Path, scenario: Scenario, nights: int, jobs: int | None, quiet: bool) -> Task:
    """Return the variant as a task: done where its scores are whole, and neither scenario nor code has changed since.

    The run in `folder` cannot tell by itself, since its raw frames are gone.
    """
    pairs = [(family.family, name) for family in scenario.families.values() for name in family.algorithms]
    plug_ins = [hash_algorithm(*pair) for pair in pairs]
    key = make_key([scenario.text, nights, plug_ins], [], hash_source(*SOURCES))
    arguments = (folder, scenario, nights, jobs, quiet)
    return Task("variant", "campaign", "iris_harness.campaign:run_variant", arguments, key)


def run_variant(
    folder: Path, scenario: Scenario, nights: int, jobs: int | None, quiet: bool
) -> tuple[list[Path], object]:
    """Run one variant up to its scores, and return the files that tell that they are whole; the content is None."""
    run_stages(folder, scenario, until="validate", nights=nights, jobs=jobs, quiet=quiet, keep="products")
    return [folder / "scores" / name for name in ("scorecard.json", "samples.parquet")], None


def _write_variant(text: str, name: str, change: Mapping[str, Any], path: Path, out: Path) -> Scenario:
    """Write the scenario of a variant and return it, checked: all are, before the first is run."""
    file = out / f"{_name_folder(name)}.yaml"
    write_text(file, make_variant(text, change, path))
    return load_scenario(file)


def _is_wanted(campaign: Campaign, difference: Any) -> bool:
    place = f"{difference.metric} {difference.algorithm} {difference.setting} {difference.condition}"
    return any(fnmatch(place, pattern) for pattern in campaign.figures)
