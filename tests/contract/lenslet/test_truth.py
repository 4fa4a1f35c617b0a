"""Truth of the spectrograph and of its exposures: written and read back."""

import numpy as np
import pytest

from iris_contract import Truth
from iris_contract.errors import LayoutError
from iris_contract.lenslet import LensletMode, SpectrographTruth


def make_truth(nspec=3, nnode=5):
    nodes = np.linspace(1950.0, 2100.0, nnode)
    x = 100.0 * np.arange(nspec)[:, None] + np.linspace(0, 40, nnode)
    flat, width = np.ones((nspec, nnode), "f4"), np.full((nspec, nnode, 2), 0.8, "f4")
    lenslets = np.arange(nspec, dtype="i4")
    header = LensletMode(4.0, "FINE_MASK", "4000-K", "KN3").to_header()
    return SpectrographTruth(header, nodes, x, x / 50, flat, lenslets, lenslets + 7, width, flat / 100)


def test_spectrograph_survives_the_file(tmp_path):
    truth = make_truth()
    truth.write(tmp_path / "spectrograph.fits")
    found = SpectrographTruth.read(tmp_path / "spectrograph.fits")
    assert LensletMode.from_header(found.header) == LensletMode.from_header(truth.header)
    for name in ("wave", "x", "y", "throughput", "column", "row", "width", "scatter"):
        before, after = getattr(truth, name), getattr(found, name)
        assert np.array_equal(before, after), name
        assert before.dtype == after.dtype, name


def test_arrays_of_different_lengths_are_refused(tmp_path):
    longer = make_truth(4)
    mixed = SpectrographTruth(
        longer.header,
        *(getattr(make_truth(), n) for n in ("wave", "x", "y")),
        *[getattr(longer, n) for n in ("throughput", "column", "row", "width", "scatter")],
    )
    with pytest.raises(LayoutError, match="THROUGHPUT has nspec=4 where 3 was expected"):
        mixed.write(tmp_path / "mixed.fits")


def test_truth_of_an_exposure_carries_shift_spectra_and_lines(tmp_path, frame):
    plain = frame("TruthModel")
    columns = [("COLUMN", "i4"), ("ROW", "i4"), ("WAVELENGTH", "f8"), ("FLUX", "f4")]
    lines = np.array([(3, 5, 2101.25, 40.0)], dtype=columns)
    planes = (plain.rate_scene, plain.rate_detected, plain.read_noise, plain.gain, plain.cause, plain.events)
    shift, wave, spectra = np.array([0.02, -0.01]), np.linspace(2100.0, 2101.0, 4), np.ones((3, 4), "f4")
    more = {"shift": shift, "spectra_wave": wave, "spectra": spectra, "line_flux": lines, "seconds": 54.0}
    truth = Truth(plain.raw_sha256, *planes, plain.effects, **more)
    truth.write(tmp_path / "truth.fits")
    found = Truth.read(tmp_path / "truth.fits")
    assert np.array_equal(found.shift, shift)
    assert np.array_equal(found.spectra_wave, wave)
    assert np.array_equal(found.spectra, spectra)
    assert found.line_flux["WAVELENGTH"].tolist() == [2101.25]
    assert (found.persistence, found.seconds) == (None, 54.0)
    plain.write(tmp_path / "plain.fits")
    assert (Truth.read(tmp_path / "plain.fits").spectra, Truth.read(tmp_path / "plain.fits").seconds) == (None, None)
