"""The algorithms that scenarios can name."""

from iris_harness.algorithms import CALIBRATORS, list_algorithms
from iris_harness.calibrate import CALIBRATIONS


def test_every_calibration_has_its_algorithm():
    assert set(CALIBRATORS) == set(CALIBRATIONS)
    assert {(r["family"], r["name"]) for r in list_algorithms()} >= {
        (family, name) for family, names in CALIBRATORS.items() for name in names
    }


def test_nothing_is_listed_twice():
    names = [(row["family"], row["name"]) for row in list_algorithms()]
    assert len(names) == len(set(names))
