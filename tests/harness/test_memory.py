"""How many processes of a size may run at once."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iris_contract import Subarray
from iris_contract.errors import InputError
from iris_harness import stages
from iris_harness.memory import check_memory, estimate_peak, limit_jobs, measure_memory
from iris_harness.scenario import find_scenario, load_scenario


@given(st.integers(1, 64), st.floats(1e8, 1e11), st.integers(1, 64), st.floats(1e9, 1e12))
def test_what_runs_at_once_fits(jobs, peak, cores, available):
    """Never more than asked for, never none; more than one only where all fit."""
    fitting, line = limit_jobs(jobs, peak, cores, available)
    assert 1 <= fitting <= jobs
    assert fitting == 1 or fitting * peak <= available
    assert bool(line) == (fitting < jobs or peak > available)


def test_a_full_frame_needs_what_was_measured():
    """20 reads of 4096 x 4096: 4.5 GB measured (`benchmarks/chain.py`); the estimate is not below, nor twice that."""
    scenario = load_scenario(find_scenario("imager-full"))
    ladder = replace(scenario, exposures={"ladder": scenario.exposures["ladder"]})
    assert 4.5e9 <= estimate_peak(ladder) < 6e9
    assert estimate_peak(scenario) < 8e9
    small = replace(scenario, region=Subarray(1, 1, 512, 256))
    assert estimate_peak(small) < 1e9


def test_memory_is_a_number():
    total, available = measure_memory()
    assert 1e8 < available <= total


def test_one_process_that_does_not_fit_is_refused_in_one_line():
    check_memory(4e9, 4e9)
    with pytest.raises(InputError, match=r"one process needs up to 5\.0 GB, and there are 4\.0 GB") as caught:
        check_memory(5e9, 4e9)
    assert caught.value.exit_status == 2
    assert "\n" not in str(caught.value)


def test_a_run_stops_before_anything_is_made_where_one_process_does_not_fit(tmp_path, monkeypatch):
    monkeypatch.setattr(stages, "measure_memory", lambda: (1e8, 1e8))
    with pytest.raises(InputError, match=r"needs up to .* there are 0\.1 GB"):
        stages.run_stages(tmp_path / "run", load_scenario(find_scenario("quick")), quiet=True)
    assert not (tmp_path / "run").exists()


def test_memory_that_others_hold_is_said_and_does_not_stop_the_run():
    """What is there, but in use, may become free: one job, with a warning."""
    assert limit_jobs(1, 6e9, 2, 5e9) == (
        1,
        "one process needs up to 6.0 GB, of which 5.0 GB are free: running 1 job with 2 threads",
    )


def test_each_exposure_counts_with_its_own_region():
    two = load_scenario(Path(__file__).parent / "two.yaml")
    imager = replace(two, exposures={r: s for r, s in two.exposures.items() if s.detector == "IMG1"})
    assert estimate_peak(two) == estimate_peak(imager)  # its region is the larger one, for the same reads
    wide = replace(two, spectrograph=replace(two.spectrograph, region=Subarray(2049, 1, 480, 400)))
    assert estimate_peak(wide) > estimate_peak(imager) + 480 * 400 * 32 * 2
