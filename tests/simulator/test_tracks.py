"""Tracks keep the charge of their hits and the order that the chain relies on; snowballs flood a disc."""

import numpy as np

from iris_contract import Detector, Subarray
from iris_simulator.cosmic_rays import draw_hits
from iris_simulator.seeds import ExposureSeeds
from iris_simulator.tracks import FULL, SNOWBALLS, draw_snowballs, draw_tracks

REGION = Subarray(1001, 1001, 300, 300)
TIMES = np.arange(5.0)[None, :] * 10
SEEDS = ExposureSeeds(3, 1, "IMG1", 1)


def test_tracks_share_the_charge_of_their_hits(detector: Detector) -> None:
    """Up to rounding and what leaves the region: 1.2 pixels of 300."""
    hits = draw_hits(detector, REGION, TIMES, SEEDS, boost=1e4)
    tracks = draw_tracks(hits, detector, REGION, SEEDS)
    assert 1.5 < len(tracks) / len(hits) < 3
    assert abs(tracks["ELECTRONS"].sum() / hits["ELECTRONS"].sum() - 1) < 0.01
    order = tracks[["Y", "GROUP", "READ", "X"]]
    np.testing.assert_array_equal(order, np.sort(order))


def test_one_hit_spreads_from_where_it_fell(detector: Detector) -> None:
    hits = draw_hits(detector, REGION, TIMES, SEEDS, boost=300.0)[:1]
    track = draw_tracks(hits, detector, REGION, SEEDS)
    assert {*track["READ"]} == {*hits["READ"]}
    assert np.any((track["Y"] == hits["Y"]) & (track["X"] == hits["X"]))
    assert np.hypot(track["Y"] - hits["Y"], track["X"] - hits["X"]).max() < 20


def test_snowballs_are_as_many_as_claimed_and_flood_their_core(detector: Detector) -> None:
    """Poisson, within 4.4 sigma; cores are circles of 2 to 7 pixels radius."""
    hits = draw_hits(detector, REGION, TIMES, SEEDS, boost=1e3)
    for _ in range(1):
        balls = draw_snowballs(hits, detector, REGION, SEEDS)
    full = balls[balls["ELECTRONS"] >= FULL]
    mean_area = np.pi * (2**2 + 2 * 7 + 7**2) / 3
    expected = SNOWBALLS * len(hits)
    assert abs(len(full) / mean_area - expected) < 4.4 * 1.4 * np.sqrt(expected)
    assert np.all(balls["ELECTRONS"] >= 1)


def test_no_hits_no_shapes(detector: Detector) -> None:
    none = draw_hits(detector, REGION, TIMES, SEEDS, boost=0.0)
    assert len(draw_tracks(none, detector, REGION, SEEDS)) == len(draw_snowballs(none, detector, REGION, SEEDS)) == 0
