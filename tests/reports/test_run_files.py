"""Reading a run directory: what may be absent, and what is refused in one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from iris_contract.errors import InputError
from iris_contract.scorecard import Scorecard, write_scorecard
from iris_reports.run_files import load_run


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A run with an empty scorecard and nothing else."""
    write_scorecard(tmp_path / "scores" / "scorecard.json", Scorecard({"scenario": "bare"}, ()))
    return tmp_path


def test_only_the_scorecard_is_needed(bare: Path) -> None:
    run = load_run(bare)
    assert run.controls is None
    assert (run.samples, run.manifest, run.provenance, run.timings) == ((), (), {}, {})


def test_a_missing_scorecard_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"scorecard\.json.*no such file"):
        load_run(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("scores/controls.json", "{", "not readable as JSON"),
        ("scores/controls.json", '{"schema": "other"}', "expected iris-testbed/controls/1"),
        ("scores/controls.json", '{"schema": "iris-testbed/controls/1", "controls": 3}', "must be a list"),
        ("scores/controls.json", '{"schema": "iris-testbed/controls/1", "controls": [{}]}', "control 1"),
        ("scores/samples.parquet", "nonsense", "not readable as samples"),
        ("provenance.json", "[]", "expected iris-testbed/provenance/1"),
        ("timings.json", "\udcff", "not readable as JSON"),
        ("manifest.json", "{}", "expected iris-testbed/manifest/1"),
    ],
)
def test_broken_files_are_refused_in_one_line(bare: Path, name: str, content: str, message: str) -> None:
    (bare / name).write_text(content, "utf-8", errors="surrogateescape")
    with pytest.raises(InputError, match=message) as caught:
        load_run(bare)
    assert "\n" not in str(caught.value)
    assert Path(name).name in str(caught.value)


def test_controls_are_read(build_run: Callable[..., Path]) -> None:
    controls = load_run(build_run()).controls
    assert controls is not None
    assert [control.held for control in controls] == [True, True, False]
    assert controls[0].unmoved == ("ramp.bias",)
