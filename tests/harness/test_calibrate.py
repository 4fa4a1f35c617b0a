"""The chain's calibrations take what they need from their own night, or say what is missing."""

from pathlib import Path

import pytest

from iris_contract.errors import ReferenceFileError
from iris_harness.calibrate import CALIBRATIONS, calibrate_night
from iris_harness.deliver import create_initial


def test_families_come_after_what_they_need():
    made = set()
    for kind, needs in CALIBRATIONS.values():
        assert set(needs) <= made
        made.add(kind)


def test_a_missing_prerequisite_of_the_chain_names_what_to_add(tmp_path):
    create_initial(tmp_path)
    with pytest.raises(ReferenceFileError, match="the chain's dark needs a gain of the same night; add its family"):
        calibrate_night(tmp_path, "chain", 1, [("dark", ("ramp_mean",), ["raw.fits"])], "IMG1", {})
    assert not list(Path(tmp_path).rglob("*.fits"))


def test_the_initial_cache_holds_no_reference(tmp_path):
    outputs, content = create_initial(tmp_path)
    assert not [p for p in outputs if p.suffix == ".fits"]
    assert content["context"] == "tmt_0001.pmap"
    assert create_initial(tmp_path) == (outputs, content)
