"""Faults of wavelength solutions on a known spectrograph: each control turns PASS to FAIL, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from iris_contract.frames import Reference
from iris_harness.controls import load_controls, split_entry
from iris_harness.faults import FAULTS
from iris_harness.run_directory import RunDirectory
from iris_validators import combine, group_samples, judge, load_specifications, sample_group

CONTROLS = [control for control in load_controls() if control.family == "wavelength"]


def find_verdicts(bench, rows):
    """Verdict by specification of all nights together."""
    samples = [sample for row in rows for sample in sample_group(bench.root, [row])]
    groups = {metric: combine(found) for (_, metric, *_), found in group_samples(samples).items()}
    specs = {name: spec for name, spec in load_specifications().items() if spec.family == "wavelength"}
    return {name: judge(spec, groups[spec.metric]).word for name, spec in specs.items()}


@pytest.fixture(scope="module")
def nights(shared_arc_bench):
    return [shared_arc_bench.row(night) for night in (1, 2, 3)]


def break_rows(bench, rows, fault, out):
    broken = [FAULTS[fault](RunDirectory(bench.root), row, bench.root / out / str(row.night)) for row in rows]
    return [replace(r, product=str(b.relative_to(bench.root))) for r, b in zip(rows, broken, strict=True)]


def test_good_solutions_pass(shared_arc_bench, nights):
    assert set(find_verdicts(shared_arc_bench, nights).values()) == {"PASS"}


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.fault)
def test_controls(shared_arc_bench, nights, control):
    broken = break_rows(shared_arc_bench, nights, control.fault, control.fault)
    found = find_verdicts(shared_arc_bench, broken)
    assert {name: found[split_entry(name)[0]] for name in control.fails} == dict.fromkeys(control.fails, "FAIL")
    assert {name: found[split_entry(name)[0]] for name in control.unmoved} == dict.fromkeys(control.unmoved, "PASS")


def read_both(bench, rows, fault):
    (broken,) = break_rows(bench, rows[:1], fault, f"once-{fault}")
    return [Reference.read(row.path(bench.root), "arc").content for row in (rows[0], broken)]


@pytest.mark.parametrize(("part", "shift"), [("fifth", 0.2), ("tenth", 0.1)])
def test_a_part_of_a_pixel_is_one(shared_arc_bench, nights, part, shift):
    good, broken = read_both(shared_arc_bench, nights, f"solution_{part}_of_a_pixel_off")
    moved = (broken["COEFFS"] - good["COEFFS"])[shared_arc_bench.whole()]
    np.testing.assert_allclose(moved[:, 0], shift * 0.2735, rtol=0.01)  # 2.735 Angstrom per px at R4000 in K
    assert not moved[:, 1:].any()


def test_a_misnamed_line_turns_the_solution_about_the_bluest(shared_arc_bench, nights):
    good, broken = read_both(shared_arc_bench, nights, "line_misnamed")
    longer = broken["LINES"]["WAVELENGTH"] - good["LINES"]["WAVELENGTH"]
    number = len(shared_arc_bench.whole())
    assert sorted(set(np.round(longer, 9))) == [0, 1]
    assert np.count_nonzero(longer) == -(-number // 4)
    n = shared_arc_bench.whole()[0]
    own = (good["LINES"]["ROW"] == good["ROW"][n]) & (good["LINES"]["COLUMN"] == good["COLUMN"][n])
    low, high = good["DOMAIN"][n]
    u = (2 * good["LINES"]["X"][own] - low - high) / (high - low)
    moved = np.polynomial.legendre.legval(u, broken["COEFFS"][n] - good["COEFFS"][n])
    assert moved.min() == pytest.approx(0, abs=1e-9)
    assert moved.max() == pytest.approx(1)


def test_two_lenslets_are_swapped_with_all_that_is_theirs(shared_arc_bench, nights):
    good, broken = read_both(shared_arc_bench, nights, "lenslets_swapped")
    one, other = np.flatnonzero((good["COEFFS"] != broken["COEFFS"]).any(axis=1))
    for name in ("COEFFS", "DOMAIN", "COVARIANCE", "SPAN"):
        np.testing.assert_array_equal(broken[name][[one, other]], good[name][[other, one]])
    np.testing.assert_array_equal(broken["ROW"], good["ROW"])
