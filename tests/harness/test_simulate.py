"""What is planned for the simulator, and what simulations of a process share and let go of."""

import gc
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from iris_contract import Subarray, Truth
from iris_contract.fitsio import read_header
from iris_contract.lenslet import SpectrographTruth
from iris_harness import simulate
from iris_harness.calibrate import calibrate_night
from iris_harness.nights import plan_night
from iris_harness.reduce import reduce_night
from iris_harness.run_directory import RunDirectory
from iris_harness.scenario import find_scenario, load_scenario
from iris_harness.simulate import _list_history, plan_as_built

REGION = Subarray(1, 1, 64, 16)
TWO = Path(__file__).parent / "two.yaml"


def test_history_is_that_of_the_detector():
    """All exposures of the night lie within the memory of the traps: those before, of the same detector."""
    scenario = load_scenario(TWO)
    plan = plan_night(scenario, 1)
    seen = {
        planned.exposure.number: [past.exposure.number for past in _list_history(scenario, planned, 1, 1, [])]
        for planned in plan
    }
    roles = {planned.exposure.number: planned.spec.role for planned in plan}
    assert [roles[n] for n in seen[6]] == ["ifu_dark", "ifu_off"]
    assert [roles[n] for n in seen[7]] == ["dark", "flat_off", "flat_high"]
    assert seen[2] == []


@pytest.fixture
def arcs(tmp_path):
    """A run of one row of lenslets and the arcs of one lamp."""
    scenario = load_scenario(find_scenario("lenslet"))
    region = Subarray(1537, 2017, 768, 32)
    families = {name: replace(spec, settings=("chain",)) for name, spec in scenario.families.items()}
    scenario = replace(scenario, region=region, spectrograph=replace(scenario.spectrograph, region=region))
    scenario = replace(scenario, families=families)
    return RunDirectory(tmp_path), scenario


def test_an_arc_has_the_truth_of_its_lines_and_its_flexure(arcs, monkeypatch):
    run, scenario = arcs
    monkeypatch.setattr(simulate, "_load", lambda root: scenario)
    number = next(p.exposure.number for p in plan_night(scenario, 1) if p.spec.role == "argon")
    (raw, truth_path), digest = simulate.simulate_exposure(run.root, 1, 1, number, "chain")
    header = read_header(raw)
    assert (header["INSTMODE"], header["CALLAMP"], header["GRATING"]) == ("LENSLET", "ARGON", "4000-K")
    truth = Truth.read(truth_path)
    assert truth.raw_sha256 == digest
    assert truth.shift is not None
    assert 0 < np.abs(truth.shift).max() < 1
    assert truth.line_flux is not None
    assert truth.line_flux["FLUX"].max() == pytest.approx(3000, rel=0.5)
    assert truth.rate_scene.max() > 100


def test_the_spectrograph_as_built_is_told_once_for_each_mode(arcs, monkeypatch):
    run, scenario = arcs
    monkeypatch.setattr(simulate, "_load", lambda root: scenario)
    tasks = plan_as_built(run, scenario, 1)
    assert [task.name for task in tasks] == ["as-built", "as-built-spectrograph_KN3_4000-K_4mas_FINE_MASK"]
    (path,), _ = simulate.write_spectrograph(*tasks[1].arguments)
    told = SpectrographTruth.read(path)
    assert path == run.spectrograph(scenario.lenslet_modes[0])
    assert 0 < len(told.column) < 64


def test_effects_are_of_the_detector_or_of_the_optics():
    detector, optical = simulate._split_effects(["dark", "flexure", "read_noise", "ghost"])
    assert (detector, optical) == (["dark", "read_noise"], ["flexure", "ghost"])


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
