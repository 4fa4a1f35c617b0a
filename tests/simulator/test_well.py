"""A full well is clipped and told."""

import numpy as np

from iris_simulator.well import fill_wells


def test_charge_is_clipped_where_it_reaches_the_well() -> None:
    charge = np.array([[[[1.0, 9.0, 12.0]], [[1.0, 2.0, 3.0]], [[4.0, 8.0, 10.0]]]])
    full = fill_wells(charge, np.array([[10.0, 10.0, 10.0]]))
    assert charge[0, :, 0].tolist() == [[1, 9, 10], [1, 2, 3], [4, 8, 10]]
    assert full.tolist() == [[True, False, True]]


def test_a_well_without_limit_is_never_full() -> None:
    charge = np.full((1, 1, 1, 2), 1e9)
    assert not fill_wells(charge, np.array([[np.inf]])).any()
    assert np.all(charge == 1e9)
