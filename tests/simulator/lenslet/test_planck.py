"""Photons of a black body: Wien's displacement for photons, and the whole by the zeta function."""

import numpy as np
import pytest

from iris_simulator.lenslet.planck import photon_radiance


def test_peak_and_total() -> None:
    """Photons peak at lambda T = 3.6697e6 nm K; all together are 1.5205e15 T^3 ph/s/m2, over pi per sr."""
    wave = np.geomspace(100, 1e6, 200_000)
    radiance = photon_radiance(wave, 1000.0)
    assert wave[np.argmax(radiance)] == pytest.approx(3669.7, rel=1e-3)
    assert np.trapezoid(radiance, wave) == pytest.approx(1.5205e15 * 1e9 / np.pi * (np.pi / 180 / 3600) ** 2, rel=1e-3)
