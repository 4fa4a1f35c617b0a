"""The table is complete and consistent; broken tables are refused in one line."""

from dataclasses import replace

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from iris_contract.errors import InputError
from iris_contract.scorecard import FAMILIES
from iris_validators import METRICS, Limits, load_specifications

SPECS = load_specifications()
FINDINGS = {"simulator.bad_pixels", "wavelength.pull_mean"}  # expected to fail, and to say so
ENTRY = {
    "title": "t",
    "unit": "1",
    "limits": [None, 1],
    "provenance": "engineering",
    "document": "d",
    "prediction": {"value": 0.5, "scatter": 0.1},
}
number = st.floats(-10, 10)


@pytest.mark.parametrize("name", SPECS)
def test_entry_is_consistent(name):
    spec = SPECS[name]
    assert spec.family in FAMILIES
    assert spec.unit == METRICS[spec.metric].unit
    assert (spec.limits.margin(spec.prediction.value) > 0) != (name in FINDINGS)
    counted = METRICS[spec.metric].kind in ("events", "pixels")
    assert (spec.prediction.events is not None) == counted
    assert (spec.prediction.scatter is not None) != counted
    if spec.goals:
        ends = (spec.goals.low, spec.goals.high)
        assert all(end is None or spec.limits.margin(end) >= 0 for end in ends)


@pytest.mark.parametrize("metric", sorted({s.metric for s in SPECS.values()}))
def test_no_row_is_judged_twice(metric):
    specs = [s for s in SPECS.values() if s.metric == metric]
    for setting in ("alone", "chain"):
        for condition in ("all", "rate=0.02", "rate=10", "rate=500", "output=3", "class=HOT", "significance>7"):
            assert sum(s.applies(setting, "gls", condition) for s in specs) <= 1


def test_patterns_say_where_it_applies():
    spec = SPECS["ramp.bias_chain"]
    assert spec.applies("chain", "gls", "rate=10")
    assert not spec.applies("chain", "gls", "rate=500")
    assert not spec.applies("alone", "gls", "rate=10")


def test_patterns_say_where_it_does_not_apply():
    gain = SPECS["gain.relative_error"]
    assert gain.applies("chain", "photon_transfer", "output=3")
    assert gain.applies("chain", "anybody's", "output=3")
    assert not gain.applies("chain", "photon_transfer_covariance", "output=3")
    mixed = replace(gain, conditions=("rate=*", "!rate=2"))
    assert [mixed.applies("chain", "x", c) for c in ("rate=1", "rate=2", "all")] == [True, False, False]


@pytest.mark.parametrize("metric", sorted({s.metric for s in SPECS.values()}))
def test_new_rows_are_judged_once_too(metric):
    specs = [s for s in SPECS.values() if s.metric == metric]
    conditions = ("class=TELEGRAPH", "link=right", "link=corner", "level=80000", "aperture=4x4 rate=10", "role=stars")
    for condition in (*conditions, "rows of an output", "alternating columns"):
        for algorithm in ("photon_transfer", "photon_transfer_covariance", "flag", "none", "model"):
            assert all(sum(s.applies(g, algorithm, condition) for s in specs) <= 1 for g in ("alone", "chain"))


def test_limits_in_words():
    assert [str(Limits(*pair)) for pair in ((None, 1), (0.5, None), (-1, 1))] == ["<= 1", ">= 0.5", "-1 to 1"]


@given(number, number, number, number)
def test_no_interval_is_both_inside_and_outside(a, b, c, d):
    limits, (low, high) = Limits(*sorted((a, b))), sorted((c, d))
    assert not (limits.holds(low, high) and limits.misses(low, high))
    assert limits.holds(low, low) == (limits.margin(low) >= 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"limits": [None, None]}, "at least one side"),
        ({"limits": [2, 1]}, "wrong order"),
        ({"limits": "wide"}, "wrong value"),
        ({"provenance": "rumour"}, "must be one of requirement, allocation, engineering"),
        ({"metric": "ramp.beauty"}, "no such metric"),
        ({"colour": "red"}, "unknown key"),
        ({"title": ...}, "missing key"),
        ({"prediction": {"mean": 1}}, "wrong value"),
    ],
)
def test_broken_entry_is_refused_in_one_line(tmp_path, change, message):
    entry = {key: value for key, value in (ENTRY | change).items() if value is not ...}
    path = tmp_path / "specs.yaml"
    path.write_text(yaml.safe_dump({"ramp.bias": entry}))
    with pytest.raises(InputError, match=message) as caught:
        load_specifications(path)
    assert "specs.yaml" in str(caught.value)
    assert "ramp.bias" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["[1, 2]", "a: [", "ramp.bias: 3", "!!python/object/apply:os.system [ls]"])
def test_broken_file_is_refused(tmp_path, text):
    (tmp_path / "specs.yaml").write_text(text)
    with pytest.raises(InputError):
        load_specifications(tmp_path / "specs.yaml")


def test_the_project_s_own_table_is_read_once_and_cannot_be_changed():
    """Each task of a run asks for it, some hundred times in all."""
    assert load_specifications() is load_specifications()
    with pytest.raises(TypeError):
        load_specifications()["ramp.bias"] = None


def test_missing_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="not readable"):
        load_specifications(tmp_path / "none.yaml")
