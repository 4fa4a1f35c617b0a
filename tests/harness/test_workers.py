"""Workers: never more than cores, and the death of one is told in a line."""

import os
import signal

import pytest

from iris_harness.progress import Progress
from iris_harness.stages import run_stages
from iris_harness.status import INTERRUPTED
from iris_harness.tasks import Task
from iris_harness.workers import THREAD_VARIABLES, WorkerKilledError, choose_jobs, count_cores, open_workers


@pytest.mark.parametrize("wanted", [None, 1])
def test_jobs_that_fit_are_silent(wanted):
    assert choose_jobs(wanted) == (wanted or count_cores(), "")


def test_more_jobs_than_cores_are_cut_and_said(monkeypatch):
    monkeypatch.setattr("iris_harness.workers.count_cores", lambda: 4)
    assert choose_jobs(4) == (4, "")
    assert choose_jobs(64) == (4, "64 jobs are more than the 4 cores here: running 4")


def test_a_run_says_so(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr("iris_harness.workers.count_cores", lambda: 1)
    (tmp_path / "thesis.txt").write_text("precious")  # ends the run at once
    with pytest.raises(Exception, match="not empty and not a run"):
        run_stages(tmp_path, load_quick(), jobs=3, quiet=True)
    assert capsys.readouterr().err == "iris-testbed: 3 jobs are more than the 1 core here: running 1\n"


def load_quick():
    """The scenario that ships."""
    from iris_harness.scenario import find_scenario, load_scenario

    return load_scenario(find_scenario("quick"))


def test_a_killed_worker_is_one_clear_line_with_the_status_of_an_interruption(tmp_path):
    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    deadly = [Task(f"die-{n}", "test", "signal:raise_signal", (int(signal.SIGKILL),), "key") for n in range(3)]
    with (
        pytest.raises(WorkerKilledError, match=r"worker process was killed.*same command again") as caught,
        open_workers(tmp_path, 2, Progress(quiet=True)) as workers,
    ):
        workers.run("die", deadly)
    assert caught.value.exit_status == INTERRUPTED
    assert "\n" not in str(caught.value)
    assert {name: os.environ.get(name) for name in THREAD_VARIABLES} == before
