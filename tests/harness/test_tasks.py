"""Tasks: what is finished, what must run again."""

import json

import pytest

from iris_harness.tasks import Task, find_result, hash_source, make_key, run_task


def write_number(path, number):
    """A task's function: writes one file."""
    path.write_text(str(number))
    return [path], {"number": number}


@pytest.fixture
def task(tmp_path, monkeypatch):
    """A task that writes 7, with its function where workers would import it."""
    import iris_harness.tasks

    monkeypatch.setattr(iris_harness.tasks, "write_number", write_number, raising=False)
    return Task("seven", "test", "iris_harness.tasks:write_number", (tmp_path / "out.txt", 7), "key-1")


def test_a_task_is_finished_once_it_ran(tmp_path, task):
    assert find_result(tmp_path, task) is None
    done = run_task(tmp_path, task)
    assert done.content == {"number": 7}
    assert find_result(tmp_path, task) == done


@pytest.mark.parametrize("damage", ["delete", "change", "record", "key"])
def test_a_task_runs_again_when_anything_differs(tmp_path, task, damage):
    run_task(tmp_path, task)
    record = tmp_path / "log" / "tasks" / "seven.json"
    if damage == "delete":
        (tmp_path / "out.txt").unlink()
    elif damage == "change":
        (tmp_path / "out.txt").write_text("8")
    elif damage == "record":
        record.write_text(record.read_text()[:-20])
    else:
        task = Task(task.name, task.stage, task.call, task.arguments, "key-2")
    assert find_result(tmp_path, task) is None


def test_records_cannot_make_anything_run(tmp_path, task):
    run_task(tmp_path, task)
    record = tmp_path / "log" / "tasks" / "seven.json"
    content = json.loads(record.read_text())
    assert set(content) == {"key", "outputs", "content"}  # data only: no code, no names of functions


def test_key_depends_on_parameters_inputs_and_source():
    base = make_key({"a": 1}, ["x"], "s")
    assert base == make_key({"a": 1}, ["x"], "s")
    assert (
        len({base, make_key({"a": 2}, ["x"], "s"), make_key({"a": 1}, ["y"], "s"), make_key({"a": 1}, ["x"], "t")}) == 4
    )


def test_source_hash_tells_packages_and_modules_apart():
    assert hash_source("iris_contract") != hash_source("iris_harness.tasks")
    assert hash_source("iris_harness.tasks") == hash_source("iris_harness.tasks")


def write_tree(folder, files):
    """Make a package of files, by path."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@pytest.mark.parametrize("name", ["table.json", "inner/rows.tpn", "inner/code.py"])
def test_source_hash_covers_data_and_where_each_file_lies(tmp_path, monkeypatch, name):
    monkeypatch.syspath_prepend(tmp_path)
    write_tree(tmp_path / "hashed", {"__init__.py": "raise ImportError", "a/rows.tpn": "1", "b/rows.tpn": "2"})

    def hash_now():
        hash_source.cache_clear()
        return hash_source("hashed")

    first = hash_now()
    write_tree(tmp_path / "hashed", {"__pycache__/code.pyc": "compiled", ".hidden": "by an editor"})
    assert hash_now() == first
    write_tree(tmp_path / "hashed", {"a/rows.tpn": "2", "b/rows.tpn": "1"})  # the names and the contents are the same
    moved = hash_now()
    assert moved != first
    write_tree(tmp_path / "hashed", {name: "new"})
    assert hash_now() not in (first, moved)
    hash_source.cache_clear()


PARTIAL = """
from my_package.weights import weigh
from iris_reduction.ramp.linear import make_linear_fitter
mine = make_linear_fitter(weigh)
"""
WEIGHTS = "def weigh(times): return times"


@pytest.mark.parametrize(
    ("family_name", "changed"),
    [("ramp", "weights.py"), ("image", "deep/table.csv"), ("gain", "weights.py"), ("reference_pixel", "weights.py")],
)
def test_a_plug_in_runs_again_when_any_file_of_its_package_changes(tmp_path, monkeypatch, family_name, changed):
    import sys
    from importlib.metadata import EntryPoint

    from iris_harness.algorithms import hash_algorithm
    from iris_reduction import family

    monkeypatch.syspath_prepend(tmp_path)
    files = {"__init__.py": "", "ends.py": PARTIAL, "weights.py": WEIGHTS, "deep/table.csv": "1"}
    write_tree(tmp_path / "my_package", files)
    points = [EntryPoint("mine", "my_package.ends:mine", "any")]
    monkeypatch.setattr(family, "entry_points", lambda group: points)
    first = hash_algorithm(family_name, "mine")
    hash_source.cache_clear()
    assert hash_algorithm(family_name, "mine") == first != hash_algorithm(family_name, "gls")
    write_tree(tmp_path / "my_package", {changed: WEIGHTS + " # mended"})
    hash_source.cache_clear()
    assert hash_algorithm(family_name, "mine") != first
    for name in [name for name in sys.modules if name.partition(".")[0] == "my_package"]:
        del sys.modules[name]
    hash_source.cache_clear()


def test_functions_that_a_plug_in_takes_from_another_package_count_too(tmp_path, monkeypatch):
    import sys
    from importlib.metadata import EntryPoint

    from iris_reduction import family
    from iris_reduction.ramp.plugins import RAMP_FAMILY

    monkeypatch.syspath_prepend(tmp_path)
    write_tree(
        tmp_path, {"my_weights.py": WEIGHTS, "my_fitter.py": PARTIAL.replace("my_package.weights", "my_weights")}
    )
    points = [EntryPoint("mine", "my_fitter:mine", "iris_testbed.ramp")]
    monkeypatch.setattr(family, "entry_points", lambda group: points)
    assert {"my_fitter", "my_weights"} <= set(RAMP_FAMILY.list_packages("mine"))
    assert RAMP_FAMILY.list_packages("gls") == ()
    for name in ("my_weights", "my_fitter"):
        del sys.modules[name]
