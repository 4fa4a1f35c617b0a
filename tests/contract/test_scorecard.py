"""Contract 3, the scorecard: schema, row fields, vocabularies, round trip and refusals."""

import json
import math
from dataclasses import asdict, fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iris_contract.errors import InputError
from iris_contract.scorecard import (
    FAMILIES,
    SCORECARD_SCHEMA,
    VERDICTS,
    Scorecard,
    ScoreRow,
    read_scorecard,
    write_scorecard,
)

FIELDS = {
    **dict.fromkeys(["metric", "family", "algorithm", "setting", "condition", "mode", "detector", "scenario"], "str"),
    **dict.fromkeys(["nights", "n_excluded"], "int"),
    "value": "float | None",
    "unit": "str",
    **dict.fromkeys(["low", "high"], "float | None"),
    "method": "str",
    **dict.fromkeys(["limit_low", "limit_high", "goal_low", "goal_high"], "float | None"),
    "goal_met": "bool | None",
    **dict.fromkeys(["verdict", "reason", "provenance", "requirement", "context", "seeds"], "str"),
    "artifacts": "tuple[str, ...]",
    "reproduce": "str",
    "level": "float",
}
STRATEGIES = {
    "str": st.text(st.characters(codec="utf-8"), max_size=12),
    "int": st.integers(0, 2**40),
    "float": st.floats(),
    "float | None": st.none() | st.floats(),
    "bool | None": st.none() | st.booleans(),
    "tuple[str, ...]": st.lists(st.text(st.characters(codec="utf-8"), max_size=12), max_size=3).map(tuple),
}
score_rows = st.builds(
    ScoreRow,
    **{name: STRATEGIES[kind] for name, kind in FIELDS.items()}
    | {"verdict": st.sampled_from(VERDICTS), "family": st.sampled_from(FAMILIES)},
)


def make_row(**change):
    values = {"str": "", "int": 0, "float": 0.95, "float | None": None, "bool | None": None, "tuple[str, ...]": ()}
    row = {name: values[kind] for name, kind in FIELDS.items()} | {"verdict": "PASS", "family": "ramp"}
    return ScoreRow(**row | change)


def same(left, right):
    """Equal, where NaN equals NaN and the sign of zero counts."""
    if isinstance(left, float):
        return isinstance(right, (float, int)) and repr(left) == repr(float(right))
    return left == right


def save(path, change=None, **top):
    entry = asdict(make_row()) | {"artifacts": []} | (change or {})
    path.write_text(json.dumps({"schema": SCORECARD_SCHEMA, "run": {}, "rows": [entry]} | top), "utf-8")
    return path


def test_schema_and_fields_are_frozen():
    assert SCORECARD_SCHEMA == "iris-testbed/scorecard/1"
    assert {f.name: f.type for f in fields(ScoreRow)} == FIELDS


def test_verdicts_and_families_are_frozen():
    assert VERDICTS == ("PASS", "FAIL", "INCONCLUSIVE", "NOT_MEASURED", "NOT_APPLICABLE", "ERROR")
    assert " ".join(FAMILIES) == (
        "ramp jump snowball reference_pixel linearity saturation gain read_noise persistence ipc dark flat bad_pixel "
        "image wavelength wavelength_map rectification extract distortion psf sky telluric flux dispersion metadata "
        "simulator"
    )


@given(st.lists(score_rows, max_size=3))
def test_round_trip_keeps_every_number(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("scores") / "scorecard.json"
    write_scorecard(path, Scorecard({"scenario": "quick", "seed": 1}, tuple(rows)))
    read = read_scorecard(path)
    assert read.run == {"scenario": "quick", "seed": 1}
    assert len(read.rows) == len(rows)
    for before, after in zip(rows, read.rows, strict=True):
        assert all(same(getattr(before, name), getattr(after, name)) for name in FIELDS)


def test_non_finite_numbers_are_words_in_strictly_plain_json(tmp_path):
    path = tmp_path / "scorecard.json"
    write_scorecard(path, Scorecard({}, (make_row(value=math.nan, low=-math.inf, high=math.inf),)))

    def refuse(word):
        raise AssertionError(f"{word} is no JSON")

    (entry,) = json.loads(path.read_text(), parse_constant=refuse)["rows"]
    assert (entry["value"], entry["low"], entry["high"]) == ("NaN", "-Infinity", "Infinity")


def test_a_text_field_that_reads_nan_stays_text(tmp_path):
    path = tmp_path / "scorecard.json"
    write_scorecard(path, Scorecard({}, (make_row(condition="NaN"),)))
    assert read_scorecard(path).rows[0].condition == "NaN"


@pytest.mark.parametrize(("key", "value"), [("verdict", "pass"), ("verdict", ""), ("family", "ramps")])
def test_unknown_verdict_or_family_cannot_be_made(key, value):
    with pytest.raises(InputError, match="must be one of"):
        make_row(**{key: value})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"value": "large"}, "value='large': row 1: must be of type float | None"),
        ({"value": True}, "must be of type float | None"),
        ({"nights": 1.5}, "must be of type int"),
        ({"nights": None}, "must be of type int"),
        ({"artifacts": "a.png"}, "must be of type tuple"),
        ({"artifacts": None}, "must be of type tuple"),
        ({"artifacts": [1]}, "must be of type tuple"),
        ({"goal_met": "yes"}, "must be of type bool | None"),
        ({"reason": None}, "must be of type str"),
        ({"verdict": "MAYBE"}, "verdict='MAYBE': row 1: must be one of PASS"),
        ({"p_value": 0.1}, "p_value=0.1: row 1: missing or unknown field"),
    ],
)
def test_wrong_row_is_refused_in_one_line(tmp_path, change, told):
    with pytest.raises(InputError) as caught:
        read_scorecard(save(tmp_path / "s.json", change))
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("top", [{"rows": None}, {"rows": {}}, {"rows": [3]}, {"run": None}, {"schema": "other"}])
def test_wrong_file_is_refused(tmp_path, top):
    with pytest.raises(InputError):
        read_scorecard(save(tmp_path / "s.json", **top))


@pytest.mark.parametrize("text", ["", "[]", "{", "null", "[" * 100_000])
def test_broken_file_is_refused(tmp_path, text):
    (tmp_path / "s.json").write_text(text)
    for path in (tmp_path / "s.json", tmp_path / "none.json", tmp_path):
        with pytest.raises(InputError, match=path.name):
            read_scorecard(path)
