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
    np.testing.assert_allclose(layout.lines.x, x[order] + 0.25)
    np.testing.assert_allclose(layout.lines.y, y[order] - 0.5)
    assert len(layout.faint.x) <= 4
    np.testing.assert_allclose(
        layout.channels.ends / 2, few.place(slice(None), spectra.wave[[0, -1]][:, None])[0].T + 0.25, atol=0.5
    )
    low, high = layout.span_rows()
    assert np.all((low < layout.lines.y.max() + 50) & (high > y - 0.5) & (low < y - 0.5))
    assert len(layout.lines.between(y.min() - 1, y.min() + 1).x) == 1


def test_uneven_illumination_moves_single_lenslets(few: SpectrographAsBuilt, shine: Callable[..., Light]) -> None:
    spectra = replace(detect(shine(4, 1.0, (2150.0,)), few), shift=np.arange(8.0).reshape(4, 2) / 100)
    still, moved = (lay_out(few, spectra, (0.0, 0.0), on).lines for on in ((), ("illumination",)))
    order = np.argsort(few.place(slice(None), 2150.0)[1])
    np.testing.assert_allclose(moved.x - still.x, np.arange(0, 8, 2)[order] / 100, atol=1e-9)
