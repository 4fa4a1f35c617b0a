"""Leaderboards: order, shared places, intervals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from iris_reports.ranking import Leaderboard, make_leaderboards
from iris_validators.measurement import combine
from iris_validators.sample import Sample


def _samples(algorithm: str, values: list[float], setting: str = "alone") -> list[Sample]:
    return [
        Sample("ramp.rms_over_crb", "ramp", algorithm, setting, condition, night, "ratio", "1", value)
        for night, value in enumerate(values, 1)
        for condition in ("rate=1", "rate=2")
    ]


def test_best_first_with_paired_distance() -> None:
    noise = np.random.default_rng(1).normal(0, 0.1, 6)  # common to both: the pairing removes it
    good, bad = (1 + noise).tolist(), (1.02 + noise).tolist()
    (board,) = make_leaderboards(_samples("bad", bad) + _samples("good", good))
    assert [(s.place, s.algorithm) for s in board.standings] == [(1, "good"), (2, "bad")]
    assert board.leaders == ["good"]
    assert (board.nights, board.conditions) == (6, 2)
    first, second = board.standings
    assert first.difference is None
    assert second.difference == pytest.approx(0.02)
    assert second.difference_low == pytest.approx(0.02)
    assert first.low is not None
    assert first.high is not None
    assert first.high - first.low > 0.05  # its own interval keeps the common noise


def test_detectors_have_boards_of_their_own() -> None:
    """The imager's first; what ranks first on one detector may rank last on another."""
    samples = _samples("a", [1.0, 1.1]) + _samples("b", [2.0, 2.1])
    other = [replace(s, detector="IFU", value=3 - s.value) for s in samples]
    boards = make_leaderboards(other + [replace(s, detector="IMG1") for s in samples])
    assert [(b.detector, b.nights, b.standings[0].algorithm) for b in boards] == [("IMG1", 2, "a"), ("IFU", 2, "b")]


def test_equals_share_a_place_and_say_so() -> None:
    random = np.random.default_rng(2)
    a, b = random.normal(1, 0.1, 6).tolist(), random.normal(1, 0.1, 6).tolist()
    (board,) = make_leaderboards(_samples("ols", a) + _samples("gls", b))
    assert {s.place for s in board.standings} == {1}
    assert {s.remark for s in board.standings} == {"equal with GLS", "equal with OLS"}


def test_a_column_has_the_digits_of_its_narrowest_interval() -> None:
    random = np.random.default_rng(3)
    wide, narrow = random.normal(2, 0.1, 6).tolist(), random.normal(1, 0.001, 6).tolist()
    (board,) = make_leaderboards(_samples("wide", wide) + _samples("narrow", narrow) + _samples("flat", [3.0] * 6))
    first = board.standings[0]
    assert (first.algorithm, board.scale) == ("narrow", (first.high - first.low) / 2)
    distances = [s.difference_high - s.difference_low for s in board.standings[1:]]
    assert board.distance_scale == min(distances) / 2


def test_nothing_to_rank() -> None:
    assert make_leaderboards([]) == []
    assert make_leaderboards(_samples("gls", [1.0, 1.1])) == []


def test_two_nights_give_no_interval() -> None:
    (board,) = make_leaderboards(_samples("a", [1.0, 1.1]) + _samples("b", [2.0, 2.1]))
    assert all(s.low is None for s in board.standings)
    assert board.scale is board.distance_scale is None


@pytest.mark.parametrize("nights", [1, 2])
def test_too_few_nights_rank_nobody_and_make_nobody_equal(nights: int) -> None:
    """No interval is not an interval that holds zero."""
    (board,) = make_leaderboards(_samples("a", [1.0, 1.1][:nights]) + _samples("b", [2.0, 2.1][:nights]))
    assert board.unranked == "not ranked: fewer than 3 nights"
    assert {s.place for s in board.standings} == {None}
    assert {s.remark for s in board.standings} == {""}
    assert board.leaders == []
    assert [s.algorithm for s in board.standings] == ["a", "b"]


def test_three_nights_rank() -> None:
    (board,) = make_leaderboards(_samples("a", [1.0, 1.1, 1.0]) + _samples("b", [2.0, 2.1, 2.0]))
    assert (board.unranked, [s.place for s in board.standings]) == ("", [1, 2])


def test_a_broken_algorithm_does_not_stop_the_others() -> None:
    samples = _samples("a", [1.0, 1.01, 1.02]) + _samples("b", [float("nan")] * 3)
    (board,) = make_leaderboards(samples)
    assert [(s.place, s.algorithm, s.remark) for s in board.standings] == [(1, "a", ""), (None, "b", "")]
    assert board.standings[1].low is None


def test_two_broken_algorithms_are_not_equal() -> None:
    """Without an interval nobody knows."""
    nothing = [float("nan")] * 3
    (board,) = make_leaderboards(_samples("a", nothing) + _samples("b", nothing) + _samples("c", [1.0, 1.1, 1.2]))
    assert [(s.place, s.algorithm, s.remark) for s in board.standings] == [
        (1, "c", ""),
        (None, "a", ""),
        (None, "b", ""),
    ]


def test_under_one_condition_the_figure_is_that_of_the_verdict() -> None:
    """The plain mean of these nights is 2.33, in the logarithm it is 2."""
    samples = [s for name, n in (("a", 1), ("b", 2)) for s in _samples(name, [n * v for v in (1.0, 2.0, 4.0)])]
    samples = [s for s in samples if s.condition == "rate=1"]
    (board,) = make_leaderboards(samples)
    judged = combine([s for s in samples if s.algorithm == "a"])
    first = board.standings[0]
    assert (first.value, first.low, first.high) == (judged.value, judged.low, judged.high)
    assert first.value == pytest.approx(2)


@pytest.mark.parametrize(
    ("metric", "heading", "meaning"),
    [
        ("ramp.rms_over_crb", "Rms error ÷ bound", "less is better, 1 is the best that can be done"),
        ("wavelength.residual", "Rms error of the wavelength between lines, pixels", "less is better"),
    ],
)
def test_a_figure_in_pixels_is_not_called_a_ratio(metric: str, heading: str, meaning: str) -> None:
    board = Leaderboard(metric.partition(".")[0], "chain", metric, 3, 1, ())
    assert (board.heading, board.meaning) == (heading, meaning)
