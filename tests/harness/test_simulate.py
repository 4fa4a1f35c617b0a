"""What simulations of a process share, and let go of."""

import gc
import weakref
from pathlib import Path

import pytest

from iris_contract import Subarray
from iris_harness import simulate
from iris_harness.calibrate import calibrate_night
from iris_harness.reduce import reduce_night

REGION = Subarray(1, 1, 64, 16)


@pytest.mark.parametrize(
    "work",
    [
        lambda root: calibrate_night(root, "chain", 1, [], "IMG1", {}),
        lambda root: reduce_night(root, "chain", "ramp", "gls", 1, [], {}),
    ],
)
def test_as_built_maps_do_not_stay_while_others_work(work, tmp_path: Path, monkeypatch):
    """Of the full format they are 1.7 GB, which a process that calibrates has no room for."""
    monkeypatch.setattr("iris_reduction.cache.use_cache", lambda cache: None)
    built = simulate._build("IMG1", REGION, 1)
    assert simulate._build("IMG1", REGION, 1) is built
    maps = weakref.ref(built.flat)
    del built
    work(tmp_path)
    gc.collect()
    assert maps() is None
