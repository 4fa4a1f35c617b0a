"""What is written of the spectrograph as built is what the simulator uses."""

from pathlib import Path

import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from iris_contract.lenslet import LensletMode, SpectrographTruth
from iris_simulator.lenslet.as_built import SpectrographAsBuilt, build_spectrograph
from iris_simulator.lenslet.optical_transfer import ILLUMINATIONS
from iris_simulator.lenslet.psflet import measure_widths
from iris_simulator.lenslet.truth import tell_spectrograph


@pytest.fixture(scope="module")
def truth(few: SpectrographAsBuilt) -> SpectrographTruth:
    return tell_spectrograph(few)


@pytest.mark.parametrize("which", [("4000-HK", "Kbb"), ("10000-H", "H")])
def test_nodes_are_fine_enough(which: tuple[str, str]) -> None:
    built = build_spectrograph(LensletMode(4.0, "FINE_MASK", *which), None, 3).cut(np.array([0, 1000, 2047]))
    truth = tell_spectrograph(built)
    wave = np.linspace(truth.wave[0], truth.wave[-1], 777)
    for known, exact in zip((truth.x, truth.y), built.place(slice(None), wave[:, None]), strict=True):
        assert np.abs(CubicSpline(truth.wave, known, axis=1)(wave) - exact.T).max() < 1e-4


def test_file(truth: SpectrographTruth, few: SpectrographAsBuilt, tmp_path: Path) -> None:
    truth.write(tmp_path / "spectrograph.fits")
    back = SpectrographTruth.read(tmp_path / "spectrograph.fits")
    np.testing.assert_array_equal(back.x, truth.x)
    np.testing.assert_array_equal(back.column, few.column)
    assert LensletMode.from_header(back.header) == few.mode


def test_widths_and_strays(truth: SpectrographTruth, few: SpectrographAsBuilt) -> None:
    soft = few.soften(truth.x, truth.y)
    assert np.ptp(soft) > 0
    sky = ILLUMINATIONS["sky"]
    direct = np.array(measure_widths(few.mode, float(truth.wave[10]), float(soft[2, 10]), sky).fwhm) / 2.3548
    np.testing.assert_allclose(truth.width[2, 10], direct, rtol=2e-3)
    np.testing.assert_allclose(truth.throughput, few.throughput(truth.wave), rtol=1e-6)
    assert np.all((truth.scatter > 0.04) & (truth.scatter < 0.07))
    assert np.all(tell_spectrograph(few, ()).scatter < truth.scatter)
