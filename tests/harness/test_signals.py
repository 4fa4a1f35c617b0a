"""Signals end a command and its workers, with one line and a status that tells which it was."""

import os
import signal
import subprocess
import sys

import pytest

from iris_harness.signals import Stopped, catch_signals, hold_signals

RUN = """
import signal
import sys
from pathlib import Path

from iris_harness import cli, stages
from iris_harness.progress import Progress
from iris_harness.tasks import Task
from iris_harness.workers import open_workers

def work(root, *args, **kwargs):
    with open_workers(Path(root), 2, Progress(quiet=True)) as workers:
        workers.run("start", [Task(f"start-{n}", "test", "locks:work", (), "key") for n in range(4)])
        print("ready", flush=True)
        workers.run("sleep", [Task("sleep", "test", "time:sleep", (600,), "key")])  # the other worker is idle

stages.run_stages = work
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # or what runs the tests under nohup decides
cli.main(["simulate", "quick", "--out", sys.argv[1]])
"""

LOCKS = """
import multiprocessing

LOCK = multiprocessing.Lock()  # as crds makes one

def work():
    return [], None
"""


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [
        (signal.SIGTERM, 143, "iris-testbed: ended by SIGTERM; give the same command again to go on\n"),
        (signal.SIGHUP, 129, "iris-testbed: ended by SIGHUP; give the same command again to go on\n"),
        (signal.SIGKILL, -signal.SIGKILL, None),  # nobody is left to say anything, or to say nothing
    ],
)
def test_workers_end_with_the_command_so_that_a_pipe_from_it_does(tmp_path, number, code, said):
    """Its workers hold the other ends of both pipes, whose reading ends with the last; nothing is said of locks."""
    (tmp_path / "locks.py").write_text(LOCKS)
    process = subprocess.Popen(
        [sys.executable, "-c", RUN, str(tmp_path / "run")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    try:
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == code
    assert said is None or errors == said


def test_what_is_ignored_stays_ignored():
    """As SIGHUP is under nohup."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with catch_signals(), hold_signals():
            signal.raise_signal(signal.SIGHUP)
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_signal_that_is_held_comes_afterwards():
    done = []

    def hold():
        with catch_signals():
            with hold_signals():
                signal.raise_signal(signal.SIGTERM)
                done.append("all")
            done.append("more")

    with pytest.raises(Stopped, match="SIGTERM"):
        hold()
    assert done == ["all"]
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
