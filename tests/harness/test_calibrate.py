"""The chain's calibrations take what they need from their own night, or say what is missing."""

from pathlib import Path

import pytest

from iris_contract.errors import ReferenceFileError
from iris_harness.calibrate import CALIBRATIONS, Group, calibrate_night
from iris_harness.deliver import create_initial, plan_oracle
from iris_harness.run_directory import RunDirectory
from iris_harness.scenario import find_scenario, load_scenario
from iris_harness.tasks import TaskResult


def test_families_come_after_what_they_need():
    made = set()
    for kind, needs in CALIBRATIONS.values():
        assert set(needs) <= made
        made.add(kind)


def test_a_missing_prerequisite_of_the_chain_names_what_to_add(tmp_path):
    create_initial(tmp_path)
    group = Group(
        "dark", ("ramp_mean",), (("DETECTOR", "IFU"), ("READMODE", "UTR")), (tmp_path / "raw.fits",), tmp_path
    )
    with pytest.raises(ReferenceFileError, match="dark needs a gain of IFU of the same night; add its family"):
        calibrate_night(tmp_path, "chain", 1, [group], {})
    assert not list(Path(tmp_path).rglob("*.fits"))


def test_a_prerequisite_that_failed_says_why(tmp_path, monkeypatch):
    def fail(*arguments, **options):
        raise RuntimeError("no room")

    create_initial(tmp_path)
    monkeypatch.setattr("iris_reduction.pipelines.make_reference", fail)
    raw, match = (tmp_path / "raw.fits",), (("DETECTOR", "IMG1"),)
    plan = [
        Group("gain", ("photon_transfer",), match, raw, tmp_path),
        Group("dark", ("ramp_mean",), match, raw, tmp_path),
    ]
    with pytest.raises(ReferenceFileError, match=r"needs a gain .* failed: photon_transfer: RuntimeError: no room"):
        calibrate_night(tmp_path, "chain", 1, plan, {})
    plan[1] = Group(
        "dark", ("ramp_mean",), (("DETECTOR", "IFU"),), raw, tmp_path
    )  # the other detector's failure is none of its
    with pytest.raises(ReferenceFileError, match="needs a gain of IFU of the same night; add its family"):
        calibrate_night(tmp_path, "chain", 1, plan, {})


def test_oracle_references_are_written_only_where_something_uses_them(tmp_path):
    scenario = load_scenario(find_scenario("imager-full"))
    run, as_built = RunDirectory(tmp_path), [TaskResult("as-built", {})]
    assert all(family.settings == ("chain",) for family in scenario.families.values())
    assert plan_oracle(run, scenario, as_built)[0].call.endswith(":deliver_references")
    quick = load_scenario(find_scenario("quick"))
    assert plan_oracle(run, quick, as_built)[0].call.endswith(":deliver_oracle")


def test_the_initial_cache_holds_no_reference(tmp_path):
    outputs, content = create_initial(tmp_path)
    assert not [p for p in outputs if p.suffix == ".fits"]
    assert content["context"] == "tmt_0001.pmap"
    assert create_initial(tmp_path) == (outputs, content)
