"""References are read once, and never from memory where the file is another."""

import os
import shutil

import numpy as np
import pytest

from iris_contract import Reference, Subarray
from iris_contract.errors import LayoutError, ReferenceFileError
from iris_reduction import references
from iris_reduction.references import read_reference

REGION = Subarray(1, 1, 64, 32)


@pytest.fixture
def reads(monkeypatch):
    """Paths that are really read, in order."""
    references._read_once.cache_clear()
    found = []
    real = Reference.read.__func__

    def spy(cls, path, *words):
        found.append(str(path))
        return real(cls, path, *words)

    monkeypatch.setattr(Reference, "read", classmethod(spy))
    return found


def gain_of(path, region=REGION):
    return read_reference(path, "gain", region).content["DATA"][0, 0]


def test_a_reference_is_read_once_for_each_region(synthetic, tmp_path, reads):
    path = synthetic.write_reference(tmp_path / "gain.fits", "gain", DATA=2.0)
    assert [gain_of(path), gain_of(str(path)), gain_of(path)] == [2, 2, 2]
    assert len(reads) == 1
    assert read_reference(path, "gain", Subarray(1, 1, 32, 32)).content["DATA"].shape == (32, 32)
    assert len(reads) == 2


def test_what_a_caller_does_to_it_stays_with_the_caller(synthetic, tmp_path):
    path = synthetic.write_reference(tmp_path / "gain.fits", "gain", DATA=2.0)
    mine = read_reference(path, "gain", REGION)
    mine.content["DATA"][:] = 0
    mine.content.pop("ERR")
    mine.header["DETECTOR"] = "IMG9"
    other = read_reference(path, "gain", REGION)
    expected = Reference.read(path, "gain", REGION)
    assert other.header == expected.header
    assert set(other.content) == set(expected.content)
    assert all(np.array_equal(plane, expected.content[name]) for name, plane in other.content.items())


def test_another_file_in_its_place_is_read(synthetic, tmp_path):
    path = synthetic.write_reference(tmp_path / "gain.fits", "gain", DATA=2.0)
    other = synthetic.write_reference(tmp_path / "other.fits", "gain", DATA=3.0)
    before = path.stat()
    assert gain_of(path) == 2
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))  # as alike as can be
    other.replace(path)
    assert gain_of(path) == 3
    path.write_bytes(synthetic.write_reference(other, "gain", DATA=4.0).read_bytes())
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert gain_of(path) == 4


def test_equal_names_in_two_caches_are_two_references(synthetic, tmp_path, monkeypatch):
    for name, value in (("one", 2.0), ("two", 3.0)):
        (tmp_path / name).mkdir()
        synthetic.write_reference(tmp_path / name / "gain.fits", "gain", DATA=value)
    assert [gain_of(tmp_path / name / "gain.fits") for name in ("one", "two", "one")] == [2, 3, 2]
    found = []
    for name in ("one", "two"):
        monkeypatch.chdir(tmp_path / name)
        found.append(gain_of("gain.fits"))
    assert found == [2, 3]


def test_memory_is_bounded(synthetic, tmp_path, reads, monkeypatch):
    path = synthetic.write_reference(tmp_path / "gain.fits", "gain", DATA=2.0)
    for number in range(2 * references._FILES):
        gain_of(shutil.copy(path, tmp_path / f"{number}.fits"))
    assert references._read_once.cache_info().currsize == references._FILES
    monkeypatch.setattr(references, "_PIXELS", 64 * 32 - 1)
    reads.clear()
    assert [gain_of(path), gain_of(path)] == [2, 2]
    assert len(reads) == 2


def test_errors_are_those_of_reading(synthetic, tmp_path):
    with pytest.raises(LayoutError, match="no such file"):
        read_reference(tmp_path / "absent.fits", "gain", REGION)
    path = synthetic.write_reference(tmp_path / "gain.fits", "gain", DATA=2.0)
    for _ in range(2):
        with pytest.raises(ReferenceFileError, match="expected a dark"):
            read_reference(path, "dark", REGION)
