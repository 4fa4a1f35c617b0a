"""Arcs through the mask that lights one column of lenslets: from raw frames to verdicts, two columns in one night."""

import json
from pathlib import Path

import pytest

from iris_contract.fitsio import read_header
from iris_contract.manifest import read_manifest
from iris_harness.scenario import load_scenario
from iris_harness.stages import run_stages

pytestmark = pytest.mark.xdist_group("column")
COLUMNS = (11, 12)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    root = tmp_path_factory.mktemp("column") / "run"
    run_stages(root, load_scenario(Path(__file__).parent / "column.yaml"), jobs=1, quiet=True)
    return root


def test_each_column_makes_a_reference_of_its_own_and_is_judged_by_its_own_truth(run):
    rows = [row for row in read_manifest(run / "manifest.json") if row.family == "wavelength"]
    assert [len(row.raw) for row in rows] == [2, 2]
    for column, row in zip(COLUMNS, rows, strict=True):
        headers = [read_header(run / path) for path in (row.product, *row.raw, row.truth)]
        assert {header["LLMSKCOL"] for header in headers} == {column}
    scores = json.loads((run / "scores" / "scorecard.json").read_text())["rows"]
    found = {row["condition"]: row["value"] for row in scores if row["metric"] == "wavelength.residual"}
    assert [condition.split()[-1] for condition in found] == [f"column={column}" for column in COLUMNS]
    assert max(found.values()) < 0.1  # px, where the next column is 27.5 px away


def test_selection_takes_the_reference_of_the_frames_own_column(run):
    rows = [row for row in read_manifest(run / "manifest.json") if row.family == "wavelength_map"]
    folder = run / "crds" / "references" / "tmt" / "iris"
    used = [read_header(folder / row.references["arc"])["LLMSKCOL"] for row in rows]
    assert used == [read_header(run / row.raw[0])["LLMSKCOL"] for row in rows] == list(COLUMNS)
    scores = json.loads((run / "scores" / "scorecard.json").read_text())["rows"]
    shares = {row["condition"]: row["value"] for row in scores if row["metric"] == "wavelength_map.assignment"}
    assert [condition.split()[-1] for condition in shares] == [f"column={column}" for column in COLUMNS]
    assert set(shares.values()) == {1}
