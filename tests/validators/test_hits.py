"""Hits of truth: significance by hand, several hits of a pixel, and what does not count."""

from dataclasses import replace

import numpy as np
import pytest

from iris_contract import DQ
from iris_validators.evidence import read_image
from iris_validators.hits import find_hits

RATE, SIGMA = 10.0, np.sqrt(10.0 * 10 + 2 * (121 + 4 / 12))
EVENTS = [(1, 2, 0, 5, 100.0), (1, 2, 0, 5, 50.0), (1, 2, 0, 9, 60.0), (3, 0, 0, 1, 700.0), (2, 2, 0, 0, 999.0)]
SATURATED = (0, 0, 0, 4, 5000.0)


@pytest.fixture
def hits(bench):
    return find_events(bench)


def find_events(bench, **cards):
    scene, cause = np.full((4, 6), RATE), np.zeros((4, 6), "u4")
    for y, x, *_ in EVENTS:
        cause[y, x] = DQ["JUMP_DET"]
    cause[0, 0] = DQ["JUMP_DET"] | DQ["SATURATED"]
    cause[1, 1] = DQ["JUMP_DET"]  # beside it
    bench.image("a.fits", scene, scene)
    truth = bench.truth("a.fits", scene, cause=cause, events=[*EVENTS, SATURATED, (1, 1, 0, 4, 500.0)])
    evidence = read_image(bench.root, bench.row("a.fits", "RateModel", truth))
    return find_hits(replace(evidence, image=replace(evidence.image, header=evidence.image.header | cards)))


def test_places_and_significance(hits):
    assert hits.shape == (4, 6, 1, 20)
    assert hits.places.T.tolist() == [[1, 2, 0, 5], [1, 2, 0, 9], [3, 0, 0, 1]]
    assert hits.significance == pytest.approx(np.array([150, 60, 700]) / SIGMA)


def test_pixels_differences_and_weakest(hits):
    assert np.argwhere(hits.pixels).tolist() == [[1, 2], [3, 0]]
    assert [np.flatnonzero(row).tolist() for row in hits.omitted[:, 0]] == [[4, 8], [0]]
    assert hits.weakest[hits.pixels] == pytest.approx(np.array([60, 700]) / SIGMA)


@pytest.mark.parametrize(
    ("first", "reads"),
    [(0, [5, 9, 1]), (1, [5, 9]), (2, [5, 9]), (5, [5, 9, 1]), (-3, [5, 9, 1]), (True, [5, 9])],
)
def test_hits_before_the_first_read_that_was_used_leave_no_trace(bench, first, reads):
    assert find_events(bench, FIRSTRD=first).places[3].tolist() == reads


def test_no_hits(bench):
    bench.image("b.fits", np.ones((4, 6)), np.ones((4, 6)))
    truth = bench.truth("b.fits", np.ones((4, 6)))
    hits = find_hits(read_image(bench.root, bench.row("b.fits", "RateModel", truth)))
    assert hits.significance.size == 0
    assert hits.omitted.shape == (0, 1, 19)
    assert not hits.pixels.any()
