"""Ways of injecting: a change that changes nothing gives the good product again."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from iris_contract.fitsio import read_header
from iris_contract.frames import Image, Ramp
from iris_contract.manifest import read_manifest
from iris_harness.faults.injection import (
    edit_beside,
    edit_image,
    edit_raw,
    edit_reference,
    fit_again,
    flatten_again,
    grow,
    make_generator,
    take_from,
)
from iris_harness.run_directory import RunDirectory

pytestmark = pytest.mark.xdist_group("micro")

FLAGS = hnp.arrays(np.uint32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=6), elements=st.integers(0, 2**32 - 1))


def find_row(run, family, algorithm="gls", setting="chain"):
    """The first row of a family in a setting."""
    rows = [r for r in read_manifest(run / "manifest.json") if (r.family, r.setting) == (family, setting)]
    return next(r for r in rows if r.algorithm == algorithm) if family in ("ramp", "image") else rows[0]


@pytest.mark.parametrize("setting", ["alone", "chain"])
@pytest.mark.parametrize(
    ("inject", "family", "algorithm"),
    [
        (edit_image(lambda image: image), "ramp", "gls"),
        (edit_beside("ols", lambda image, other: image), "ramp", "gls"),
        (take_from("gls"), "ramp", "gls"),
        (fit_again(lambda reads: reads), "ramp", "ols"),
        (fit_again(lambda reads: reads), "ramp", "gls"),
        (edit_reference("gain", lambda reference: {}), "gain", ""),
        (edit_reference("dark", lambda reference: {}), "dark", ""),
        (edit_reference("mask", lambda reference: {}), "bad_pixel", ""),
    ],
    ids=["image", "beside", "take", "fit-ols", "fit-gls", "gain", "dark", "mask"],
)
def test_injecting_nothing_gives_the_good_product(micro_run, tmp_path, inject, family, algorithm, setting):
    row = find_row(micro_run, family, algorithm, setting)
    twin = inject(RunDirectory(micro_run), row, tmp_path)
    assert twin.read_bytes() == row.path(micro_run).read_bytes()


def test_the_same_reads_give_the_good_raw_file(micro_run, tmp_path):
    row = find_row(micro_run, "ramp")
    row = replace(row, product=row.raw[0])
    twin = edit_raw(lambda ramp: ramp.reads)(RunDirectory(micro_run), row, tmp_path)
    one, other = Ramp.read(row.path(micro_run)), Ramp.read(twin)
    np.testing.assert_array_equal(one.reads, other.reads)
    np.testing.assert_array_equal(one.times, other.times)
    assert one.header == other.header


def test_raw_reads_are_whole_and_end_where_the_converter_does(micro_run, tmp_path):
    row = find_row(micro_run, "ramp")
    row = replace(row, product=row.raw[0])
    for shift, expected in ((1e6, 65535), (-1e6, 0)):
        twin = edit_raw(lambda ramp, shift=shift: ramp.reads + shift)(RunDirectory(micro_run), row, tmp_path)
        assert np.all(Ramp.read(twin).reads == expected)


def test_the_same_flat_by_override_gives_the_good_image_but_for_the_flat_s_name(micro_run, tmp_path):
    row = find_row(micro_run, "image")
    twin = flatten_again(lambda flat: flat)(RunDirectory(micro_run), row, tmp_path)
    one, other = Image.read(row.path(micro_run)), Image.read(twin)
    for name in ("data", "err", "dq"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    cards = [read_header(path) for path in (row.path(micro_run), twin)]
    assert {k for k in cards[0] | cards[1] if cards[0].get(k) != cards[1].get(k)} <= {"R_FLAT", "CHECKSUM", "DATASUM"}


def test_what_goes_through_a_fit_again_keeps_the_parameters_of_the_scenario(micro_copy, tmp_path):
    """A run whose scenario skips the reference pixels is refitted without them, as its good products were made."""
    run, row = RunDirectory(micro_copy), find_row(micro_copy, "ramp", "ols")
    good = fit_again(lambda reads: reads)(run, row, tmp_path / "good")
    text = run.scenario.read_text()
    run.scenario.write_text(text + "reduction: {reference_pixel: {skip: true}}\n")
    assert read_header(good)["S_REF"] == "COMPLETE"
    assert read_header(fit_again(lambda reads: reads)(run, row, tmp_path / "skipped"))["S_REF"] == "SKIPPED"


@given(FLAGS)
def test_growth_takes_no_flag_away_and_reaches_neighbours_at_the_sides_alone(flags):
    grown, padded = grow(flags), np.pad(flags, 1)
    sides = padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:]
    np.testing.assert_array_equal(grown, flags | sides)


def test_random_faults_differ_from_night_to_night_and_repeat():
    draws = [make_generator({"DATE-OBS": date, "EXPNUM": 1}).random() for date in ("a", "b", "a")]
    assert draws[0] == draws[2] != draws[1]
    assert make_generator({"B": 1, "A": 2}).random() == make_generator({"A": 2, "B": 1}).random()
