import json

import numpy as np
import pytest

from iris_contract.errors import InputError, LayoutError
from iris_reduction.sets import find_role, make_set, read_set


@pytest.fixture
def write_set(tmp_path):
    def write(**content):
        path = tmp_path / "set.json"
        path.write_text(json.dumps({"schema": "iris-testbed/set/1", "kind": "flat"} | content), "utf-8")
        return path

    return write


@pytest.mark.parametrize(
    ("header", "role"),
    [
        ({"IMTYPE": "DRK"}, "dark"),
        ({"IMTYPE": "NFF", "CALLAMP": "FLAT", "CALSHUT": "OPEN"}, "flat_on"),
        ({"IMTYPE": "NFF", "CALLAMP": "FLAT", "CALSHUT": "CLOSED"}, "flat_off"),
        ({"IMTYPE": "NFF", "CALLAMP": "NONE"}, "flat_off"),
        ({"IMTYPE": "SCI"}, "SCI"),
    ],
)
def test_roles_come_from_headers(header, role):
    assert find_role(header) == role


def test_order_is_that_of_observation_and_names_are_relative(night, tmp_path):
    files = night.flats("high", "off", "low")
    path = night.folder / "set.json"
    content = {"schema": "iris-testbed/set/1", "kind": "flat", "files": [f.name for f in files[:2]] + [str(files[2])]}
    path.write_text(json.dumps(content), "utf-8")
    members = read_set(path)
    assert list(members.files) == night.flats("off", "low", "high")
    assert members.select("flat_off") == night.flats("off")
    with pytest.raises(InputError, match="has no dark exposure"):
        members.select("dark")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"schema": "other"}, "schema='other'"),
        ({"kind": 3, "files": []}, "kind=3"),
        ({"kind": "nothing", "files": ["F"]}, "kind='nothing'"),
        ({"files": "F"}, "files='F'"),
        ({"files": []}, "lists no files"),
        ({"files": ["absent.fits"]}, "no such file"),
    ],
)
def test_broken_sets_are_refused_in_one_line(write_set, night, content, told):
    if content.get("files") == ["F"]:
        content = content | {"files": [str(night.raw["dark"])]}
    with pytest.raises((InputError, LayoutError)) as caught:
        read_set(write_set(**content))
    assert told in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_file_that_stands_twice_is_named(night):
    dark = night.raw["dark"]
    with pytest.raises(InputError, match=rf"{dark.name}: files='{dark.name}': stands twice in the dark set"):
        make_set("dark", [dark, dark.parent / ".." / dark.parent.name / dark.name])


def test_no_json(tmp_path):
    (tmp_path / "a.json").write_text("{", "utf-8")
    with pytest.raises(LayoutError, match="not readable as JSON"):
        read_set(tmp_path / "a.json")
    with pytest.raises(LayoutError, match="no such file"):
        read_set(tmp_path / "b.json")


@pytest.mark.parametrize(("key", "value"), [("DETECTOR", "IMG2"), ("FILTER", "K"), ("XSTART", 65)])
def test_members_must_agree(night, synthetic, tmp_path, key, value):
    reads = np.zeros((*synthetic.region.shape, 1, 2), np.uint16)
    odd = synthetic.write_raw(tmp_path / "odd.fits", reads, [0.0, 5.0], IMTYPE="NFF", **{key: value})
    with pytest.raises(InputError, match=key):
        make_set("flat", [night.raw["high"], odd])
    if key == "FILTER":  # no match key of a bad pixel map
        assert len(make_set("mask", [night.raw["high"], odd]).files) == 2
