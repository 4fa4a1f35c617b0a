"""What the tests of the lenslet spectrograph share: a mode, a spectrograph of few lenslets, a region, plain light."""

from collections.abc import Callable

import numpy as np
import pytest

from iris_contract import Detector, Subarray, load_instrument
from iris_contract.lenslet import LensletMode
from iris_simulator.lenslet.as_built import SpectrographAsBuilt, build_spectrograph
from iris_simulator.lenslet.spectra import Light

MODE = LensletMode(4.0, "SERRATED_WIDE", "4000-K", "KN3")
REGION = Subarray(1501, 2001, 96, 64)
SEED = 5


@pytest.fixture(scope="session")
def mode() -> LensletMode:
    return MODE


@pytest.fixture(scope="session")
def region() -> Subarray:
    return REGION


@pytest.fixture(scope="session")
def ifu() -> Detector:
    return load_instrument().detector("IFU")


@pytest.fixture(scope="session")
def built() -> SpectrographAsBuilt:
    """The lenslets that shine into REGION."""
    return build_spectrograph(MODE, REGION, SEED)


@pytest.fixture(scope="session")
def few(built: SpectrographAsBuilt) -> SpectrographAsBuilt:
    """Four of them."""
    return built.cut(np.arange(0, len(built), len(built) // 4)[:4])


@pytest.fixture(scope="session")
def shine() -> Callable[..., Light]:
    """Make light with an even continuum e-/s/nm and lines of 100 e-/s."""

    def make(number: int, level: float = 1.0, lines: tuple[float, ...] = ()) -> Light:
        flux = np.full((1, len(lines)), 100.0)
        return Light(lambda nm: np.full((1, len(nm)), level), np.array(lines), flux, np.ones(number))

    return make
