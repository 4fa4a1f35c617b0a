"""The commands of stpipe, run as a user would."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from iris_reduction import run_level1
from iris_reduction.steps import get_steps

BIN = Path(sys.executable).parent


@pytest.fixture
def run(tmp_path):
    def call(*words):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("CRDS_")} | {"CRDS_PATH": "nowhere"}
        command = [str(BIN / words[0]), *map(str, words[1:])]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    return call


def test_strun_gives_what_the_function_gives(run, night, references, tmp_path):
    options = [
        f"--steps.{step}.override_{kind}={references[kind]}"
        for step, kind in (("mask", "mask"), ("ramp_fit", "gain"), ("ramp_fit", "readnoise"))
    ]
    done = run("strun", "level1", night.raw["science"], *options)
    assert done.returncode == 0, done.stderr
    product = tmp_path / night.raw["science"].name.replace("LVL0", "LVL1")
    expected = run_level1(night.raw["science"], tmp_path / "expected", overrides=references)
    assert product.read_bytes() == expected.read_bytes()


def test_strun_refuses_bad_input_in_words(run, night, tmp_path):
    (tmp_path / "cut.fits").write_bytes(night.raw["science"].read_bytes()[:20000])
    done = run("strun", "level1", "cut.fits")
    assert done.returncode == 2
    assert "Traceback" not in done.stdout + done.stderr
    assert "cut.fits: not a readable FITS file" in done.stdout + done.stderr
    assert len((done.stdout + done.stderr).splitlines()) < 10
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cut.fits"]


def test_strun_refuses_parameters_in_one_line(run, night, tmp_path):
    done = run("strun", "level1", night.raw["science"], "--steps.ramp_fit.fitter=best")
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert "'steps/ramp_fit/fitter': the value \"best\" is unacceptable. See strun level1 --help" in line


def test_strun_wants_a_file(run):
    done = run("strun", "level1")
    assert done.returncode == 2
    assert "Traceback" not in done.stdout + done.stderr
    assert "needs an input file" in done.stdout


def test_verbose_tells_all_parameters(run, night, tmp_path):
    (tmp_path / "cut.fits").write_bytes(night.raw["science"].read_bytes()[:20000])
    done = run("strun", "saturation", "cut.fits", "--verbose")
    assert "SaturationStep instance created" in done.stderr
    assert "level: None" in done.stderr


def test_stpipe_lists_everything(run):
    done = run("stpipe", "list")
    assert done.returncode == 0
    for path, alias, _ in get_steps():
        assert f"{path} ({alias})" in done.stdout
