"""The algorithms that scenarios can name."""

import sys
from importlib.metadata import EntryPoint
from types import ModuleType

import pytest

from iris_harness.algorithms import CALIBRATORS, STEP_METHODS, find_broken, list_algorithms, require_algorithm
from iris_harness.calibrate import CALIBRATIONS, Group, calibrate_night
from iris_harness.deliver import create_initial
from iris_reduction import family as reduction_family
from iris_reports.catalogue import describe_family
from iris_validators import FAMILY_MODELS


def test_every_calibration_has_its_algorithm():
    assert set(CALIBRATORS) == set(CALIBRATIONS)
    assert {(r["family"], r["name"]) for r in list_algorithms()} >= {
        (family, name) for family, names in CALIBRATORS.items() for name in names
    }


def test_nothing_is_listed_twice():
    names = [(row["family"], row["name"]) for row in list_algorithms()]
    assert len(names) == len(set(names))


def fail(*arguments, **options):
    raise ZeroDivisionError("of mine")


@pytest.fixture
def plug_ins(monkeypatch):
    """Two packages that each family is offered: one that fails when it is called, one that cannot be loaded."""
    package = ModuleType("my_estimators")
    package.good = fail
    monkeypatch.setitem(sys.modules, "my_estimators", package)
    points = [EntryPoint("mine", "my_estimators:good", "any"), EntryPoint("lost", "my_estimators:none", "any")]
    monkeypatch.setattr(reduction_family, "entry_points", lambda group: points)


@pytest.mark.parametrize(
    "family", ["ramp", "gain", "read_noise", "linearity", "reference_pixel", "snowball", "wavelength"]
)
def test_installed_algorithms_are_listed_with_what_is_wrong_with_them(plug_ins, family):
    found = {row["name"]: row for row in list_algorithms() if row["family"] == family}
    assert (found["mine"]["origin"], found["mine"]["state"]) == ("plug-in", "ready")
    assert "AttributeError" in found["lost"]["state"]
    require_algorithm(family, "mine")
    with pytest.raises(RuntimeError, match="cannot be loaded: my_estimators:none: AttributeError"):
        require_algorithm(family, "lost")


def test_what_cannot_be_used_is_found_once_before_it_is_used(plug_ins):
    pairs = [("ramp", "gls"), ("ramp", "mine"), ("ramp", "lost"), ("jump", "lost"), ("ipc", "lost")]
    ramp, ipc = find_broken(pairs)
    assert ramp.startswith(
        "ramp lost cannot be used, so its verdicts will be ERROR: my_estimators:none: AttributeError"
    )
    assert ipc.endswith("the family ipc takes no plug-ins; it has neighbour_covariance")


def test_a_file_of_our_own_that_cannot_be_imported_is_found_too(monkeypatch):
    monkeypatch.setitem(sys.modules, "iris_reduction.ramp.ols", None)
    (line,) = find_broken([("ramp", "ols"), ("ramp", "gls")])
    assert line.startswith("ramp ols cannot be used, so its verdicts will be ERROR: ModuleNotFoundError")


def test_nothing_that_ships_is_broken():
    assert list(find_broken((row["family"], row["name"]) for row in list_algorithms())) == []


@pytest.mark.parametrize(("family", "names"), [*CALIBRATORS.items(), *STEP_METHODS.items()])
def test_no_plug_in_is_passed_over_in_silence(plug_ins, family, names):
    """Where a family takes none, they are listed with that reason, and ERROR rows where a scenario names them."""
    found = {row["name"]: row for row in list_algorithms() if row["family"] == family}
    assert set(found) == {*names, "mine", "lost"}
    for name in names:
        assert (found[name]["origin"], found[name]["state"]) == ("built in", "ready")
        require_algorithm(family, name)
    if found["mine"]["state"] != "ready":
        assert found["lost"]["state"] == f"the family {family} takes no plug-ins; it has {', '.join(names)}"
        with pytest.raises(RuntimeError, match=f"cannot be loaded: the family {family} takes no plug-ins"):
            require_algorithm(family, "mine")


def test_the_families_that_take_plug_ins(plug_ins):
    """`ipc` and `persistence` have no protocol of arrays that a package could follow."""
    ready = {row["family"] for row in list_algorithms() if (row["name"], row["state"]) == ("mine", "ready")}
    assert ready == {"ramp", "gain", "read_noise", "linearity", "reference_pixel", "snowball", "wavelength"}


def test_a_plug_in_with_the_name_of_a_method_does_not_hide_it(monkeypatch):
    points = [EntryPoint("flag", "my_estimators:good", "any")]
    monkeypatch.setattr(reduction_family, "entry_points", lambda group: points)
    states = {row["name"]: row["state"] for row in list_algorithms() if row["family"] == "persistence"}
    assert states.pop("flag") == states.pop("model") == "ready"
    assert list(states) == ["flag (my_estimators:good)"]


def test_what_a_calibration_plug_in_raises_is_its_own_failure(plug_ins, tmp_path, monkeypatch):
    def make(kind, files, out, overrides, parameters):
        fail()

    create_initial(tmp_path)
    monkeypatch.setattr("iris_reduction.pipelines.make_reference", make)
    plan = [Group("gain", ("mine", "lost"), (("DETECTOR", "IFU"),), (), tmp_path)]
    paths, content = calibrate_night(tmp_path, "chain", 1, plan, {})
    assert (paths, content["rows"]) == ([], [])
    reasons = {entry["algorithm"]: entry["reason"] for entry in content["failures"]}
    assert {entry["detector"] for entry in content["failures"]} == {"IFU"}
    assert reasons["mine"] == "ZeroDivisionError: of mine"
    assert "RuntimeError: cannot be loaded" in reasons["lost"]


def test_the_report_describes_every_algorithm_that_is_judged():
    """One without a sentence would be shown as somebody else's."""
    for row in list_algorithms():
        if row["origin"] == "built in" and row["family"] in FAMILY_MODELS:
            family = describe_family(row["family"])
            assert family.judged
            assert row["name"] in family.algorithms
