"""Wavelengths of pixels, on a spectrograph that the tests draw: honest maps pass, and each fault moves what it must."""

from dataclasses import replace

import numpy as np
import pytest

from iris_contract import Image, Reference, Subarray, Truth
from iris_contract.atomic import hash_file
from iris_contract.errors import LayoutError, ManifestError
from iris_contract.lenslet import (
    LensletMode,
    SpectrographTruth,
    load_grating_setting,
    load_lattice,
    load_passband,
    trace_rays,
)
from iris_contract.manifest import ManifestRow
from iris_harness.controls import load_controls
from iris_harness.faults import FAULTS
from iris_harness.run_directory import RunDirectory
from iris_reduction.wavelength.pixel_map import map_pixels
from iris_validators import sample_group
from iris_validators.map_evidence import read_map
from iris_validators.true_places import TruePlaces
from iris_validators.true_spectra import TrueSpectra
from iris_validators.wavelength_map import sample_maps

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
    assert found["assignment"] == found["purity"] == 1
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
    outside |= {name for name in ("assignment", "purity") if broken[name] < 0.999}
    assert outside == {entry.removeprefix("wavelength_map.") for entry in control.fails}
    assert all(abs(good[name]) < limit for name, limit in limits.items())


def test_a_spectrum_whose_middle_leaves_the_region_is_not_judged():
    """Rows lie the further out the further from the middle: above the axis the first to leave at the top is an end, at
    the bottom the middle."""
    mode = LensletMode(4.0, "FINE_MASK", "10000-H", "Hbb")
    setting, lattice = load_grating_setting(mode.grating), load_lattice(mode.mask)
    wave = np.linspace(*load_passband(mode.filter).half, 65)
    x, y = trace_rays(setting, lattice.along[:, None], lattice.across[:, None], wave)
    ones = np.ones(x.shape, "f4")
    width = np.ones((*x.shape, 2), "f4")
    truth = SpectrographTruth(mode.to_header(), wave, x, y, ones, lattice.column, lattice.row, width, ones)
    region = Subarray(1, 57, 4096, 192)
    spectra = TrueSpectra(mode, truth, TruePlaces.of(truth, [0.0, 0.0]), region)
    inside = (y >= 57) & (y <= 56 + 190)
    ends = inside[:, [0, -1]].all(axis=1) & (x[:, 0] >= 5) & (x[:, -1] <= 4090)
    assert (ends & ~inside.all(axis=1)).any()  # or the test would show nothing
    assert not (spectra.good & ~inside.all(axis=1)).any()


def test_what_two_spectra_share_is_nobodys(shared_arc_bench):
    """Two lenslets on one trace: neither is judged there, and nothing else changes."""
    row = write_frame(shared_arc_bench)
    evidence = read_map(shared_arc_bench.root, row)
    places = evidence.spectra.places
    first, second = shared_arc_bench.whole()[:2]
    cubics = places.cubics.copy()
    cubics[:, :, second] = cubics[:, :, first]
    spectra = replace(evidence.spectra, places=replace(places, cubics=cubics))
    before = {s.metric: s.n for s in sample_maps([evidence]) if s.n}
    after = {s.metric: s for s in sample_maps([replace(evidence, spectra=spectra)])}
    assert after["wavelength_map.assignment"].value == 1
    assert after["wavelength_map.assignment"].n < before["wavelength_map.assignment"]


def test_bands_share_out_pixels(shared_arc_bench):
    """Sixteen bands of 20 rows: each spectrum in one of them, and each pixel that is given to a lenslet."""
    row = write_frame(shared_arc_bench)
    whole = {s.metric: s for s in sample_group(shared_arc_bench.root, [row])}
    bands = sample_group(shared_arc_bench.root, [row], blocks=4)
    assert {s.block for s in bands} == set(range(16))
    pixels = sum(s.n for s in bands if s.metric == "wavelength_map.assignment" and not s.reason)
    assert pixels == whole["wavelength_map.assignment"].n


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
    image = Image.read(shared_arc_bench.root / row.product)
    for lenslet, wavelength, named in ((9999, 2000.0, "LENSLET"), (-1, 2000.0, "WAVELENGTH")):
        image.lenslet[0, 0], image.wavelength[0, 0] = lenslet, wavelength
        image.write(shared_arc_bench.root / row.product)
        with pytest.raises(LayoutError, match=named):
            values(shared_arc_bench, row)
    row = write_frame(shared_arc_bench)
    with pytest.raises(ManifestError, match="another raw file"):
        values(shared_arc_bench, replace(row, raw_sha256=("0" * 64,)))
