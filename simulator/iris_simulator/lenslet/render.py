"""The noiseless image of a region in e-/s: cores of PSFlets, and all light that is elsewhere.

Positions are those of the spectrograph as built, moved by flexure and illumination. Only cores that meet the region are
deposited; light far from where it belongs is followed over the whole detector. Memory: the image, the cells of
`iris_simulator.lenslet.far_light`, and the spectra.
"""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
import numpy.typing as npt

from iris_contract import Subarray
from iris_simulator.effects import choose_effects
from iris_simulator.lenslet.as_built import SpectrographAsBuilt
from iris_simulator.lenslet.deposit import add_continuum, add_lines
from iris_simulator.lenslet.effects import OPTICAL_EFFECTS
from iris_simulator.lenslet.far_light import add_continuum_cells, add_points, add_resampled, empty, spread, stray_shares
from iris_simulator.lenslet.layout import Layout, lay_out
from iris_simulator.lenslet.optical_transfer import ILLUMINATIONS
from iris_simulator.lenslet.psflet import Psflets, build_psflets
from iris_simulator.lenslet.spectra import Spectra
from iris_simulator.lenslet.traces import FIRST, LAST

__all__ = ["render", "render_cores", "render_far_light"]

Float = npt.NDArray[np.float64]
_ROWS = 128  # of a band
_NEAR = 10  # px from a place to beyond the last pixel of its core


def render(
    built: SpectrographAsBuilt,
    spectra: Spectra,
    region: Subarray,
    shift: tuple[float, float] = (0.0, 0.0),
    effects: Collection[str] = OPTICAL_EFFECTS,
) -> npt.NDArray[np.float32]:
    """Return e-/s (ny, nx) of a region; `shift` px in x and y is the flexure of this exposure.

    Raises InputError for an unknown effect.
    """
    on = choose_effects(effects, OPTICAL_EFFECTS)
    psflets = build_psflets(built.mode, ILLUMINATIONS[spectra.illumination if "illumination" in on else "sky"])
    layout = lay_out(built, spectra, shift, on)
    with ThreadPoolExecutor(1) as pool:
        far = pool.submit(render_far_light, layout, psflets, built.train.centre, on)
        image = render_cores(layout, psflets, region, 1 - sum(stray_shares(on)))
    add_resampled(image, far.result(), region)
    return image


def render_cores(layout: Layout, psflets: Psflets, region: Subarray, share: float) -> npt.NDArray[np.float32]:
    """Return the cores of PSFlets, `share` of their light, in a region."""
    image = np.zeros(region.shape, np.float32)
    rows, columns = region.slices
    low, high = layout.span_rows()

    def fill(start: int) -> None:
        stop = min(start + _ROWS, rows.stop)
        start = max(start, rows.start)
        band, corner = image[start - rows.start : stop - rows.start], (start, columns.start)
        met = np.flatnonzero((high > start - _NEAR) & (low < stop + _NEAR))
        add_continuum(band, corner, met, layout.channels, psflets.wave, psflets.core, share)
        lines = layout.lines.between(start - _NEAR, stop + _NEAR)
        add_lines(band, corner, *lines, psflets.wave, psflets.core, share)

    first = rows.start // _ROWS * _ROWS
    with ThreadPoolExecutor(numba.get_num_threads()) as pool:
        list(pool.map(fill, range(first, rows.stop, _ROWS)))
    return image


def render_far_light(layout: Layout, psflets: Psflets, centre: tuple[float, float], effects: Collection[str]) -> Float:
    """Return the light that is not in cores, e-/s per cell over the detector and around it."""
    cells = empty()
    channels, lines, faint = layout.channels, layout.lines, layout.faint
    traces, ends = (channels.wavelength, channels.row), 0.5 * channels.ends + (-0.25, 0.25)
    beyond = 1 - psflets.share_at(layout.wave)
    add_continuum_cells(cells.halo, cells.whole, traces, channels.shift, ends, layout.wave, channels.density, beyond)
    everywhere = np.broadcast_to(np.array([FIRST, LAST]), ends.shape)
    ones = np.ones(len(layout.leak_wave))
    add_continuum_cells(
        cells.leak, cells.whole, traces, channels.shift, everywhere, layout.leak_wave, layout.leak, ones
    )
    add_points(cells.halo, lines.x, lines.y, lines.flux * (1 - psflets.share_at(lines.wavelength)))
    add_points(cells.leak, faint.x, faint.y, faint.flux)
    for some in (lines, faint):
        add_points(cells.whole, some.x, some.y, some.flux)
    return spread(cells, psflets.halo, effects, centre)
