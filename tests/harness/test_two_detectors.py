"""Two detectors in one run: one delivery, one scorecard, one report, and neither takes the other's references."""

import json
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from iris_contract.check import check_file
from iris_contract.errors import ManifestError
from iris_contract.fitsio import read_header
from iris_contract.frames import read_region
from iris_contract.manifest import read_manifest, write_manifest
from iris_contract.scorecard import read_scorecard
from iris_harness.calibrate import CALIBRATIONS, Group, _hand_over, _plan_groups
from iris_harness.controls import load_controls
from iris_harness.foreign import score_foreign
from iris_harness.reduce import plan_reduction
from iris_harness.run_directory import RunDirectory
from iris_harness.scenario import load_scenario
from iris_harness.tasks import TaskResult
from iris_validators import read_samples

TWO = Path(__file__).parent / "two.yaml"
SCENARIO = load_scenario(TWO)
pytestmark = pytest.mark.xdist_group("two")


@pytest.fixture(scope="module")
def rows(two_run):
    return read_manifest(two_run / "manifest.json")


def test_every_file_follows_its_layout(two_run):
    files = [p for name in ("raw", "truth", "products") for p in (two_run / name).rglob("*.fits")]
    assert {p.name: check_file(p) for p in files if check_file(p)} == {}
    raw = [read_header(path) for path in (two_run / "raw").rglob("*.fits")]
    assert {(h["DETECTOR"], h["INSTMODE"], h["IFSMODE"]) for h in raw} == {
        ("IMG1", "IMG", "NONE"),
        ("IFU", "LENSLET", "NONE"),
    }
    assert {p.name for p in (two_run / "truth" / "as_built").iterdir()} == {"IMG1.fits", "IFU.fits"}


def test_both_detectors_have_every_calibration(rows):
    made = Counter((row.setting, row.family, row.detector) for row in rows if row.family in CALIBRATIONS)
    families = {(s, name) for name, f in SCENARIO.families.items() if name in CALIBRATIONS for s in f.settings}
    assert made == {(*place, detector): 1 for place in families for detector in ("IMG1", "IFU")}
    assert len({row.product for row in rows}) == len(rows)


def test_a_product_says_the_detector_of_its_raw_files_and_covers_its_region(two_run, rows):
    for row in rows:
        header = read_header(row.path(two_run))
        assert {header["DETECTOR"], *(read_header(two_run / raw)["DETECTOR"] for raw in row.raw)} == {row.detector}
        assert read_region(header) == SCENARIO.find_region(row.detector)
        if row.family in CALIBRATIONS:
            assert row.truth == f"truth/as_built/{row.detector}.fits"


def find_files(run, row):
    """The references of a product: those that CRDS selected, or those of the night that were handed over."""
    cache = run / ("crds-oracle" if row.setting == "alone" else "crds") / "references"
    for kind, name in row.references.items():
        found = list(cache.rglob(name)) or list((run / "products" / row.setting).rglob(name))
        assert len(found) == 1, name
        yield kind, found[0]


def test_no_product_uses_a_reference_of_the_other_detector(two_run, rows):
    """Selected by CRDS alone and for images, handed over where the chain calibrates."""
    used = Counter()
    for row in rows:
        for kind, path in find_files(two_run, row):
            header = read_header(path)
            assert (header["DETECTOR"], header["REFTYPE"]) == (row.detector, kind)
            assert read_region(header) == SCENARIO.find_region(row.detector)
            used[row.setting, row.family, row.detector] += 1
    for detector in ("IMG1", "IFU"):
        assert used["chain", "ramp", detector] == 2 * 3  # fitters; mask, gain, read noise
        assert used["alone", "dark", detector] == used["chain", "dark", detector] == 3


def test_selection_has_no_reference_for_the_detector_that_was_not_calibrated(two_run, rows):
    from iris_contract.errors import ReferenceFileError
    from iris_reduction.selection import select

    header = read_header(two_run / next(row.raw[0] for row in rows if row.detector == "IFU"))
    cache = RunDirectory(two_run).cache("chain")
    assert select(header, ["gain"], cache)
    with pytest.raises(ReferenceFileError, match="IMG3"):
        select(header | {"DETECTOR": "IMG3"}, ["gain"], cache)


def test_one_delivery_holds_both(two_run):
    cache = two_run / "crds" / "references"
    found = Counter((h["REFTYPE"], h["DETECTOR"]) for h in map(read_header, cache.rglob("*.fits")))
    kinds = ("gain", "readnoise", "mask", "dark", "flat")
    assert found == {(kind, detector): 1 for kind in kinds for detector in ("IMG1", "IFU")}
    assert len(list((two_run / "crds" / "mappings").rglob("*.pmap"))) == 2  # without any, and with these


def test_the_scorecard_says_detector_and_mode_of_every_row(two_run):
    card = read_scorecard(two_run / "scores" / "scorecard.json")
    assert {(row.detector, row.mode) for row in card.rows} == {("IMG1", "IMG"), ("IFU", "LENSLET")}
    seen = {(row.family, row.detector) for row in card.rows}
    assert seen == {
        (f, d) for f in ("ramp", "gain", "bad_pixel", "dark", "flat", "image") for d in SCENARIO.list_detectors(f)
    }
    outputs = {(row.detector, row.condition) for row in card.rows if row.metric == "gain.relative_error"}
    assert outputs == {("IMG1", "output=0"), ("IFU", "output=32")}
    missing = [row for row in card.rows if row.requirement == "ramp.rms_over_crb"]  # of the setting alone, not run
    assert {(row.detector, row.verdict) for row in missing} == {("IMG1", "NOT_MEASURED"), ("IFU", "NOT_MEASURED")}
    for row in card.rows:
        assert all(f"_{row.detector}_" in name for name in row.artifacts)
        assert row.verdict != "ERROR"
    assert {s.detector for s in read_samples(two_run / "scores" / "samples.parquet")} == {"IMG1", "IFU"}
    assert card.run["detectors"] == "IMG1 (IMG), IFU (LENSLET)"


def test_controls_break_products_of_one_detector(two_run):
    entries = json.loads((two_run / "scores" / "controls.json").read_text())["controls"]
    names = {control.name for control in load_controls()}
    assert {entry["detector"] for entry in entries if entry["name"] in names} == {"IMG1"}


def test_the_report_tells_detectors_apart(two_run):
    pages = {path.name: path.read_text() for path in (two_run / "report").glob("*.html")}
    assert "of detectors IMG1 and IFU was simulated" in pages["index.html"]
    for name in ("index.html", "requirements.html", "verdicts.html", "dark-ramp-mean.html"):
        assert "chain, IMG1" in pages[name]
        assert "chain, IFU" in pages[name]
    assert "detector IFU. Mean of" in pages["index.html"]
    assert "Dark, in the chain, IFU, night 1" in pages["dark-ramp-mean.html"]
    pictures = {path.name for path in (two_run / "report" / "figures").iterdir()}
    assert {f"dark-ramp-mean-chain-dark-{name}-residual.png" for name in ("img1", "ifu")} <= pictures


def test_products_of_another_pipeline_on_one_detector_leave_the_other_unmeasured(two_run, rows):
    theirs = [replace(row, algorithm="mine", detector="") for row in rows if row.family == "gain"]
    path = two_run / "mine.json"
    try:
        write_manifest(path, theirs)  # a reference of each detector in one night
        card = score_foreign(two_run, path).scorecard
        found = {row.detector: row.algorithm for row in card.rows if row.family == "gain"}
        assert found == {"IMG1": "mine", "IFU": "mine"}
        write_manifest(path, [row for row in theirs if "_IFU_" in row.product])
        card = score_foreign(two_run, path).scorecard
        assert {r.detector: r.verdict for r in card.rows if r.family == "gain"}["IMG1"] == "NOT_MEASURED"
        write_manifest(path, [replace(theirs[0], detector="IMG3")])
        with pytest.raises(ManifestError, match="is of the detector IFU"):
            score_foreign(two_run, path)
        ours = next(row for row in theirs if "_IMG1_" in row.product)
        write_manifest(path, [replace(ours, truth="truth/as_built/IFU.fits")])
        with pytest.raises(ManifestError, match=r"is truth/as_built/IMG1\.fits"):
            score_foreign(two_run, path)
    finally:
        path.unlink()
        shutil.rmtree(two_run / "scores" / "mine", ignore_errors=True)


def test_groups_are_of_one_detector_and_one_filter():
    spec = SCENARIO.exposures["flat_high"]
    exposures = dict(SCENARIO.exposures)
    for role in ("flat_off", "flat_high"):
        exposures[f"{role}_k"] = replace(exposures[role], role=f"{role}_k", filter="K")
    flat = SCENARIO.families["flat"]
    families = dict(SCENARIO.families) | {
        "flat": replace(flat, exposures=(*flat.exposures, "flat_off_k", "flat_high_k"))
    }
    scenario = replace(SCENARIO, exposures=exposures, families=families)
    groups, inputs = _plan_groups(RunDirectory(Path("run")), scenario, "chain", 1)
    flats = [g for g in groups if g.family == "flat"]
    assert [dict(g.match) for g in flats] == [
        {"DETECTOR": d, "FILTER": f} for d, f in (("IMG1", spec.filter), ("IFU", spec.filter), ("IMG1", "K"))
    ]
    assert [len(g.files) for g in flats] == [2, 2, 2]
    assert all(f"_{g.detector}_" in path.name for g in groups for path in g.files)
    assert len(inputs) == sum(len(g.files) for g in groups)
    order = list(CALIBRATIONS)
    assert [order.index(g.family) for g in groups] == sorted(order.index(g.family) for g in groups)


def test_what_is_handed_over_is_of_the_detector_and_matches_if_any_does(tmp_path):
    utr, cds = (("DETECTOR", "IFU"), ("READMODE", "UTR")), (("DETECTOR", "IFU"), ("READMODE", "CDS"))
    made = {
        ("gain", (("DETECTOR", "IMG1"),)): Path("a"),
        ("gain", (("DETECTOR", "IFU"),)): Path("b"),
        ("readnoise", utr): Path("utr"),
        ("readnoise", cds): Path("cds"),
    }

    def give(match):
        return _hand_over(Group("bad_pixel", (), match, (), Path("truth")), made, [], tmp_path)

    assert give(cds) == {"gain": Path("b"), "readnoise": Path("cds")}
    assert give(utr) == {"gain": Path("b"), "readnoise": Path("utr")}
    assert give((utr[0], ("READMODE", "MCDS"))) == {"gain": Path("b"), "readnoise": Path("utr")}  # the first


def test_each_detector_is_reduced_by_a_task_of_its_own(two_run):
    raw = {f"simulate-chain-001-{n:04d}": TaskResult(f"simulate-chain-001-{n:04d}", {}, "0") for n in range(1, 10)}
    tasks = plan_reduction(RunDirectory(two_run), SCENARIO, 1, raw, {"chain": "x"})
    names = [task.name for task in tasks if "-gls-" in task.name]
    assert names == ["reduce-chain-ramp-gls-001", "reduce-chain-ramp-gls-IFU-001", "reduce-chain-image-gls-001"]
    for task in tasks:
        *_, items, _, detector = task.arguments
        assert all(f"_{detector}_" in path for _, path, _ in items)
