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


def test_only_flats_carry_a_filter():
    header = {
        "DETECTOR": "IMG2",
        "REFTYPE": "dark",
        "FILTER": "dark",
        "DATE-OBS": "2035-01-01",
        "TIME-OBS": "04:00:00.000",
    }
    assert name_reference(header) == "IRIS_IMG2_DARK_20350101T040000.fits"


def test_no_two_kinds_share_a_keyword():
    keywords = [reference_keyword(kind) for kind in load_reference_types()]
    assert len(set(keywords)) == len(keywords)
    assert max(map(len, keywords)) <= 8
