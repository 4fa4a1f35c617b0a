"""One small run of every stage, shared by the tests that look at it."""

import shutil
from pathlib import Path

import pytest

from iris_harness.scenario import load_scenario
from iris_harness.stages import run_stages

MICRO = Path(__file__).parent / "micro.yaml"
TWO = Path(__file__).parent / "two.yaml"


@pytest.fixture(scope="session")
def micro_run(tmp_path_factory):
    """A finished run of micro.yaml in this process; tests must not change it."""
    root = tmp_path_factory.mktemp("micro") / "run"
    run_stages(root, load_scenario(MICRO), jobs=1, quiet=True)
    return root


@pytest.fixture(scope="session")
def two_run(tmp_path_factory):
    """A finished run of two.yaml, of two detectors, in this process; tests must not change it."""
    root = tmp_path_factory.mktemp("two") / "run"
    run_stages(root, load_scenario(TWO), jobs=1, quiet=True)
    return root


@pytest.fixture
def micro_copy(micro_run, tmp_path):
    """A copy of the finished run that a test may break."""
    root = tmp_path / "run"
    shutil.copytree(micro_run, root)
    return root
