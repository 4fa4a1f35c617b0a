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
