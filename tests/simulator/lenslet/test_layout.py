"""Spectra are laid where the spectrograph puts them, and moved by what moves them."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from iris_simulator.lenslet.as_built import SpectrographAsBuilt
from iris_simulator.lenslet.layout import lay_out
from iris_simulator.lenslet.spectra import Light, detect


def test_lines_and_channels(few: SpectrographAsBuilt, shine: Callable[..., Light]) -> None:
    spectra = detect(shine(4, 1.0, (2150.0, 1700.0)), few)
    layout = lay_out(few, spectra, (0.25, -0.5), ())
    x, y = few.place(slice(None), 2150.0)
    order = np.argsort(y)
    bright = layout.lines.flux > 1
    np.testing.assert_allclose(layout.lines.x[bright], x[order] + 0.25)
    np.testing.assert_allclose(layout.lines.y[bright], y[order] - 0.5)
    assert np.all(np.diff(layout.lines.y) >= 0)
    leaked = np.concatenate([layout.lines.wavelength[~bright], layout.faint.wavelength])
    assert set(leaked) <= {1700.0}
    np.testing.assert_allclose(
        layout.channels.ends / 2, few.place(slice(None), spectra.wave[[0, -1]][:, None])[0].T + 0.25, atol=0.5
    )
    low, high = layout.span_rows()
    assert np.all((high > y - 0.5) & (low < y - 0.5))
    part = layout.lines.between(y.min() - 1, y.min() + 1)
    assert part.x[part.flux > 1].tolist() == [layout.lines.x[bright][0]]


def test_uneven_illumination_moves_single_lenslets(few: SpectrographAsBuilt, shine: Callable[..., Light]) -> None:
    spectra = replace(detect(shine(4, 1.0, (2150.0,)), few), shift=np.arange(8.0).reshape(4, 2) / 100)
    still, moved = (lay_out(few, spectra, (0.0, 0.0), on).lines for on in ((), ("illumination",)))
    order = np.argsort(few.place(slice(None), 2150.0)[1])
    np.testing.assert_allclose(moved.x - still.x, np.arange(0, 8, 2)[order] / 100, atol=1e-9)
