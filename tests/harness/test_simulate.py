"""What is planned for the simulator, and what simulations of a process share and let go of."""

import gc
import weakref
from dataclasses import replace
from pathlib import Path

import pytest

from iris_contract import Subarray
from iris_contract.errors import ScenarioError
from iris_harness import simulate
from iris_harness.calibrate import calibrate_night
from iris_harness.nights import plan_night
from iris_harness.reduce import reduce_night
from iris_harness.run_directory import RunDirectory
from iris_harness.scenario import load_scenario
from iris_harness.simulate import _list_history, build_scene, plan_as_built

REGION = Subarray(1, 1, 64, 16)
TWO = Path(__file__).parent / "two.yaml"


def test_history_is_that_of_the_detector():
    """All exposures of the night lie within the memory of the traps: those before, of the same detector."""
    scenario = load_scenario(TWO)
    plan = plan_night(scenario, 1)
    seen = {
        planned.exposure.number: [past.exposure.number for past in _list_history(scenario, planned, 1, 1)]
        for planned in plan
    }
    roles = {planned.exposure.number: planned.spec.role for planned in plan}
    assert [roles[n] for n in seen[6]] == ["ifu_dark", "ifu_off"]
    assert [roles[n] for n in seen[7]] == ["dark", "flat_off", "flat_high"]
    assert seen[2] == []


@pytest.mark.parametrize("scene", ["arc_lamp", "white_light"])
def test_a_scene_that_the_simulator_lacks_is_said(scene):
    planned = plan_night(load_scenario(TWO), 1)[0]
    with pytest.raises(ScenarioError, match=f"exposures.dark.scene='{scene}': the simulator has no such scene yet"):
        build_scene(replace(planned, spec=replace(planned.spec, scene=scene)), 1)


def test_each_detector_has_as_built_maps_of_its_own(tmp_path):
    run, scenario = RunDirectory(tmp_path), load_scenario(TWO)
    tasks = plan_as_built(run, scenario, 1)
    assert [task.name for task in tasks] == ["as-built", "as-built-IFU"]
    assert len({task.key for task in tasks}) == 2
    shifted = replace(scenario, region=replace(scenario.region, xstart=2))
    again = plan_as_built(run, shifted, 1)
    assert (again[0].key == tasks[0].key, again[1].key == tasks[1].key) == (False, True)


@pytest.mark.parametrize(
    "work",
    [
        lambda root: calibrate_night(root, "chain", 1, [], {}),
        lambda root: reduce_night(root, "chain", "ramp", "gls", 1, [], {}),
    ],
)
def test_as_built_maps_do_not_stay_while_others_work(work, tmp_path: Path, monkeypatch):
    """Of the full format they are 1.7 GB, which a process that calibrates has no room for."""
    monkeypatch.setattr("iris_reduction.cache.use_cache", lambda cache: None)
    built = simulate._build("IMG1", REGION, 1)
    assert simulate._build("IMG1", REGION, 1) is built
    maps = weakref.ref(built.flat)
    del built
    work(tmp_path)
    gc.collect()
    assert maps() is None
