"""The exception tree, and that every message is one line."""

import inspect
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iris_contract import errors

TREE = {
    "TestbedError": "Exception",
    "InputError": "TestbedError",
    "LayoutError": "InputError",
    "ScenarioError": "InputError",
    "ManifestError": "InputError",
    "ReferenceFileError": "InputError",
    "RunDirectoryError": "InputError",
}


def test_tree_is_frozen():
    found = {name: kind.__base__.__name__ for name, kind in inspect.getmembers(errors, inspect.isclass)}
    assert {name: base for name, base in found.items() if name != "Path"} == TREE
    assert set(errors.__all__) == set(TREE)


def test_all_end_with_status_two():
    assert {getattr(errors, name).exit_status for name in TREE} == {2}


@given(st.text(), st.none() | st.text(), st.none() | st.text(), st.text() | st.floats() | st.lists(st.integers()))
def test_message_is_one_line_whatever_it_is_told(problem, file, key, value):
    assert len(str(errors.InputError(problem, file=file, key=key, value=value)).splitlines()) <= 1


def test_message_names_file_key_value_and_problem():
    error = errors.LayoutError("must be one of H, K", file="a.fits", key="FILTER", value="Q")
    assert str(error) == "a.fits: FILTER='Q': must be one of H, K"


@pytest.mark.parametrize("name", [name for name in TREE if name != "TestbedError"])
def test_errors_survive_the_way_back_from_a_worker_process(name):
    sent = getattr(errors, name)("is wrong", file="x.yaml:3", key="nights", value=-1)
    received = pickle.loads(pickle.dumps(sent))
    assert type(received) is type(sent)
    assert (str(received), received.key, received.value) == (str(sent), "nights", -1)
