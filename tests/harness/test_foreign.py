"""Products of another pipeline: scored, refused where their labels are wrong, and what is missing is said."""

import json
import re
import shutil
from hashlib import sha256
from pathlib import Path

import pytest
from astropy.io import fits

from iris_contract.scorecard import read_scorecard
from iris_harness.cli import main
from iris_harness.foreign import score_foreign
from iris_harness.status import DONE, USAGE, VERDICT_ERROR

GUIDE = Path(__file__).parents[2] / "docs" / "score_your_pipeline.md"
FEW = "iris-testbed: warning: below 3 nights there is no interval: every verdict will be INCONCLUSIVE\n"
pytestmark = pytest.mark.xdist_group("micro")


def run_command(*arguments):
    """Exit status of a command in this process."""
    with pytest.raises(SystemExit) as stopped:
        main([str(a) for a in arguments])
    return int(stopped.value.code or 0)


@pytest.fixture
def scored(micro_run, tmp_path):
    """The finished run, whose extra scores are taken away afterwards."""
    before = set((micro_run / "scores").iterdir())
    yield micro_run
    for path in set((micro_run / "scores").iterdir()) - before:
        shutil.rmtree(path)
    for path in micro_run.glob("mine*.json"):
        path.unlink()


@pytest.fixture
def rows(micro_run):
    """Manifest rows of the ramps that `gls` fitted, as if another pipeline had."""
    content = json.loads((micro_run / "manifest.json").read_text())
    fitted = [row for row in content["rows"] if (row["family"], row["algorithm"]) == ("ramp", "gls")]
    return [{**row, "algorithm": "mine"} for row in fitted]


def write(run, rows, name="mine.json"):
    """A manifest in the run directory."""
    path = run / name
    path.write_text(json.dumps({"schema": "iris-testbed/manifest/1", "rows": rows}))
    return path


def test_hand_written_manifest_is_scored(scored, rows, capsys):
    assert run_command("validate", scored, "--manifest", write(scored, rows)) == DONE
    card = read_scorecard(scored / "scores" / "mine" / "scorecard.json")
    own = read_scorecard(scored / "scores" / "scorecard.json")
    mine = [(r.requirement, r.setting, r.condition, r.value) for r in card.rows if r.family == "ramp"]
    assert mine == [
        (r.requirement, r.setting, r.condition, r.value)
        for r in own.rows
        if r.algorithm == "gls" and r.family == "ramp"
    ]
    assert {r.algorithm for r in card.rows if r.family == "ramp"} == {"mine"}
    assert {r.reproduce for r in card.rows} == {"iris-testbed validate . --manifest mine.json"}
    out, errors = capsys.readouterr()
    assert "verdicts" in out
    assert "NOT_MEASURED of families that the manifest does not touch: jump, dark, image\n" in out
    assert errors == FEW  # nothing is missing


def test_what_the_manifest_leaves_out_is_said(scored, rows, capsys):
    alone = [row for row in rows if row["setting"] == "alone" and row["night"] == 1]
    assert run_command("validate", scored, "--manifest", write(scored, alone)) == DONE
    said = "ramp, mine, alone: the manifest has 1 of 2 nights, 1 of 2 ladder exposures of the run"
    assert capsys.readouterr().err == f"{FEW}iris-testbed: warning: {said}\n"
    card = read_scorecard(scored / "scores" / "mine" / "scorecard.json")
    assert card.run["incomplete"] == [said]
    assert {(r.nights, r.n_excluded) for r in card.rows if r.algorithm == "mine"} == {(1, 1)}


WRONG = [
    ({"setting": "chain"}, "setting='chain'", "is of the setting alone"),
    ({"night": 2}, "night=2", "is of night 1"),
    ({"night": 3}, "night=3", "the run has 2 nights"),
    ({"exposure": "sky"}, "exposure='sky'", "is of the role ladder"),
    ({"family": "telluric"}, "family='telluric'", "no such family; choose ramp"),
    ({"family": "dark"}, "model='RateModel'", "the family dark judges DarkModel"),
    ({"model": "ImagerModel"}, "model='ImagerModel'", "the family ramp judges RateModel"),
    ({"raw": ["raw/elsewhere.fits"]}, "raw=", "not the path of a raw file of this run"),
    ({"truth": "truth/as_built/IMG1.fits"}, "truth=", "the truth of raw/alone/001/"),
]


@pytest.mark.parametrize(("change", "key", "problem"), WRONG, ids=[w[2] for w in WRONG])
def test_wrong_labels_are_refused_with_row_key_and_value(scored, rows, capsys, change, key, problem):
    rows.sort(key=lambda row: (row["setting"], row["night"]))
    path = write(scored, [rows[1], {**rows[0], **change}])
    assert run_command("validate", scored, "--manifest", path) == USAGE
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"iris-testbed: {path}: {key}")
    assert "row 2: " in line
    assert problem in line
    assert not (scored / "scores" / "mine").exists()


def test_setting_of_a_calibration_is_that_of_its_raw_files(scored, capsys):
    rows = json.loads((scored / "manifest.json").read_text())["rows"]
    dark = next(row for row in rows if row["family"] == "dark" and row["setting"] == "alone")
    path = write(scored, [{**dark, "setting": "chain"}])
    assert run_command("validate", scored, "--manifest", path) == USAGE
    assert "is of the setting alone" in capsys.readouterr().err


def test_empty_list_and_duplicates_are_refused(scored, rows, capsys):
    assert run_command("validate", scored, "--manifest", write(scored, [])) == USAGE
    assert "lists no product" in capsys.readouterr().err
    assert run_command("validate", scored, "--manifest", write(scored, [rows[0], rows[0]])) == USAGE
    assert "row 2: the same exposure or product stands twice" in capsys.readouterr().err


def spell_differently(rows):
    return [rows[0], {**rows[1], "product": rows[0]["product"].replace("products/", "products/./")}]


def repeat_raw(rows):
    return [rows[0], {**rows[1], "raw": rows[1]["raw"] * 2, "raw_sha256": rows[1]["raw_sha256"] * 2}]


def copy_product(rows):
    return [rows[0], {**rows[0], "product": rows[0]["product"] + ".copy"}]


@pytest.mark.parametrize(
    ("cheat", "said"),
    [
        (spell_differently, "the same exposure or product stands twice"),
        (repeat_raw, "an image has one raw file"),
        (copy_product, "the same exposure or product stands twice"),
    ],
)
def test_nothing_can_be_counted_twice(scored, rows, capsys, cheat, said):
    """It would shrink the interval of what is counted, and pass what is not decided."""
    path = write(scored, cheat(rows))
    assert run_command("validate", scored, "--manifest", path) == USAGE
    (line,) = capsys.readouterr().err.splitlines()
    assert f"row 2: {said}" in line


@pytest.mark.parametrize("raws", [slice(None), slice(0, 1), slice(None, None, -1)], ids=["all", "first", "reversed"])
def test_one_reference_of_a_night_is_one(scored, capsys, raws):
    rows = json.loads((scored / "manifest.json").read_text())["rows"]
    flat = next(row for row in rows if row["family"] == "flat" and row["setting"] == "alone")
    more = {"product": flat["product"] + ".copy", "raw": flat["raw"][raws], "raw_sha256": flat["raw_sha256"][raws]}
    assert run_command("validate", scored, "--manifest", write(scored, [flat, flat | more])) == USAGE
    assert "row 2: the same exposure or product stands twice" in capsys.readouterr().err


def test_a_reference_is_made_of_each_raw_file_once(scored, capsys):
    rows = json.loads((scored / "manifest.json").read_text())["rows"]
    flat = next(row for row in rows if row["family"] == "flat" and row["setting"] == "alone")
    twice = {key: flat[key] * 2 for key in ("raw", "raw_sha256")}
    assert run_command("validate", scored, "--manifest", write(scored, [flat | twice])) == USAGE
    assert "a raw file stands twice" in capsys.readouterr().err


def test_products_that_cannot_be_compared_are_errors_of_their_algorithm(scored, rows):
    broken = [{**row, "algorithm": "broken", "product_sha256": "0" * 64} for row in rows]
    assert run_command("validate", scored, "--manifest", write(scored, [*broken[:1], *rows[1:]])) == VERDICT_ERROR
    card = read_scorecard(scored / "scores" / "mine" / "scorecard.json")
    errors = [r for r in card.rows if r.verdict == "ERROR"]
    assert {r.algorithm for r in errors} == {"broken"}
    assert {r.requirement for r in errors} == {"ramp.bias", "ramp.pull_width"}
    assert all("another hash" in r.reason for r in errors)


def test_a_product_that_is_not_there_is_said_to_be_missing(scored, rows):
    """Not to have another hash: there is none to compare."""
    lost = [{**row, "algorithm": "lost", "product": f"products/lost/{n}.fits"} for n, row in enumerate(rows)]
    assert run_command("validate", scored, "--manifest", write(scored, [*lost[:1], *rows[1:]])) == VERDICT_ERROR
    card = read_scorecard(scored / "scores" / "mine" / "scorecard.json")
    reasons = {r.reason for r in card.rows if r.verdict == "ERROR"}
    assert len(reasons) == 1
    assert "products/lost/0.fits: the product is missing" in reasons.pop()


def test_negative_errors_are_an_error_that_names_file_and_plane(scored, rows, tmp_path):
    product = f"products/mine-{tmp_path.name}.fits"
    with fits.open(scored / rows[0]["product"], memmap=False) as hdus:
        hdus["ERR"].data[5, 7] *= -1
        hdus.writeto(scored / product)
    digest = sha256((scored / product).read_bytes()).hexdigest()
    mine = [{**rows[0], "product": product, "product_sha256": digest}]
    try:
        assert run_command("validate", scored, "--manifest", write(scored, mine)) == VERDICT_ERROR
    finally:
        (scored / product).unlink()
    card = read_scorecard(scored / "scores" / "mine" / "scorecard.json")
    reasons = {r.reason for r in card.rows if r.verdict == "ERROR"}
    assert len(reasons) == 1
    assert (
        f"{product}: HDU ERR must hold standard deviations: 1 of 4096 are negative, the first one at (5, 7)"
        in reasons.pop()
    )


def test_the_run_s_own_manifest_leaves_the_run_s_scores_alone(scored):
    own = {p: p.read_bytes() for p in (scored / "scores").iterdir() if p.is_file()}
    score = score_foreign(scored, scored / "manifest.json")
    assert score.folder == scored / "scores" / "manifest"
    assert score.report == score.folder / "report" / "index.html"
    assert "scores manifest" in score.report.read_text()
    assert {p: p.read_bytes() for p in own} == own
    assert len(score.scorecard.rows) == len(read_scorecard(scored / "scores" / "scorecard.json").rows)


@pytest.mark.parametrize("name", ["scorecard.json.json", "..json", "a b.json"])
def test_names_that_could_hit_the_run_s_own_scores_are_refused(scored, rows, capsys, name):
    path = write(scored, rows, name)
    try:
        assert run_command("validate", scored, "--manifest", path) == USAGE
    finally:
        path.unlink()
    assert "rename it" in capsys.readouterr().err


def test_the_guide_s_program_does_what_it_says(micro_run, rows, tmp_path, monkeypatch, capsys):
    run = tmp_path / "runs" / "quick"
    shutil.copytree(micro_run, run)
    for row in rows:
        mine = run / "products" / "mine" / row["setting"] / f"{row['night']:03d}" / Path(row["product"]).name
        mine.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(run / row["product"], mine)
    (program,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(compile(program, str(GUIDE), "exec"), {})
    listed = json.loads((run / "mine.json").read_text())["rows"]
    assert {row["product_sha256"] for row in listed} == {row["product_sha256"] for row in rows}
    assert sha256((run / listed[0]["product"]).read_bytes()).hexdigest() == listed[0]["product_sha256"]
    (command,) = re.findall(r"^iris-testbed (validate .*)$", GUIDE.read_text(), re.MULTILINE)
    assert run_command(*command.split()) == DONE
    assert {r.algorithm for r in read_scorecard(run / "scores/mine/scorecard.json").rows if r.family == "ramp"} == {
        "mydrs"
    }
    assert "warning" not in capsys.readouterr().err.replace(FEW, "")
