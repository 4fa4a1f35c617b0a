"""Where the spectra of one exposure fall: traces, channels and lines, moved by flexure and illumination.

Lines are placed by the exact map of the spectrograph as built, continuum by its traces. Lines fainter than FAINT, of
which there are many beyond the band, are set apart: they go with the filter's leak.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from iris_simulator.lenslet.as_built import SpectrographAsBuilt
from iris_simulator.lenslet.deposit import Channels
from iris_simulator.lenslet.spectra import Spectra
from iris_simulator.lenslet.traces import FIRST, LAST, trace_spectra

__all__ = ["Layout", "Lines", "lay_out"]

Float = npt.NDArray[np.float64]
FAINT = 1e-2  # e-/s


class Lines(NamedTuple):
    """Lines (nline,), sorted by y: place px, wavelength nm, flux e-/s, softness of their PSFlets."""

    x: Float
    y: Float
    wavelength: Float
    flux: Float
    soft: Float

    def between(self, low: float, high: float) -> Self:
        """Return those with low <= y < high."""
        part = slice(*np.searchsorted(self.y, (low, high)))
        return type(self)(*(values[part] for values in self))


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Continuum and lines of n lenslets on the detector.

    `wave`, `leak_wave` nm and `leak` e-/s/nm as in their spectra.
    """

    channels: Channels
    wave: Float
    leak_wave: Float
    leak: npt.NDArray[np.float32]
    lines: Lines
    faint: Lines

    def span_rows(self) -> tuple[Float, Float]:
        """Return lower and upper bounds of the row, px (n,).

        A Chebyshev series is within the sum of its coefficients.
        """
        row = self.channels.row
        middle, reach = row[:, 0] + self.channels.shift[:, 1], np.abs(row[:, 1:]).sum(axis=1)
        return middle - reach, middle + reach


def lay_out(
    built: SpectrographAsBuilt, spectra: Spectra, shift: tuple[float, float], effects: Collection[str]
) -> Layout:
    """Place the spectra of an exposure with flexure `shift` px."""
    moved = np.tile(np.asarray(shift, dtype=np.float64), (len(built), 1))
    if spectra.shift is not None and "illumination" in effects:
        moved += spectra.shift
    traces = trace_spectra(built)
    x, y = built.place(slice(None), spectra.wave[[0, -1]][:, None])
    x = x + moved[:, 0]
    ends = np.clip(x, FIRST, LAST)
    channels = Channels(
        traces.wavelength,
        traces.row,
        moved,
        np.stack([np.floor(2 * ends[0]), np.ceil(2 * ends[1])], axis=1).astype(np.int64),
        spectra.continuum,
        float(spectra.wave[0]),
        float(spectra.wave[1] - spectra.wave[0]),
        np.ascontiguousarray(built.soften(x, y).T),
    )
    lines = _place_lines(built, spectra, moved)
    bright = lines.flux >= FAINT
    return Layout(
        channels,
        spectra.wave,
        spectra.leak_wave,
        spectra.leak,
        Lines(*(values[bright] for values in lines)),
        Lines(*(values[~bright] for values in lines)),
    )


def _place_lines(built: SpectrographAsBuilt, spectra: Spectra, moved: Float) -> Lines:
    """Place what of all lines falls between FIRST and LAST, sorted by y."""
    with np.errstate(invalid="ignore"):
        x, y = built.place(slice(None), spectra.line_wave[:, None])
    x, y = (x + moved[:, 0]).ravel(), (y + moved[:, 1]).ravel()
    flux = spectra.line_flux.T.ravel()
    seen = np.flatnonzero((x > FIRST) & (x < LAST) & (flux > 0))
    order = seen[np.argsort(y[seen], kind="stable")]
    wavelength = np.repeat(spectra.line_wave, len(built))
    return Lines(x[order], y[order], wavelength[order], flux[order], built.soften(x[order], y[order]))
