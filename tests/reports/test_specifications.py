"""Words on specifications: installed ones, and those that a scorecard brings along."""

from __future__ import annotations

import pytest

from iris_reports.specifications import read_outside, read_specifications
from iris_validators.specification import load_specifications


def test_the_installed_table_is_the_ground() -> None:
    assert read_specifications({})["ramp.bias"].limits.startswith("within ±")


def test_a_scorecards_own_words_win() -> None:
    own = {"title": "Mine", "limits": "<= 3", "metric": "ramp.bias", "provenance": "requirement", "document": "X-1"}
    table = read_specifications({"specifications": {"ramp.bias": own, "my.own": {"title": "New"}}})
    assert (table["ramp.bias"].title, table["ramp.bias"].limits) == ("Mine", "<= 3")
    assert (table["my.own"].metric, table["my.own"].document) == ("my.own", "")


def test_a_note_and_what_is_predicted_come_along() -> None:
    spec = read_specifications({})["wavelength.pull_mean"]
    assert "must FAIL" in spec.note
    assert spec.predicted == f"{load_specifications()[spec.id].prediction.value:g} ± 0.5".replace("-", "−")
    brought = {"specifications": {"my.own": {"title": "New", "note": "Mind this"}}}
    assert read_specifications(brought)["my.own"].note == "Mind this"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ramp.bias", "0 ± 0.0046 σ"),
        ("ramp.pull_width", "0.974 ± 0.33 %"),
        ("ramp.yield", "0.9999, of 15700 in a night"),
    ],
)
def test_predictions_in_words(name: str, words: str) -> None:
    assert read_specifications({})[name].predicted == words


@pytest.mark.parametrize("broken", [None, [], "x", {"a": 3}])
def test_anything_else_is_left_out(broken: object) -> None:
    assert read_specifications({"specifications": broken}) == read_specifications({})


def test_what_lies_outside_the_scenario() -> None:
    table = read_specifications({})
    assert read_outside({"outside": ["ramp.bias", "no.such"]}, set(), table) == ["ramp.bias"]
    assert "ramp.bias" not in read_outside({}, {"ramp.bias"}, table)
    assert "dark.chi2" in read_outside({}, {"ramp.bias"}, table)
