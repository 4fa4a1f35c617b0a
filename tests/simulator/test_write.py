"""Raw and truth files conform, belong together, and are written whole or not at all."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from iris_contract import Exposure, Ramp, Readout, Subarray, Truth
from iris_contract.atomic import hash_file
from iris_contract.check import check_file
from iris_contract.errors import RunDirectoryError
from iris_simulator import AsBuilt, Ladder, observe, write_exposure

Expose = Callable[..., Exposure]
CORNER = Subarray(1, 1, 70, 40)


def take(as_built: AsBuilt, exposure: Exposure, boost: float = 3e4) -> tuple[Ramp, Truth]:
    return observe(Ladder((1.0, 20.0)), exposure, as_built, seed=5, night=1, cosmic_ray_boost=boost)


@pytest.mark.parametrize(
    "readout",
    [Readout.up_the_ramp(4, 10.0, ramps=3), Readout.fowler(1, 1.0, 10.0), Readout.fowler(4, 1.0, 30.0, ramps=2)],
    ids=["UTR", "CDS", "MCDS"],
)
@pytest.mark.parametrize("boost", [0.0, 3e4])
def test_files_conform_and_return_what_was_written(
    corner: AsBuilt, expose: Expose, tmp_path: Path, readout: Readout, boost: float
) -> None:
    ramp, truth = take(corner, expose(CORNER, readout), boost)
    raw_path, truth_path = tmp_path / "raw" / "r.fits", tmp_path / "truth" / "t.fits"
    sha256 = write_exposure(ramp, truth, raw_path, truth_path)
    assert sha256 == hash_file(raw_path)
    assert check_file(raw_path) == []
    assert check_file(truth_path) == []
    raw, known = Ramp.read(raw_path), Truth.read(truth_path)
    np.testing.assert_array_equal(raw.reads, ramp.reads)
    np.testing.assert_array_equal(raw.times, ramp.times)
    assert raw.header == ramp.header
    assert known.raw_sha256 == sha256
    assert known.effects == truth.effects
    assert len(known.events) == len(truth.events)
    for name in ("rate_scene", "rate_detected", "read_noise", "gain", "cause", "events"):
        np.testing.assert_array_equal(getattr(known, name), getattr(truth, name), err_msg=name)


def test_files_repeat_byte_by_byte(corner: AsBuilt, expose: Expose, tmp_path: Path) -> None:
    hashes = set()
    for n in range(2):
        ramp, truth = take(corner, expose(CORNER))
        write_exposure(ramp, truth, tmp_path / f"r{n}.fits", tmp_path / f"t{n}.fits")
        hashes.add((hash_file(tmp_path / f"r{n}.fits"), hash_file(tmp_path / f"t{n}.fits")))
    assert len(hashes) == 1


def test_nothing_half_written_where_the_folder_is_a_file(corner: AsBuilt, expose: Expose, tmp_path: Path) -> None:
    (tmp_path / "blocked").write_text("a file")
    ramp, truth = take(corner, expose(CORNER))
    with pytest.raises(RunDirectoryError):
        write_exposure(ramp, truth, tmp_path / "blocked" / "r.fits", tmp_path / "t.fits")
    assert [path.name for path in tmp_path.iterdir()] == ["blocked"]
