"""References that truth gives of a real detector's flaws."""

import numpy as np
import pytest

from iris_contract import load_instrument
from iris_contract.exposure import Subarray
from iris_harness.oracle_flaws import describe_flaws
from iris_simulator import EFFECTS, build_as_built

DETECTOR = load_instrument().detector("IMG1")
REGION = Subarray(1, 1, 64, 48)


@pytest.fixture(scope="module")
def maps():
    return build_as_built(DETECTOR, REGION, 5).acting(EFFECTS)


@pytest.fixture(scope="module")
def entries(maps):
    return {kind: (planes, cards) for kind, planes, cards in describe_flaws(maps, DETECTOR, REGION)}


def test_the_true_curve_is_straightened_to_a_few_parts_in_a_hundred_thousand(maps, entries):
    planes, cards = entries["linearity"]
    good = maps.bad == 0
    for number, level in enumerate(maps.levels):
        signal = (maps.signal[:, :, number] / maps.gain)[good].astype(float)
        powers = (signal / cards["LINNORM"])[:, None] ** np.arange(1, planes["COEFFS"].shape[2] + 1)
        charge = signal * (1 + (planes["COEFFS"][good] * powers).sum(axis=1)) * maps.gain[good]
        assert np.sqrt(np.mean((charge / level - 1) ** 2)) < 5e-5


def test_a_full_well_is_above_its_level_and_nine_tenths_of_it_below(maps, entries):
    level = entries["saturation"][0]["DATA"]
    good = maps.bad == 0
    lost = maps.loss[good] * (maps.well[good] / 80_000.0) ** 2.75  # between the two powers of the truth
    full = maps.offset[good] + maps.well[good] * (1 - lost) / maps.gain[good]
    assert (np.abs(full - level[good]) < 0.02 * full).all()
    assert (level[good] > maps.offset[good] + 0.9 * maps.well[good] * (1 - 0.75 * lost) / maps.gain[good]).all()
    assert (level[REGION.reference_pixels(DETECTOR)] == DETECTOR.full_scale).all()


def test_links_and_traps_are_those_of_truth(maps, entries):
    np.testing.assert_array_equal(entries["ipc"][0]["DATA"], maps.links)
    planes, cards = entries["persist"]
    np.testing.assert_array_equal(planes["DATA"], maps.traps)
    assert (cards, planes["TIMES"].tolist()) == ({"PERSCHRG": 100_000.0, "PERSPOW": 1.5}, [40.0, 400.0])


def test_what_is_absent_has_no_reference():
    polite = build_as_built(DETECTOR, REGION, 5).acting(["photon_noise", "gain_spread"])
    assert describe_flaws(polite, DETECTOR, REGION) == []
