"""Campaigns: variants on identical draws, each compared with the first; mistakes in the file end in one line."""

import json
from pathlib import Path

import pytest
import yaml

from iris_contract.errors import RunDirectoryError, ScenarioError
from iris_harness import campaign
from iris_harness.campaign import find_campaign, list_campaigns, load_campaign, make_variant, run_campaign
from iris_harness.scenario import load_scenario
from iris_validators.parquet import write_samples

MICRO = Path(__file__).parent / "micro.yaml"
GOOD = {
    "schema": "iris-testbed/campaign/1",
    "name": "mine",
    "title": "Two variants <of micro>",
    "scenario": str(MICRO),
    "nights": 3,
    "figures": ["ramp.* gls chain *"],
    "variants": {"everything": {}, "without hits": {"without": ["cosmic_rays"]}},
}


def write(folder: Path, **changes: object) -> Path:
    path = folder / "campaign.yaml"
    path.write_text(yaml.safe_dump(GOOD | changes))
    return path


def test_variants_share_their_draws(tmp_path):
    """Without the few hits of a micro run nothing else changes: differences are far below the scatter."""
    page = run_campaign(write(tmp_path), tmp_path / "out", jobs=1, quiet=True)
    content = json.loads((tmp_path / "out" / "campaign.json").read_text())
    same, other = (variant["rows"] for variant in content["variants"])
    assert same
    assert {row["metric"].split(".")[0] for row in same} == {"ramp"}
    assert all(row["change"] == 0 for row in same)
    widths = [row for row in other if row["metric"] == "ramp.pull_width"]
    assert widths
    assert all(abs(row["change"]) < 0.2 for row in widths)
    text = page.read_text()
    assert "without cosmic_rays" in text
    assert "<of micro>" not in text
    assert not list((tmp_path / "out").rglob("raw/**/*.fits"))


@pytest.fixture
def count_runs(monkeypatch):
    """Variants that are run, by folder; each leaves scores as a run does, without taking its time."""
    made = []

    def run_stages(folder, scenario, *, nights, **options):
        made.append(folder.name)
        (folder / "scores").mkdir(parents=True, exist_ok=True)
        (folder / "scores" / "scorecard.json").write_text(f"{scenario.name} {nights}")
        write_samples(folder / "scores" / "samples.parquet", [])

    monkeypatch.setattr(campaign, "run_stages", run_stages)
    monkeypatch.setattr(campaign, "render_campaign", lambda out: out / "report" / "index.html")
    return made


def spoil(out):
    (out / "everything" / "scores" / "scorecard.json").write_text("half")


def lose(out):
    (out / "without-hits" / "scores" / "samples.parquet").unlink()


@pytest.mark.parametrize(
    ("change", "nights", "again"),
    [
        (None, 3, []),
        (None, 4, ["everything", "without-hits"]),
        (spoil, 3, ["everything"]),
        (lose, 3, ["without-hits"]),
    ],
    ids=["nothing", "more nights", "broken scores", "lost samples"],
)
def test_a_finished_variant_is_not_run_again(tmp_path, capsys, count_runs, change, nights, again):
    """Its raw frames are gone, so the run itself would simulate all of them anew."""
    path, out = write(tmp_path), tmp_path / "out"
    run_campaign(path, out)
    assert count_runs == ["everything", "without-hits"]
    if change:
        change(out)
    count_runs.clear()
    capsys.readouterr()
    run_campaign(path, out, nights=nights)
    assert count_runs == again
    said = capsys.readouterr().err
    assert said.count("finished before, nothing has changed since: skipped") == 2 - len(again)


def test_a_variant_is_run_again_where_its_scenario_or_the_code_has_changed(tmp_path, monkeypatch, count_runs):
    path, out = write(tmp_path), tmp_path / "out"
    run_campaign(path, out)
    count_runs.clear()
    run_campaign(write(tmp_path, set={"exposures.dark.readout.ramps": 5}), out)
    assert count_runs == ["everything", "without-hits"]
    count_runs.clear()
    monkeypatch.setattr(campaign, "hash_source", lambda *names: "edited")
    run_campaign(path, out)
    assert count_runs == ["everything", "without-hits"]


@pytest.mark.parametrize("name", list_campaigns())
def test_campaigns_that_ship_fit_their_scenarios(tmp_path, name):
    path = find_campaign(name)
    campaign = load_campaign(path)
    assert campaign.name == name
    text = make_variant(campaign.scenario.read_text(), {"set": campaign.common}, path)
    for change in campaign.variants.values():
        varied = tmp_path / "varied.yaml"
        varied.write_text(make_variant(text, change, path))
        assert load_scenario(varied).name == campaign.scenario.stem


def test_a_folder_that_cannot_be_made_is_said_in_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(RunDirectoryError, match="cannot create"):
            run_campaign(write(tmp_path), out, quiet=True)


def test_unknown_campaigns_are_refused_with_the_choices():
    with pytest.raises(ScenarioError, match="budget, plan"):
        find_campaign("budgets")


def test_a_change_reaches_the_scenario():
    text = MICRO.read_text()
    changed = yaml.safe_load(
        make_variant(text, {"set": {"exposures.dark.readout.ramps": 2}, "without": ["dark"]}, MICRO)
    )
    assert changed["exposures"]["dark"]["readout"]["ramps"] == 2
    assert "dark" not in changed["effects"]


@pytest.mark.parametrize(
    "change", [{"without": ["snow"]}, {"set": {"exposures.dusk.count": 1}}, {"set": {"nigths": 1}}]
)
def test_a_change_that_does_not_fit_is_refused(change):
    with pytest.raises(ScenarioError, match="the scenario has no such"):
        make_variant(MICRO.read_text(), change, MICRO)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"schema": "other"}, "must be iris-testbed/campaign/1"),
        ({"nights": 0}, "must be 1 to 1000"),
        ({"figures": []}, "must list patterns"),
        ({"variants": {"one": {}}}, "two or more"),
        ({"variants": {"one": {}, "../two": {}}}, "names are text of letters"),
        ({"variants": {"one": {}, "two": {"with": 1}}}, "has the keys without"),
        ({"variants": {1: {}, 2: {}}}, "put numbers in quotes"),
        ({"variants": {"one": {}, "two": {"without": "ipc"}}}, "must be a list of effects"),
        ({"variants": {"one": {}, "two": {"without": 5}}}, "must be a list of effects"),
        ({"variants": {"one": {}, "two": {"set": None}}}, "must be a mapping of places"),
        ({"variants": {"a b": {}, "a-b": {}}}, "one folder"),
        ({"surplus": 1}, "unknown key"),
        ({"set": ["region.xsize"]}, "must be a mapping"),
        ({"scenario": "nowhere"}, "no such scenario"),
    ],
)
def test_broken_campaigns_are_refused(tmp_path, change, problem):
    with pytest.raises(ScenarioError, match=problem):
        load_campaign(write(tmp_path, **change))
