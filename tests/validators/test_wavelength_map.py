"""Wavelengths of pixels, on a spectrograph that the tests draw: honest maps pass, and each fault moves what it must."""

from dataclasses import replace

import numpy as np
import pytest

from iris_contract import Image, Reference, Truth
from iris_contract.atomic import hash_file
from iris_contract.errors import LayoutError, ManifestError
from iris_contract.lenslet import load_passband
from iris_contract.manifest import ManifestRow
from iris_harness.controls import load_controls
from iris_harness.faults import FAULTS
from iris_harness.run_directory import RunDirectory
from iris_reduction.wavelength.pixel_map import map_pixels
from iris_validators import sample_group

CONTROLS = [control for control in load_controls() if control.family == "wavelength_map"]


def write_frame(bench, moved=(0.0, 0.0), name="frame.fits", **cards):
    """Write the frame of an exposure that flexure has moved by `moved` px since the arcs; returns its row."""
    truth = Truth.read(bench.root / f"truth/{bench.lamps[0]}_TRUTH_1.fits")
    path = bench.root / f"truth/{name}"
    replace(truth, shift=bench.shift + np.asarray(moved)).write(path)
    arc = Reference.read(bench.root / bench.row(1).product, "arc")
    maps = map_pixels(arc.content, load_passband(bench.mode.filter).half, bench.region)
    plane, flags = np.ones(bench.region.shape, "f4"), np.zeros(bench.region.shape, "u4")
    header = bench.cards() | {"DATAMODL": "LensletModel", "DATALVL": 2} | cards
    product = bench.root / "products" / name
    Image(header, plane, plane, flags, None, None, None, None, *maps).write(product)
    return ManifestRow(f"products/{name}", hash_file(product), "LensletModel", 1, "chain", "white", "wavelength_map",
                       "gls", ("raw/white.fits",), (truth.raw_sha256,), f"truth/{name}")  # fmt: skip


def values(bench, row):
    return {s.metric.removeprefix("wavelength_map."): s.value for s in sample_group(bench.root, [row])}


def test_an_honest_map_has_the_error_of_its_solution(shared_arc_bench):
    """0.012 px of each lenslet's own; no pixel within 0.8 px of a trace goes to another, 2 px away."""
    found = values(shared_arc_bench, write_frame(shared_arc_bench))
    assert found["residual"] == pytest.approx(shared_arc_bench.sigma, rel=0.3)  # rms of some 80 draws: 4 sigma
    assert found["assignment"] == 1
    assert abs(found["drift"]) < 4 * shared_arc_bench.sigma / np.sqrt(len(shared_arc_bench.whole()))


def test_flexure_since_the_arcs_is_in_it(shared_arc_bench):
    still = values(shared_arc_bench, write_frame(shared_arc_bench))
    found = values(shared_arc_bench, write_frame(shared_arc_bench, (0.3, 0.0)))
    assert found["drift"] - still["drift"] == pytest.approx(0.3, abs=0.01)
    assert found["residual"] == pytest.approx(0.3, rel=0.1)
    assert found["assignment"] == 1


def test_light_that_moved_across_goes_to_other_lenslets(shared_arc_bench):
    """Of pixels within 0.8 px, those beyond 0.5 px on one side are nearer to the wrong trace after 0.5 px: 3 in 16."""
    found = values(shared_arc_bench, write_frame(shared_arc_bench, (0.0, 0.5)))
    assert found["assignment"] == pytest.approx(1 - 0.3 / 1.6, abs=0.03)


@pytest.mark.parametrize("control", CONTROLS, ids=lambda control: control.fault)
def test_controls(shared_arc_bench, control):
    row = write_frame(shared_arc_bench)
    path = FAULTS[control.fault](RunDirectory(shared_arc_bench.root), row, shared_arc_bench.root / control.fault)
    good = values(shared_arc_bench, row)
    broken = values(shared_arc_bench, replace(row, product=str(path.relative_to(shared_arc_bench.root))))
    limits = {"residual": 0.1, "residual_999": 0.33, "drift": 0.07}
    outside = {name for name, limit in limits.items() if abs(broken[name]) > limit}
    outside |= {"assignment"} if broken["assignment"] < 0.99 else set()
    assert outside == {entry.removeprefix("wavelength_map.") for entry in control.fails}
    assert all(abs(good[name]) < limit for name, limit in limits.items())


def test_a_nan_of_an_assigned_pixel_is_not_forgiven(shared_arc_bench):
    row = write_frame(shared_arc_bench)
    image = Image.read(shared_arc_bench.root / row.product)
    image.wavelength[image.lenslet == shared_arc_bench.whole()[0]] = np.nan
    image.write(shared_arc_bench.root / row.product)
    assert np.isnan(values(shared_arc_bench, row)["residual"])


def test_what_cannot_be_compared_is_refused(shared_arc_bench):
    with pytest.raises(ManifestError, match="no spectrograph of its setting"):
        values(shared_arc_bench, write_frame(shared_arc_bench, FILTER="KN2"))
    with pytest.raises(LayoutError, match="XSIZE"):
        values(shared_arc_bench, write_frame(shared_arc_bench, XSIZE=639))
    row = write_frame(shared_arc_bench)
    with pytest.raises(ManifestError, match="another raw file"):
        values(shared_arc_bench, replace(row, raw_sha256=("0" * 64,)))
