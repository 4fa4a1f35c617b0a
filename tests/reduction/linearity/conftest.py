"""Bright flats of a small region by the simulator, whose nonlinearity is known."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
import pytest

from iris_contract import AsBuiltMaps, Exposure, Readout, Subarray, load_instrument
from iris_reduction.linearity import FlatRamps
from iris_simulator import UniformSky, build_as_built, observe

REGION = Subarray(1001, 1201, 96, 64)
EFFECTS = ("photon_noise", "flat", "dark", "read_noise", "reset_noise", "nonlinearity", "saturation")


@dataclass(frozen=True)
class Flats:
    """Ten ramps of 20 reads to 91 ke-, the maps of their pixels, and S0 in DN."""

    ramps: FlatRamps
    maps: AsBuiltMaps
    norm: float

    def find_residuals(self, linearise: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
        """Relative error (ny, nx, nlevel) of what `linearise` makes of the true signals DN of 20 to 80 ke-."""
        gain = self.maps.gain[:, :, None]
        return linearise((self.maps.signal / gain).astype(np.float32)) * gain / self.maps.levels - 1


def take_flats(seed: int, cosmic_rays: bool = False, without: str = "") -> Flats:
    detector = load_instrument().detector("IMG1")
    built = build_as_built(detector, REGION, 7)
    readout = Readout.up_the_ramp(20, 10.0, 10)
    start = datetime(2035, 1, 10, 4, tzinfo=UTC)
    exposure = Exposure("flat", "NFF", "IMG1", REGION, readout, start, 1, lamp="FLAT")
    effects = [effect for effect in EFFECTS if effect != without] + ["cosmic_rays"] * cosmic_rays
    ramp, _ = observe(UniformSky(480.0), exposure, built, seed=seed, night=1, effects=effects, cosmic_ray_boost=1000)
    return Flats(FlatRamps(ramp.reads, ramp.times), built.acting(EFFECTS, REGION), 45000.0)


@pytest.fixture(scope="session")
def flats() -> Callable[..., Flats]:
    return take_flats
