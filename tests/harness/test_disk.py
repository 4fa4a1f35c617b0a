"""Disk space is stated and checked, and raw frames go when they are told to."""

from dataclasses import replace
from pathlib import Path

import pytest

from iris_contract import Subarray
from iris_contract.errors import RunDirectoryError
from iris_contract.manifest import read_manifest
from iris_harness.cli import main
from iris_harness.disk import check_space, estimate_bytes, find_use
from iris_harness.scenario import find_scenario, load_scenario
from iris_harness.stages import run_stages

MICRO = Path(__file__).parent / "micro.yaml"
TWO = Path(__file__).parent / "two.yaml"


def test_the_estimate_is_not_far_above_what_a_run_takes(micro_run):
    scenario = load_scenario(MICRO)
    kinds = ("raw", "truth", "products", "crds", "crds-oracle")
    held = sum(p.stat().st_size for kind in kinds for p in (micro_run / kind).rglob("*.fits"))
    headers = 30_000 * sum(1 for kind in kinds for _ in (micro_run / kind).rglob("*.fits"))
    assert held - headers < estimate_bytes(scenario, scenario.nights) < 1.6 * held


@pytest.mark.xdist_group("two")
def test_two_detectors_take_what_their_regions_take(two_run):
    scenario = load_scenario(TWO)
    kinds = ("raw", "truth", "products", "crds", "crds-oracle")
    held = sum(p.stat().st_size for kind in kinds for p in (two_run / kind).rglob("*.fits"))
    headers = 30_000 * sum(1 for kind in kinds for _ in (two_run / kind).rglob("*.fits"))
    assert held - headers < estimate_bytes(scenario, scenario.nights) < 1.6 * held
    wide = replace(scenario, spectrograph=replace(scenario.spectrograph, region=Subarray(2049, 1, 96, 40)))
    ifu = estimate_bytes(wide, 1) - estimate_bytes(scenario, 1)  # what the region takes is in proportion to it
    wider = replace(scenario, spectrograph=replace(scenario.spectrograph, region=Subarray(2049, 1, 144, 40)))
    assert estimate_bytes(wider, 1) - estimate_bytes(wide, 1) == pytest.approx(ifu, abs=2)


def test_products_alone_need_less(micro_run):
    scenario = load_scenario(MICRO)
    assert estimate_bytes(scenario, 2, "products") < estimate_bytes(scenario, 2)
    assert find_use(scenario, "dark") == "calibration"
    assert find_use(scenario, "ladder") == "science"
    assert find_use(load_scenario(find_scenario("detector")), "dark") == "both"


def test_a_full_disk_is_one_clear_line(tmp_path):
    assert "GB free" in check_space(tmp_path, 10)
    with pytest.raises(RunDirectoryError, match=r"needs up to 1000000\.0 GB and the disk has"):
        check_space(tmp_path, 10**15)


def say(run, capsys, **options):
    """What a run of the micro scenario says of disk and raw frames before its first stage."""
    run_stages(run, load_scenario(MICRO), until="simulate", jobs=1, **options)
    return [line for line in capsys.readouterr().err.splitlines() if line.startswith(("disk", "raw"))]


def test_a_whole_run_is_not_counted_again(micro_copy, capsys):
    assert say(micro_copy, capsys) == []
    (line,) = say(micro_copy, capsys, nights=3)
    assert line.startswith("disk: up to")


def test_frames_that_were_not_kept_are_said_to_be_simulated_again(micro_copy, capsys):
    for path in (micro_copy / "raw").rglob("*.fits"):
        path.unlink()
    disk, raw = say(micro_copy, capsys)
    assert disk.startswith("disk: up to")
    assert raw == "raw frames were not kept: simulating them again, since a run is checked from its start"


def test_raw_frames_go_and_products_are_the_same(micro_run, tmp_path):
    out = tmp_path / "run"
    with pytest.raises(SystemExit) as end:
        main(["run", str(MICRO), "--out", str(out), "--keep", "products", "--jobs", "1", "--quiet"])
    assert end.value.code == 0
    assert not list((out / "raw").rglob("*.fits"))
    products = [
        {row.product: row.product_sha256 for row in read_manifest(run / "manifest.json")} for run in (micro_run, out)
    ]
    assert products[0] == products[1]
    assert (out / "scores" / "scorecard.json").read_bytes() == (micro_run / "scores" / "scorecard.json").read_bytes()


def test_frames_that_serve_both_calibration_and_science_stay_until_both_are_done(tmp_path):
    path = tmp_path / "both.yaml"
    path.write_text(MICRO.read_text("utf-8").replace("exposures: [ladder]", "exposures: [ladder, dark]"), "utf-8")
    out = tmp_path / "run"
    run_stages(out, load_scenario(path), until="reduce", nights=1, jobs=1, quiet=True, keep="products")
    left = {p.name.split("_")[3] for p in (out / "raw").rglob("*.fits")}
    assert left == {"DRK", "SCI", "SKY"}
    assert {row.exposure for row in read_manifest(out / "manifest.json")} >= {"ladder", "dark"}
