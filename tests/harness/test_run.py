"""The whole product on one small scenario: what a run leaves, and what it promises about it."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from iris_contract.check import check_file
from iris_contract.errors import LayoutError
from iris_contract.fitsio import open_fits
from iris_contract.keywords import load_keywords
from iris_contract.manifest import read_manifest
from iris_contract.scorecard import read_scorecard
from iris_harness.cli import main
from iris_harness.run_directory import open_run
from iris_harness.scenario import load_scenario
from iris_harness.stages import run_stages
from iris_harness.status import DONE, INTERRUPTED, USAGE
from iris_harness.workers import count_cores

MICRO = Path(__file__).parent / "micro.yaml"
PROMISED = ("raw", "truth", "products", "crds", "crds-initial", "crds-oracle", "scores", "report", "manifest.json")
pytestmark = pytest.mark.xdist_group("micro")


def hash_tree(root: Path) -> dict[str, str]:
    """SHA-256 of every file whose bytes are promised."""
    files = [p for name in PROMISED for p in ([root / name] if (root / name).is_file() else (root / name).rglob("*"))]
    # the lock is empty; the others show timings.json and provenance.json, which are exempt
    exempt = {"delivery.lock", "provenance.html", "timings.svg", "timings.csv"}
    return {
        p.relative_to(root).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in files
        if p.is_file() and p.name not in exempt
    }


def run_command(*arguments: object) -> int:
    """Exit status of `iris-testbed ARGUMENTS` in this process."""
    with pytest.raises(SystemExit) as stopped:
        main([str(a) for a in arguments])
    return int(stopped.value.code or 0)


def test_every_file_follows_its_layout(micro_run):
    files = [p for name in ("raw", "truth", "products") for p in (micro_run / name).rglob("*.fits")]
    assert len(files) > 80
    assert {p.name: check_file(p) for p in files if check_file(p)} == {}


def test_raw_files_betray_no_truth(micro_run):
    known = set(load_keywords())
    for path in (micro_run / "raw").rglob("*.fits"):
        with open_fits(path) as hdus:
            assert [hdu.name for hdu in hdus] == ["PRIMARY", "DATA", "TIMES"]
            cards = dict(hdus[0].header.items())
        assert set(cards) - known <= {"SIMPLE", "BITPIX", "NAXIS", "EXTEND"}
        text = " ".join(map(str, cards.values())).lower()
        assert not [word for word in ("ladder", "truth", "seed", "cosmic", "uniform") if word in text]


def test_products_of_every_setting_family_and_algorithm_are_in_the_manifest(micro_run):
    rows = read_manifest(micro_run / "manifest.json")
    assert {(r.family, r.algorithm) for r in rows} == {
        ("gain", "photon_transfer"),
        ("read_noise", "differences"),
        ("bad_pixel", "class_limits"),
        ("dark", "ramp_mean"),
        ("flat", "lamp_on_off"),
        ("ramp", "ols"),
        ("ramp", "gls"),
        ("image", "gls"),
    }
    for row in rows:
        assert hashlib.sha256(row.path(micro_run).read_bytes()).hexdigest() == row.product_sha256
        assert row.path(micro_run, "truth").is_file()


def test_each_night_uses_its_own_references(micro_run):
    rows = read_manifest(micro_run / "manifest.json")
    images = {r.night: r for r in rows if r.family == "image" and r.setting == "chain"}
    assert set(images) == {1, 2}
    for kind in ("dark", "flat", "gain", "mask", "readnoise"):
        delivered = {}
        for row in rows:
            if row.setting == "chain" and row.exposure == kind:
                delivered[row.night] = row.product_sha256
        for night, image in images.items():
            found = next((micro_run / "crds" / "references").rglob(image.references[kind]))
            assert hashlib.sha256(found.read_bytes()).hexdigest() == delivered[night], (kind, night)


def test_products_record_context_and_references(micro_run):
    for row in read_manifest(micro_run / "manifest.json"):
        if row.family in ("ramp", "image"):
            assert row.context.endswith(".pmap")
            assert {"gain", "readnoise", "mask"} <= set(row.references)


def test_scorecard_reads_back_and_undecided_is_said(micro_run):
    scorecard = read_scorecard(micro_run / "scores" / "scorecard.json")
    verdicts = {row.metric: row.verdict for row in scorecard.rows}
    assert verdicts["jump.completeness"] == "NOT_MEASURED"  # required, but no family of micro measures it
    assert verdicts["ramp.bias"] == "INCONCLUSIVE"  # two nights give no interval
    assert not {row.verdict for row in scorecard.rows} & {"ERROR"}


def test_a_private_scenario_is_reproduced_from_its_copy_in_the_run(micro_run):
    rows = read_scorecard(micro_run / "scores" / "scorecard.json").rows
    assert {row.reproduce for row in rows} == {"iris-testbed run scenario.yaml --seed 11 --nights 2"}
    assert load_scenario(micro_run / "scenario.yaml").text == MICRO.read_text()


def test_wrong_detector_is_refused_by_selection(micro_run):
    controls = json.loads((micro_run / "scores" / "controls.json").read_text())["controls"]
    refused = [c for c in controls if c["specification"] == "crds.select"]
    assert [c["held"] for c in refused] == [True]
    assert "IMG2" in refused[0]["reason"]


def test_two_nights_leave_controls_undecided_and_nothing_behind(micro_run):
    controls = json.loads((micro_run / "scores" / "controls.json").read_text())["controls"]
    injected = [c for c in controls if c["specification"] != "crds.select"]
    assert len(injected) >= 5
    assert {c["outcome"] for c in injected} == {"undecided"}
    assert all("INCONCLUSIVE" in c["reason"] or "NOT_MEASURED" in c["reason"] for c in injected)
    assert not (micro_run / "controls").exists()


def test_two_jobs_give_the_same_bytes(micro_run, tmp_path):
    run_stages(tmp_path / "run", load_scenario(MICRO), jobs=2, quiet=True)
    first, second = hash_tree(micro_run), hash_tree(tmp_path / "run")
    assert set(first) == set(second)
    assert [name for name in first if first[name] != second[name]] == []


def test_reduction_without_truth_gives_the_same_bytes(micro_run, micro_copy):
    from iris_harness.reduce import reduce_night

    shutil.rmtree(micro_copy / "truth")
    rows = read_manifest(micro_run / "manifest.json")
    wanted = {r.product: r.product_sha256 for r in rows if r.family in ("ramp", "image") and r.night == 1}
    shutil.rmtree(micro_copy / "products")
    for setting in ("alone", "chain"):
        for family, algorithm in (("ramp", "ols"), ("ramp", "gls"), ("image", "gls")):
            mine = [r for r in rows if (r.setting, r.family, r.algorithm, r.night) == (setting, family, algorithm, 1)]
            items = [(r.exposure, r.raw[0], r.truth) for r in mine]
            _, content = reduce_night(micro_copy, setting, family, algorithm, 1, items, {})
            for row in content["rows"]:
                assert row["product_sha256"] == wanted.pop(row["product"])
    assert wanted == {}


@pytest.mark.parametrize("setting", ["alone", "chain"])
def test_calibration_without_truth_gives_the_same_bytes(micro_run, micro_copy, setting):
    """Nor does the chain need the oracle: its cache is away too."""
    from iris_harness.calibrate import CALIBRATIONS, Group, calibrate_night
    from iris_harness.matching import find_match

    for name in ("truth", "products", "crds", *(["crds-oracle"] if setting == "chain" else [])):
        shutil.rmtree(micro_copy / name)
    rows = [r for r in read_manifest(micro_run / "manifest.json") if (r.setting, r.night) == (setting, 1)]
    mine = {r.family: r for r in rows if r.family in CALIBRATIONS}
    exposures = load_scenario(MICRO).exposures
    plan = [
        Group(family, (mine[family].algorithm,), find_match(kind, exposures["dark"]), files, micro_copy)
        for family, (kind, _) in CALIBRATIONS.items()
        if family in mine and (files := tuple(micro_copy / raw for raw in mine[family].raw))
    ]
    _, made = calibrate_night(micro_copy, setting, 1, plan, {})
    assert {r["product"]: r["product_sha256"] for r in made["rows"]} == {
        r.product: r.product_sha256 for r in mine.values()
    }
    assert len(made["rows"]) == len(mine) == 5


def test_nothing_of_the_chain_names_the_oracle(micro_run, micro_copy, caplog):
    """Neither by its folder nor by a reference that only its cache holds; nor while it is made."""
    rows = [r for r in read_manifest(micro_run / "manifest.json") if r.setting == "chain"]
    own = {p.name for p in (micro_run / "crds").rglob("*.fits")} | {Path(r.product).name for r in rows}
    for row in rows:
        assert set(row.references.values()) <= own
        assert "oracle" not in str(row)
    made = [*(micro_run / "products" / "chain").rglob("*.fits"), *(micro_run / "crds").rglob("*.fits")]
    assert len(made) > 20
    for path in made:
        with open_fits(path) as hdus:
            assert not [card for hdu in hdus for card in hdu.header.cards if "oracle" in str(card).lower()]
    for name in ("chain", "deliver-initial"):
        records = [p for p in (micro_run / "log" / "tasks").glob("*.json") if name in p.name]
        assert records
        assert not [p.name for p in records if "oracle" in p.read_text()]
    shutil.rmtree(micro_copy / "products" / "chain")
    with caplog.at_level("DEBUG"):
        run_stages(micro_copy, load_scenario(MICRO), until="reduce", jobs=1, quiet=True)
    assert "oracle" not in caplog.text
    assert caplog.text


def test_alone_calibrations_select_from_the_oracle_by_crds(micro_run):
    rows = [r for r in read_manifest(micro_run / "manifest.json") if (r.setting, r.exposure) == ("alone", "dark")]
    assert rows
    for row in rows:
        assert row.context.endswith(".pmap")
        assert set(row.references) == {"gain", "mask", "readnoise"}
        held = {p.name for p in (micro_run / "crds-oracle").rglob("*.fits")}
        assert set(row.references.values()) <= held


def test_a_second_run_does_nothing_again(micro_copy):
    before = {p: p.stat().st_mtime_ns for p in (micro_copy / "products").rglob("*.fits")}
    run_stages(micro_copy, load_scenario(MICRO), until="reduce", jobs=1, quiet=True)
    assert {p: p.stat().st_mtime_ns for p in (micro_copy / "products").rglob("*.fits")} == before


def test_a_lost_or_damaged_product_is_made_again(micro_run, micro_copy):
    rows = [r for r in read_manifest(micro_run / "manifest.json") if r.family == "image"]
    rows[0].path(micro_copy).unlink()
    rows[1].path(micro_copy).write_bytes(b"damaged")
    run_stages(micro_copy, load_scenario(MICRO), until="reduce", jobs=1, quiet=True)
    for row in rows:
        assert hashlib.sha256(row.path(micro_copy).read_bytes()).hexdigest() == row.product_sha256


def interrupt(process):
    os.killpg(process.pid, signal.SIGINT)


def listen():
    """Let the child be interrupted where the tests themselves run in the background, whose children ignore it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def kill_a_worker(process):
    """What the system does where memory is short."""
    for child in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
        if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes():
            os.kill(int(child), signal.SIGKILL)
            return


def test_a_small_region_alone_needs_no_delivery_and_draws_no_warning(tmp_path, recwarn):
    import yaml

    tree = yaml.safe_load(MICRO.read_text())
    tree["region"] |= {"xsize": 20, "ysize": 20}
    for family in tree["families"].values():
        family["settings"] = ["alone"]
    path = tmp_path / "alone.yaml"
    path.write_text(yaml.safe_dump(tree))
    run_stages(tmp_path / "run", load_scenario(path), nights=1, jobs=1, quiet=True)
    rows = read_manifest(tmp_path / "run" / "manifest.json")
    assert {row.setting for row in rows} == {"alone"}
    assert {row.family for row in rows} == set(tree["families"])
    assert not list((tmp_path / "run" / "crds").rglob("*.fits"))
    assert [str(w.message) for w in recwarn if issubclass(w.category, RuntimeWarning)] == []


def test_stage_commands_keep_what_is_known_of_a_run(tmp_path):
    from iris_harness.provenance import write_provenance

    def write(contexts):
        write_provenance(run, load_scenario(MICRO), 11, 2, contexts)
        return json.loads((tmp_path / "provenance.json").read_text())["contexts"]

    with open_run(tmp_path, MICRO.read_text(), 11, 2) as run:
        assert write({}) == {}
        assert write({"crds": "tmt_0002.pmap"}) == {"crds": "tmt_0002.pmap"}
        assert write({}) == {"crds": "tmt_0002.pmap"}
        (tmp_path / "provenance.json").write_text("half")
        assert write({"crds": "tmt_0003.pmap"}) == {"crds": "tmt_0003.pmap"}


@pytest.mark.parametrize("command", ["validate", "report", "foreign"])
def test_a_run_is_only_used_with_the_scenario_it_was_made_from(tmp_path, capsys, command):
    with open_run(tmp_path, MICRO.read_text(), 11, 2):
        pass
    copy = tmp_path / "scenario.yaml"
    copy.write_text(copy.read_text().replace("[ramp.bias, ", "["))
    words = {"foreign": ["validate", tmp_path, "--manifest", "mine.json"]}.get(command, [command, tmp_path])
    assert run_command(*words) == USAGE
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"iris-testbed: {copy}: is not the scenario that the run was made from")


@pytest.mark.parametrize("broken", ["product", "truth"])
def test_a_product_that_cannot_be_compared_is_an_error_of_its_algorithm_only(
    micro_run, micro_copy, monkeypatch, broken
):
    """Broken truth is the run's own: no algorithm is to blame."""
    from iris_harness import score

    def sample(root, rows, *options):
        if rows[0].algorithm == "ols":
            raise LayoutError("JUMPS column must lie in 0..7", file=getattr(rows[0], broken), key="READ")
        return sample_group(root, rows, *options)

    sample_group = score.sample_group
    monkeypatch.setattr(score, "sample_group", sample)
    for path in (micro_copy / "log" / "tasks").glob("sample-*"):
        path.unlink()
    if broken == "truth":
        with pytest.raises(LayoutError, match="truth/"):
            run_stages(micro_copy, load_scenario(MICRO), until="validate", jobs=1, quiet=True)
        return
    run_stages(micro_copy, load_scenario(MICRO), until="validate", jobs=1, quiet=True)
    was, now = (read_scorecard(root / "scores" / "scorecard.json").rows for root in (micro_run, micro_copy))
    assert {r.verdict for r in now if r.algorithm == "ols"} == {"ERROR"}
    assert all("READ" in r.reason for r in now if r.algorithm == "ols")
    assert [r for r in now if r.algorithm != "ols"] == [r for r in was if r.algorithm != "ols"]


@pytest.mark.parametrize("stop", [interrupt, kill_a_worker])
def test_stopped_run_goes_on(micro_run, tmp_path, stop):
    if count_cores() < 2:
        pytest.skip("one core has no worker processes")
    command = [sys.executable, "-m", "iris_harness", "run", str(MICRO), "--out", str(tmp_path / "run"), "--jobs", "2"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True, preexec_fn=listen)
    deadline = time.monotonic() + 240
    while not list((tmp_path / "run" / "raw").rglob("*.fits")) and time.monotonic() < deadline:
        time.sleep(0.05)
    stop(process)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == INTERRUPTED, errors
    assert "Traceback" not in errors
    said = [line for line in errors.splitlines() if line.startswith("iris-testbed: ")]
    assert len([line for line in said if "below 3 nights" not in line]) == 1  # a micro run is warned of its two nights
    assert "same command again" in errors
    for name in (".7.tmp.half.fits", ".7.tmp.report/index.html"):  # what a killed process can leave behind
        left = tmp_path / "run" / "raw" / name
        left.parent.mkdir(exist_ok=True)
        left.write_text("half")
    assert run_command("run", MICRO, "--out", tmp_path / "run", "--jobs", 1, "--quiet") == DONE
    assert hash_tree(tmp_path / "run") == hash_tree(micro_run)
    assert not list((tmp_path / "run").rglob(".*.tmp.*"))


def test_leftovers_do_not_make_a_directory_somebody_else_s(tmp_path):
    (tmp_path / ".7.tmp.run.json").write_text("{")
    with open_run(tmp_path, MICRO.read_text(), 1, 1) as run:
        assert sorted(p.name for p in run.root.iterdir()) == [".lock", "run.json", "scenario.yaml"]


def test_files_of_others_are_no_leftovers(tmp_path):
    kept = [".tmp.mine", "7.tmp.mine", ".x.tmp.mine"]
    with open_run(tmp_path, MICRO.read_text(), 1, 1):
        for name in kept:
            (tmp_path / name).write_text("mine")
    with open_run(tmp_path, MICRO.read_text(), 1, 1) as run:
        assert {p.name for p in run.root.iterdir()} >= set(kept)


def test_metrics_of_a_run_say_margin_power_and_nights(micro_copy, capsys):
    from iris_validators import read_samples, write_samples

    def list_rows():
        main(["metrics", str(micro_copy), "--json"])
        return json.loads(capsys.readouterr().out)

    assert {row["power"] for row in list_rows()} == {None}  # two nights have no interval
    path = micro_copy / "scores" / "samples.parquet"
    bias = [s for s in read_samples(path) if s.metric == "ramp.bias"]
    write_samples(path, [*bias, *(replace(s, night=s.night + 2, value=s.value + 1e-4) for s in bias)])
    found = [row for row in list_rows() if row["power"] is not None]
    assert {row["specification"] for row in found} == {"ramp.bias"}
    assert all(0 <= row["power"] <= 1 and row["margin"] for row in found)
    assert any(row["nights_for_99"] for row in found)
