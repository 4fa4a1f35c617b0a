"""What selection compares: the detector always, and of the rest what an exposure can vary."""

from dataclasses import replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from iris_contract.lenslet import LensletMode
from iris_contract.reftypes import load_reference_types
from iris_harness.calibrate import CALIBRATIONS
from iris_harness.matching import describe_match, find_match, fits
from iris_harness.scenario import load_scenario

SPECS = load_scenario(Path(__file__).parent / "two.yaml").exposures
matches = st.dictionaries(st.sampled_from("abc"), st.sampled_from("12")).map(lambda keys: tuple(keys.items()))


def test_every_calibration_keeps_detectors_apart():
    for kind, _ in CALIBRATIONS.values():
        ours, theirs = (find_match(kind, SPECS[role]) for role in ("flat_high", "ifu_high"))
        assert ours[0] == ("DETECTOR", "IMG1")
        assert theirs[0] == ("DETECTOR", "IFU")
        assert ours[1:] == theirs[1:]
        assert not fits(ours, theirs)


def test_filters_make_groups_of_flats_and_readouts_of_darks_but_not_of_gains():
    flat, dark = SPECS["flat_high"], SPECS["dark"]
    other = replace(flat, filter="K")
    assert find_match("flat", flat) != find_match("flat", other)
    assert find_match("gain", flat) == find_match("gain", other)
    assert describe_match(find_match("flat", other)) == "filter K"
    assert describe_match(find_match("dark", dark)) == "readout UTR"


def test_arcs_are_told_apart_by_grating_and_filter():
    arc = replace(SPECS["ifu_dark"], filter="KN3", lenslet=LensletMode(4.0, "FINE_MASK", "4000-K", "KN3"))
    found = dict(find_match("arc", arc))
    assert found == {"DETECTOR": "IFU", "SCALE": "4 mas", "FILTER": "KN3", "GRATING": "4000-K", "LLMSKST": "FINE_MASK"}
    assert set(found) == {"DETECTOR", *load_reference_types()["arc"].match} - {"LLMSKCOL"}
    wide = replace(arc, lenslet=LensletMode(9.0, "SERRATED_WIDE", "4000-K", "KN3"))
    assert describe_match(find_match("arc", wide)) == "scale 9 mas, filter KN3, grating 4000-K, mask SERRATED_WIDE"


def test_arcs_of_a_single_column_are_told_apart_by_it():
    columns = [LensletMode(4.0, "FINE_MASK_CALIBRATION", "4000-K", "KN3", column) for column in (0, 11)]
    first, other = (find_match("arc", replace(SPECS["ifu_dark"], filter="KN3", lenslet=mode)) for mode in columns)
    assert not fits(first, other)
    assert describe_match(first).endswith("mask FINE_MASK_CALIBRATION, column 0")


@given(matches, matches)
def test_fitting_is_mutual_and_everything_fits_itself_and_nothing(one, other):
    assert fits(one, one)
    assert fits(one, ())
    assert fits(one, other) == fits(other, one)
    assert fits(one, other) == (len(dict(one).items() | dict(other).items()) == len(dict(one) | dict(other)))
