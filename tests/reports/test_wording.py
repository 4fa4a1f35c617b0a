"""Numbers, units and verdicts as words."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iris_contract.scorecard import VERDICTS
from iris_reports.wording import (
    VERDICT_MEANINGS,
    describe_range,
    describe_value,
    format_number,
    humanize,
    make_slug,
    parse_number,
    print_powers,
    summarize_counts,
)


@pytest.mark.parametrize(
    ("value", "scale", "text"),
    [
        (1.00123, 0.0009, "1.00123"),
        (1.00123, 0.02, "1.001"),
        (-0.5, None, "−0.5"),
        (-0.00001, 0.1, "0.00"),
        (1.867e-5, None, "1.867×10⁻⁵"),
        (math.nan, None, "not a number"),
        (-math.inf, 1.0, "minus infinity"),
        (None, None, "none"),
    ],
)
def test_numbers_show_the_digits_that_were_measured(value: float | None, scale: float | None, text: str) -> None:
    assert format_number(value, scale) == text


@given(st.floats(), st.floats() | st.none())
def test_any_number_can_be_printed(value: float, scale: float | None) -> None:
    assert format_number(value, scale)


def test_values_carry_interval_and_unit() -> None:
    assert describe_value(1.0012, 1.0003, 1.0021, "1") == "1.00120 (1.00030 to 1.00210)"
    assert describe_value(1.35e-4, 1.13e-4, 1.6e-4, "1/pixel") == "1.35 (1.13 to 1.60) ×10⁻⁴ per pixel"
    assert describe_value(2.0, None, None, "electron/s") == "2 e⁻/s (no interval)"
    assert describe_value(None, None, None) == "not measured"
    assert describe_value(0.0, 0.0, 0.0) == "0 (0 to 0)"


@given(st.floats(), st.floats(), st.floats())
def test_any_value_can_be_described(value: float, low: float, high: float) -> None:
    assert describe_value(value, low, high)


def test_ranges_in_words() -> None:
    assert describe_range(-0.01, 0.01, "sigma") == "within ±0.01 σ"
    assert describe_range(None, 1.02) == "at most 1.02"
    assert describe_range(0.99, None) == "at least 0.99"
    assert describe_range(0.97, 1.03) == "0.97 to 1.03"
    assert describe_range(None, None) == "none"


@pytest.mark.parametrize(
    ("counts", "text"),
    [
        ({"PASS": 31, "FAIL": 5, "INCONCLUSIVE": 4}, "31 of 40 judgements pass, 5 fail and 4 are inconclusive"),
        ({"PASS": 2}, "both judgements pass"),
        ({"NOT_MEASURED": 1}, "the one judgement is not measured"),
        ({"FAIL": 3, "ERROR": 1}, "none of 4 judgements pass, 3 fail and 1 ended in an error"),
        ({}, "nothing was judged"),
    ],
)
def test_counts_become_a_sentence(counts: dict[str, int], text: str) -> None:
    assert summarize_counts({verdict: counts.get(verdict, 0) for verdict in VERDICTS}) == text


def test_every_verdict_has_a_meaning() -> None:
    assert tuple(VERDICT_MEANINGS) == VERDICTS


def test_names() -> None:
    assert humanize("rms_over_crb") == "rms over CRB"
    assert humanize("errors times 0.8") == "errors times 0.8"
    assert make_slug("ramp", "<script>A&b") == "ramp-script-a-b"
    assert make_slug("...") == "x"


def test_numbers_of_json() -> None:
    assert parse_number("Infinity") == math.inf
    assert parse_number(3) == 3.0
    assert parse_number(True) is None
    assert parse_number("many") is None


def test_powers_and_signs_are_set_as_in_print() -> None:
    text = "10^4 pixels, 1.3e-4 and 1e5 at 500 e-/s, 68 +- 1.5 %, better than -0.060, a 4.5-sigma test, H4RG-10"
    assert print_powers(text) == (
        "10⁴ pixels, 1.3×10⁻⁴ and 1×10⁵ at 500 e⁻/s, 68 ± 1.5 %, better than −0.060, a 4.5-sigma test, H4RG-10"
    )


def test_numbers_in_names_stay_whole() -> None:
    assert humanize("error_times_0.8") == "error times 0.8"
