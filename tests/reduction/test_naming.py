import doctest

import pytest

from iris_contract.reftypes import load_reference_types
from iris_reduction import naming
from iris_reduction.naming import name_product, name_reference, reference_keyword


def test_examples_of_the_docstrings():
    assert doctest.testmod(naming) == (0, 5)


@pytest.mark.parametrize("level", [1, 2])
def test_levels_replace_each_other(level):
    name = "2035A-P001-001_IRIS_IMG1_SCI_LVL0_0001-00.fits"
    assert name_product(name_product(name, 1), level) == name.replace("LVL0", f"LVL{level}")


def test_a_reference_is_named_by_what_it_is_selected_by():
    header = {"DETECTOR": "IFU", "READMODE": "UTR", "FILTER": "KN3", "GRATING": "4000-K", "SCALE": 0.009}
    header |= {"LLMSKST": "SERRATED_WIDE", "DATE-OBS": "2035-01-01", "TIME-OBS": "04:00:00.000"}
    names = {
        "mask": "IRIS_IFU_MASK_20350101T040000.fits",
        "dark": "IRIS_IFU_DARK_UTR_20350101T040000.fits",
        "flat": "IRIS_IFU_FLAT_KN3_20350101T040000.fits",
        "arc": "IRIS_IFU_ARC_9mas_KN3_4000-K_SERRATED_WIDE_20350101T040000.fits",
    }
    assert {kind: name_reference(header | {"REFTYPE": kind}) for kind in names} == names
    column = {"REFTYPE": "arc", "LLMSKST": "FINE_MASK_CALIBRATION", "LLMSKCOL": 11}
    assert name_reference(header | column) == names["arc"].replace("SERRATED_WIDE", "FINE_MASK_CALIBRATION_11")


def test_no_two_kinds_share_a_keyword():
    keywords = [reference_keyword(kind) for kind in load_reference_types()]
    assert len(set(keywords)) == len(keywords)
    assert max(map(len, keywords)) <= 8
