"""An interruption leaves the old file or the new one, and nothing else."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from iris_contract import Ramp
from iris_contract.atomic import hash_file, replace_file, write_json, write_text
from iris_contract.errors import LayoutError, RunDirectoryError
from iris_contract.fitsio import write_layout


def list_names(folder):
    return sorted(path.name for path in folder.iterdir())


def write_half(path, error):
    with replace_file(path) as temporary:
        temporary.write_text("half of the n")
        raise error


def test_block_that_succeeds_replaces_the_file_and_makes_its_folder(tmp_path):
    path = tmp_path / "new" / "deep" / "a.txt"
    for text in ("old", "new"):
        write_text(path, text)
    assert path.read_text() == "new"
    assert list_names(path.parent) == ["a.txt"]


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, LayoutError])
def test_block_that_fails_leaves_the_old_file_and_no_temporary(tmp_path, kind):
    path = tmp_path / "a.txt"
    write_text(path, "old")
    with pytest.raises(kind):
        write_half(path, kind("stop"))
    assert path.read_text() == "old"
    assert list_names(tmp_path) == ["a.txt"]


def test_temporary_is_beside_the_file_and_keeps_its_extension(tmp_path):
    with replace_file(tmp_path / "a.fits") as temporary:
        temporary.write_text("")
        assert temporary.parent == tmp_path
        assert temporary.suffix == ".fits"
        assert temporary.name != "a.fits"


def test_full_disk_is_told_in_one_line(tmp_path):
    with pytest.raises(RunDirectoryError, match="cannot write: No space left") as caught:
        write_half(tmp_path / "a.txt", OSError(28, "No space left on device"))
    assert "\n" not in str(caught.value)
    assert list_names(tmp_path) == []


def test_folder_that_is_a_file_is_told(tmp_path):
    (tmp_path / "run").write_text("in the way")
    for path in (tmp_path / "run" / "a.json", tmp_path / "run" / "raw" / "a.json"):
        with pytest.raises(RunDirectoryError, match="cannot write"):
            write_json(path, {})


def test_file_that_is_a_folder_is_told(tmp_path):
    (tmp_path / "a.json").mkdir()
    with pytest.raises(RunDirectoryError, match="cannot write"):
        write_json(tmp_path / "a.json", {})
    assert list_names(tmp_path) == ["a.json"]


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write everywhere")
def test_read_only_folder_is_told(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(RunDirectoryError, match="Permission denied"):
        write_text(tmp_path / "a.txt", "")


def test_denied_folder_is_told(tmp_path, monkeypatch):
    def deny(*_args, **_more):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", deny)
    with pytest.raises(RunDirectoryError, match="cannot write: Permission denied"):
        write_text(tmp_path / "run" / "a.txt", "")


def test_file_missing_inside_the_block_is_not_mistaken_for_the_target(tmp_path):
    with pytest.raises(FileNotFoundError, match="other"), replace_file(tmp_path / "a.txt"):
        (tmp_path / "other").read_text()


def test_json_is_sorted_and_strict(tmp_path):
    path = tmp_path / "a.json"
    write_json(path, {"b": 1, "a": [1.5, "é"]})
    assert path.read_text() == '{\n  "a": [\n    1.5,\n    "\\u00e9"\n  ],\n  "b": 1\n}\n'
    with pytest.raises(ValueError, match="Out of range"):
        write_json(path, {"a": float("nan")})
    assert json.loads(path.read_text())["b"] == 1


def test_hash_is_sha256(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert hash_file(tmp_path / "a") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_frame_that_breaks_its_layout_leaves_the_old_file(tmp_path, frame):
    path = tmp_path / "ramp.fits"
    ramp = frame("RampModel")
    ramp.write(path)
    before = path.read_bytes()
    with pytest.raises(LayoutError, match="HDU DATA must be uint16"):
        Ramp(ramp.header, ramp.reads.astype("f4"), ramp.times).write(path)
    assert path.read_bytes() == before
    assert list_names(tmp_path) == ["ramp.fits"]


def test_the_same_frame_gives_the_same_bytes(tmp_path, frame):
    for name in ("a.fits", "b.fits"):
        frame("TruthModel").write(tmp_path / name)
    assert hash_file(tmp_path / "a.fits") == hash_file(tmp_path / "b.fits")


@pytest.mark.parametrize(
    ("key", "value"),
    [("AUTHOR", "Ångström"), ("RA", float("nan")), ("FILTER", ["H"]), ("TOO_LONG_KEY", 1), ("AUTHOR", "two\nlines")],
)
def test_value_that_no_card_can_hold_is_named(tmp_path, key, value):
    with pytest.raises(LayoutError, match=key) as caught:
        write_layout(tmp_path / "a.fits", "MaskModel", {key: value}, {"DQ": np.zeros((2, 2), "u4")})
    assert "\n" not in str(caught.value)
    assert list_names(tmp_path) == []
