"""Conditions as places on an axis."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iris_reports.conditions import parse_condition


@pytest.mark.parametrize(
    ("text", "axis", "place", "words"),
    [
        ("rate=0.02", "rate", 0.02, "rate 0.02 e⁻/s"),
        ("rate=1e-05", "rate", 1e-5, "rate 1×10⁻⁵ e⁻/s"),
        ("significance=3-4.5", "significance", math.sqrt(13.5), "significance 3 to 4.5"),
        ("significance=50-inf", "significance", 75.0, "significance above 50"),
        ("significance>7", "", None, "significance > 7"),
        ("output=3", "output", 3.0, "output 3"),
        ("class=LOW_QE", "class", None, "LOW QE"),
        ("rate=2, size=4", "rate", 2.0, "rate 2 e⁻/s, size 4"),
        ("aperture=4x4 rate=0.02", "rate", 0.02, "rate 0.02 e⁻/s, aperture 4 × 4"),
        ("level=20000 role=flat", "level", 20000.0, "level 2×10⁴ e⁻, role flat"),
        ("all", "", None, "all"),
        ("", "", None, ""),
    ],
)
def test_conditions(text: str, axis: str, place: float | None, words: str) -> None:
    condition = parse_condition(text)
    assert condition.axis == axis
    assert condition.place == (pytest.approx(place) if place is not None else None)
    assert condition.words == words


@given(st.text(max_size=30))
def test_no_text_is_too_odd(text: str) -> None:
    condition = parse_condition(text)
    assert isinstance(condition.words, str)
    assert isinstance(condition.axis_label, str)


@given(st.floats(min_value=1e-6, max_value=1e6))
def test_numbers_survive(rate: float) -> None:
    assert parse_condition(f"rate={rate:.6g}").place == pytest.approx(rate, rel=1e-5)


def test_a_condition_of_several_words_says_what_they_are():
    where = parse_condition("filter=KN3 grating=4000-K scale=4 mask=FINE_MASK")
    assert where.place is None
    assert (where.words, where.axis_label) == ("KN3 4000-K 4 FINE MASK", "Condition")
