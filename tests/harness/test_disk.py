"""Disk space is stated and checked, and raw frames go when they are told to."""

from pathlib import Path

import pytest

from iris_contract.errors import RunDirectoryError
from iris_contract.manifest import read_manifest
from iris_harness.cli import main
from iris_harness.disk import check_space, estimate_bytes, is_for_calibration
from iris_harness.scenario import load_scenario

MICRO = Path(__file__).parent / "micro.yaml"


def test_the_estimate_is_not_far_above_what_a_run_takes(micro_run):
    scenario = load_scenario(MICRO)
    kinds = ("raw", "truth", "products", "crds", "crds-oracle")
    held = sum(p.stat().st_size for kind in kinds for p in (micro_run / kind).rglob("*.fits"))
    headers = 30_000 * sum(1 for kind in kinds for _ in (micro_run / kind).rglob("*.fits"))
    assert held - headers < estimate_bytes(scenario, scenario.nights) < 1.6 * held


def test_products_alone_need_less(micro_run):
    scenario = load_scenario(MICRO)
    assert estimate_bytes(scenario, 2, "products") < estimate_bytes(scenario, 2)
    assert is_for_calibration(scenario, "dark")
    assert not is_for_calibration(scenario, "ladder")


def test_a_full_disk_is_one_clear_line(tmp_path):
    assert "GB free" in check_space(tmp_path, 10)
    with pytest.raises(RunDirectoryError, match=r"needs up to 1000000\.0 GB and the disk has"):
        check_space(tmp_path, 10**15)


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
