"""The command line: exit statuses, one clear line for every mistake, nothing half-written."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from iris_contract.frames import Ramp
from iris_contract.scorecard import Scorecard, ScoreRow, write_scorecard
from iris_harness.cli import cli, main
from iris_harness.listings import abridge_metrics
from iris_harness.scenario import load_scenario
from iris_harness.stages import Outcome
from iris_harness.status import find_status
from iris_validators.parquet import write_samples


def run_command(capsys, *arguments):
    """Exit status, stdout and stderr of a command in this process."""
    code = 0
    try:
        main([str(a) for a in arguments])
    except SystemExit as stopped:
        code = int(stopped.code or 0)
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.parametrize(
    ("verdicts", "relaxed", "strict"),
    [
        (["PASS"], 0, 0),
        (["PASS", "FAIL"], 0, 1),
        (["PASS", "INCONCLUSIVE"], 0, 3),
        (["NOT_MEASURED"], 0, 3),
        (["NOT_APPLICABLE"], 0, 0),
        (["INCONCLUSIVE", "FAIL"], 0, 1),
        (["ERROR", "FAIL", "INCONCLUSIVE"], 4, 4),
    ],
)
def test_exit_status_and_its_precedence(verdicts, relaxed, strict):
    assert find_status(verdicts, strict=False) == relaxed
    assert find_status(verdicts, strict=True) == strict


@pytest.mark.parametrize(
    "arguments",
    [
        ["run", "nonsense"],
        ["run", "quick", "--nights", "0"],
        ["run", "quick", "--jobs", "x"],
        ["run"],
        ["frobnicate"],
        ["validate", "/nonexistent"],
        ["report", "/nonexistent"],
        ["calibrate", "/nonexistent"],
        ["crds", "build", "/nonexistent"],
        ["crds", "env", "/nonexistent"],
        ["metrics", "/nonexistent"],
    ],
    ids=" ".join,
)
def test_mistakes_give_status_2_and_no_traceback(capsys, tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    code, _, errors = run_command(capsys, *arguments)
    assert code == 2
    assert errors.strip()
    assert "Traceback" not in errors
    assert list(tmp_path.iterdir()) == []


def test_directory_that_is_not_a_run_is_left_alone(capsys, tmp_path):
    (tmp_path / "thesis.txt").write_text("precious")
    code, _, errors = run_command(capsys, "run", "quick", "--out", tmp_path)
    assert code == 2
    assert "not empty and not a run" in errors
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.txt"]


def test_out_that_is_a_file_is_refused(capsys, tmp_path):
    path = tmp_path / "file"
    path.write_text("x")
    code, _, errors = run_command(capsys, "run", "quick", "--out", path)
    assert code == 2
    assert str(path) in errors
    assert path.read_text() == "x"


def test_run_of_another_seed_is_refused(capsys, tmp_path):
    mark = {"schema": "iris-testbed/run/1", "scenario": "other", "seed": 1, "nights": 1}
    (tmp_path / "run.json").write_text(json.dumps(mark))
    code, _, errors = run_command(capsys, "run", "quick", "--out", tmp_path)
    assert code == 2
    assert "another scenario or seed" in errors


def test_directory_in_use_is_refused(capsys, tmp_path):
    import fcntl

    with (tmp_path / ".lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        code, _, errors = run_command(capsys, "run", "quick", "--out", tmp_path)
    assert code == 2
    assert "another run is using it" in errors


@pytest.mark.parametrize("command", ["scenarios", "algorithms", "metrics", "references"])
def test_lists_come_as_json_and_as_text(capsys, command):
    _, out, _ = run_command(capsys, command, "--json")
    rows = json.loads(out)
    assert rows
    assert len({tuple(row) for row in rows}) == 1
    _, text, _ = run_command(capsys, command)
    assert str(next(iter(rows[0].values()))) in text


def test_metrics_say_margin_and_power(capsys):
    _, out, _ = run_command(capsys, "metrics", "--json")
    for row in json.loads(out):
        if row["specification"] not in (
            "simulator.bad_pixels",
            "wavelength.pull_mean",
        ):  # which fail, and it is said so
            assert row["margin"] > 0, row  # every other specification is expected to be met
        assert 0 <= row["power_8_nights"] <= 1


def test_metrics_give_limits_as_numbers(capsys):
    _, out, _ = run_command(capsys, "metrics", "--json")
    rows = {row["specification"]: row for row in json.loads(out)}
    assert (rows["ramp.bias"]["limit_low"], rows["ramp.bias"]["limit_high"]) == (-0.01, 0.01)
    assert (rows["ramp.yield"]["limit_low"], rows["ramp.yield"]["limit_high"]) == (0.99, None)
    _, text, _ = run_command(capsys, "metrics")
    assert "None" not in text


def write_scores(run, *verdicts):
    """Scores of a run with a row for each (family, verdict)."""
    text = dict.fromkeys(("mode", "detector", "method", "reason", "provenance", "context", "seeds", "reproduce"), "")
    numbers = {"value": 0.12345, "low": 0.12, "high": 0.127, "limit_low": -0.2, "limit_high": 0.2, "nights": 8}
    place = {"algorithm": "mine", "setting": "chain", "condition": "rate=0.5", "scenario": "quick", "unit": "1"}
    none = {"goal_low": None, "goal_high": None, "goal_met": None, "n_excluded": 0, "artifacts": ()}
    rows = [
        ScoreRow(metric=f"{family}.x", requirement=f"{family}.x", family=family, verdict=verdict,
                 **text, **numbers, **place, **none)
        for family, verdict in verdicts
    ]  # fmt: skip
    (run / "scores").mkdir(parents=True)
    write_scorecard(run / "scores" / "scorecard.json", Scorecard({}, tuple(rows)))
    write_samples(run / "scores" / "samples.parquet", [])


def test_metrics_of_a_run_are_chosen_by_family_and_verdict(capsys, tmp_path):
    write_scores(tmp_path, ("ramp", "PASS"), ("ramp", "FAIL"), ("dark", "FAIL"), ("dark", "ERROR"))

    def choose(*options):
        code, out, errors = run_command(capsys, "metrics", tmp_path, "--json", *options)
        assert code == 0
        return [(row["family"], row["verdict"]) for row in json.loads(out)], errors

    assert choose("--family", "Ramp", "--verdict", "fail") == ([("ramp", "FAIL")], "1 of 4 rows\n")
    assert choose("--family", "ramp") == ([("ramp", "PASS"), ("ramp", "FAIL")], "2 of 4 rows\n")
    assert choose("--verdict", "FAIL") == ([("ramp", "FAIL"), ("dark", "FAIL")], "2 of 4 rows\n")
    assert choose("--family", "dark", "--verdict", "ERROR") == ([("dark", "ERROR")], "1 of 4 rows\n")
    assert choose("--family", "dark", "--family", "ramp", "--verdict", "PASS")[0] == [("ramp", "PASS")]
    assert choose("--family", "ipc") == ([], "0 of 4 rows\n")
    assert len(choose()[0]) == 4
    code, _, errors = run_command(capsys, "metrics", tmp_path, "--family", "nonsense")
    assert (code, "nonsense" in errors) == (2, True)


def test_metrics_of_a_run_fit_into_a_terminal(capsys, tmp_path):
    write_scores(tmp_path, ("ramp", "PASS"))
    _, out, _ = run_command(capsys, "metrics", tmp_path)
    head, line = out.splitlines()
    assert head.split()[:2] == ["verdict", "specification"]
    assert "0.123 ± 0.0035" in line
    assert "±0.2" in line
    assert len(head) <= 110


def test_verdicts_are_those_of_a_run(capsys):
    code, _, errors = run_command(capsys, "metrics", "--verdict", "FAIL")
    assert (code, "give RUN" in errors) == (2, True)


@pytest.mark.parametrize(
    ("value", "low", "high", "said"),
    [
        (0.12345, 0.12, 0.127, "0.123 ± 0.0035"),
        (-0.16, -0.36, 0.04, "-0.16 ± 0.2"),
        (0.0, -0.01, 0.01, "0 ± 0.01"),
        (1.234567, None, None, "1.235"),
        ("nan", None, None, "nan"),
        (1.0, 0.9, "inf", "1"),
        (None, None, None, ""),
        (1.0, 1.0, 1.0, "1 ± 0"),
        (1.0, 0.93, 1.0, "1 +0 -0.07"),  # a fraction
        (1.2, 0.8, 1.8, "1.2 +0.6 -0.4"),  # a ratio
    ],
)
def test_a_value_is_printed_to_the_digits_of_its_interval_which_need_not_be_symmetric(value, low, high, said):
    row = {"value": value, "low": low, "high": high, "limit_low": None, "limit_high": None}
    rest = ("verdict", "specification", "algorithm", "setting", "detector", "condition", "margin", "nights_for_99")
    (printed,) = abridge_metrics([{**row, **dict.fromkeys(rest)}])
    assert (printed["value"], printed["limits"]) == (said, "")


def test_the_detector_is_told_where_there_are_several(capsys, tmp_path):
    write_scores(tmp_path, ("ramp", "PASS"), ("dark", "PASS"))
    assert "detector" not in run_command(capsys, "metrics", tmp_path)[1]
    path = tmp_path / "scores" / "scorecard.json"
    path.write_text(path.read_text().replace('"detector": ""', '"detector": "IFU"', 1))
    head, first, second = run_command(capsys, "metrics", tmp_path)[1].splitlines()
    assert head.split()[4] == "detector"
    assert [line.split()[4] for line in (first, second)] == ["IFU", "-"]


@pytest.mark.parametrize("command", ["scenarios", "metrics"])
def test_lists_fit_into_a_terminal_of_100_columns(command):
    from iris_harness import listings
    from iris_harness.tables import format_table

    abridge = {"scenarios": "abridge_scenarios", "metrics": "abridge_specifications"}[command]
    rows = listings.describe_scenarios() if command == "scenarios" else listings.describe_metrics(None)
    assert max(map(len, format_table(getattr(listings, abridge)(rows), 100))) <= 100


def test_scenarios_say_where_their_files_are(capsys):
    _, out, _ = run_command(capsys, "scenarios", "--json")
    rows = json.loads(out)
    for row in rows:
        assert load_scenario(Path(row["file"])).name == row["name"]
    *_, last = run_command(capsys, "scenarios")[1].splitlines()
    assert last == f"files to copy from: {Path(rows[0]['file']).parent}/NAME.yaml"


def test_simulate_has_no_verdicts_to_be_strict_about(capsys):
    code, _, errors = run_command(capsys, "simulate", "quick", "--strict")
    assert code == 2
    assert "--strict" in errors


def test_check_tells_conforming_violating_and_unreadable_apart(capsys, tmp_path):
    import numpy as np

    path = tmp_path / "raw.fits"
    header = {"DETECTOR": "IMG1", "XSTART": 1, "YSTART": 1, "XSIZE": 2, "YSIZE": 2}
    Ramp(header, np.zeros((2, 2, 1, 2), np.uint16), np.array([[0.0, 1.0]])).write(path)
    code, out, _ = run_command(capsys, "check", path)
    assert code == 1
    assert all(line.startswith(f"{path}: ") for line in out.splitlines())
    bad = tmp_path / "bad.fits"
    bad.write_bytes(b"SIMPLE  = nonsense")
    code, _, errors = run_command(capsys, "check", path, bad)
    assert code == 2
    assert str(bad) in errors
    cut = tmp_path / "cut.fits"
    cut.write_bytes(path.read_bytes()[:-2880])
    code, _, errors = run_command(capsys, "check", cut)
    assert code == 2
    (line,) = errors.splitlines()
    assert line.startswith(f"iris-testbed: {cut}: not a readable FITS file, perhaps truncated: actual file length (")


def test_command_in_a_process_of_its_own_prints_one_line_per_mistake(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "iris_harness", "run", "nonsense"], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("iris-testbed: ")


def test_summaries_of_commands_are_not_cut():
    """As `--help` prints them in 80 columns."""
    for group in (cli, cli.commands["crds"]):
        for name, command in group.commands.items():
            assert not command.get_short_help_str(78 - 6 - len("references")).endswith("..."), name


def test_algorithms_of_families_that_judge_ramp_fitters_are_listed(capsys):
    _, out, _ = run_command(capsys, "algorithms", "--json")
    names = {}
    for row in json.loads(out):
        names.setdefault(row["family"], []).append(row["name"])
    assert names["jump"] == names["image"] == names["saturation"] == names["ramp"]


@pytest.mark.parametrize(
    ("name", "said"),
    [("README.md", "not a YAML file"), ("none.yaml", "no such scenario"), ("none", "no such scenario")],
)
def test_what_is_no_scenario_is_told_apart(capsys, tmp_path, monkeypatch, name, said):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "README.md").write_text("# Words")
    code, _, errors = run_command(capsys, "run", name)
    assert code == 2
    assert said in errors


@pytest.mark.parametrize(
    ("command", "nights", "blocks", "warned"),
    [("run", 2, None, True), ("run", 3, None, False), ("run", 2, 4, False), ("simulate", 2, None, False)],
)
def test_too_few_nights_for_an_interval_are_said_at_the_start(
    capsys, tmp_path, monkeypatch, command, nights, blocks, warned
):
    started = []
    monkeypatch.setattr("iris_harness.stages.run_stages", lambda *a, **k: started.append(k) or Outcome("done"))
    text = (Path(__file__).parent / "micro.yaml").read_text()
    scenario = tmp_path / "mine.yaml"
    scenario.write_text(f"{text}\nblocks: {blocks}\n" if blocks else text)
    code, _, errors = run_command(capsys, command, scenario, "--nights", nights)
    assert (code, [k["nights"] for k in started]) == (0, [nights])
    warning = "iris-testbed: warning: below 3 nights there is no interval: every verdict will be INCONCLUSIVE\n"
    assert errors == (warning if warned else "")


@pytest.mark.parametrize(("nights", "warned"), [(2, True), (3, False)])
def test_campaigns_say_so_too(capsys, tmp_path, monkeypatch, nights, warned):
    monkeypatch.setattr("iris_harness.campaign.run_campaign", lambda *a, **k: "page")
    code, out, errors = run_command(capsys, "campaign", "budget", "--out", tmp_path, "--nights", nights)
    assert (code, out) == (0, "page\n")
    assert ("below 3 nights" in errors) is warned


def test_check_counts_the_files_that_conform(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("iris_contract.check.check_file", lambda path: ["bad"] if path.name == "bad" else [])
    assert run_command(capsys, "check", "a", "b", "c") == (0, "3 files conform\n", "")
    assert run_command(capsys, "check", "a") == (0, "1 file conforms\n", "")
    assert run_command(capsys, "check", "a", "bad") == (1, "bad: bad\n", "")
