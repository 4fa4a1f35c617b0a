"""What the simulator's tests share: one detector, a corner and an inner region, a maker of exposures."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from iris_contract import Detector, Exposure, Readout, Subarray, load_instrument
from iris_simulator import AsBuilt, build_as_built

INNER = Subarray(1001, 1201, 192, 160)
CORNER = Subarray(1, 1, 70, 40)


@pytest.fixture(scope="session")
def detector() -> Detector:
    return load_instrument().detector("IMG1")


@pytest.fixture(scope="session")
def inner(detector: Detector) -> AsBuilt:
    """192 x 160 light-sensitive pixels."""
    return build_as_built(detector, INNER, 11)


@pytest.fixture(scope="session")
def corner(detector: Detector) -> AsBuilt:
    """A corner with reference pixels on the left and at the bottom, crossing two outputs."""
    return build_as_built(detector, CORNER, 11)


@pytest.fixture(scope="session")
def expose() -> Callable[..., Exposure]:
    def make(region: Subarray = INNER, readout: Readout | None = None, **values: Any) -> Exposure:
        settings: dict[str, Any] = {
            "role": "science",
            "image_type": "SCI",
            "detector": "IMG1",
            "start": datetime(2035, 1, 10, 6, 30, tzinfo=UTC),
            "number": 1,
        }
        readout = readout or Readout.up_the_ramp(5, 10.0)
        return Exposure(subarray=region, readout=readout, **(settings | values))

    return make
