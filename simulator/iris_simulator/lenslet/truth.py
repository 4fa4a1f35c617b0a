"""Write down what is true of the spectrograph as built, for the validators only.

Widths are those of a Gaussian with the full width at half maximum of the PSFlet as pixels see it, summed over the
other direction. A second moment would mean little: that of a square lenslet's diffraction grows with the size of the
window. Light beyond 8 px is what the cores lack, and what is scattered or in the ghost if these are on.
"""

from __future__ import annotations

from collections.abc import Collection
from math import log, sqrt

import numpy as np
import numpy.typing as npt

from iris_contract.lenslet import SpectrographTruth, load_passband
from iris_simulator.lenslet.as_built import SpectrographAsBuilt
from iris_simulator.lenslet.effects import OPTICAL_EFFECTS
from iris_simulator.lenslet.far_light import stray_shares
from iris_simulator.lenslet.optical_transfer import ILLUMINATIONS
from iris_simulator.lenslet.psflet import build_psflets, measure_widths
from iris_simulator.lenslet.spectra import BAND

__all__ = ["tell_spectrograph"]

Float = npt.NDArray[np.float64]
NODES = 33
_SIGMA = 1 / (2 * sqrt(2 * log(2)))
_WIDTH_NODES = (5, 3)  # of wavelength and of softness, where widths are measured; between, a parabola in softness


def tell_spectrograph(built: SpectrographAsBuilt, effects: Collection[str] = OPTICAL_EFFECTS) -> SpectrographTruth:
    """Return the truth about all lenslets of a mode, without flexure, over what its filter passes to 1e-3."""
    wave = np.linspace(*load_passband(built.mode.filter).support(BAND), NODES)
    x, y = (plane.T.copy() for plane in built.place(slice(None), wave[:, None]))
    share = build_psflets(built.mode, ILLUMINATIONS["sky"]).share_at(wave) * (1 - sum(stray_shares(effects)))
    header = built.mode.to_header() | {
        "TELESCOP": "TMT",
        "INSTRUME": "IRIS",
        "DETECTOR": "IFU",
        "INSTMODE": "LENSLET",
        "IFSMODE": "LENSLET",
        "INSTSEED": built.seed,
    }
    return SpectrographTruth(
        header,
        wave,
        x,
        y,
        built.throughput(wave).astype(np.float32),
        built.column,
        built.row,
        _list_widths(built, wave, built.soften(x, y)).astype(np.float32),
        np.repeat((1 - share)[None, :], len(built), axis=0).astype(np.float32),
    )


def _list_widths(built: SpectrographAsBuilt, wave: Float, soft: Float) -> Float:
    """Return sigma px (n, nwave, 2) along and across, at softness (n, nwave)."""
    nodes = np.linspace(wave[0], wave[-1], _WIDTH_NODES[0])
    levels = np.linspace(0, 1, _WIDTH_NODES[1])
    measured = np.array(
        [[measure_widths(built.mode, nm, s, ILLUMINATIONS["sky"]).fwhm for s in levels] for nm in nodes.tolist()]
    )
    sharp, middle, dull = (
        np.stack([np.interp(wave, nodes, measured[:, k, axis]) for axis in range(2)], axis=-1) for k in range(3)
    )
    s = soft[:, :, None]
    return np.asarray(_SIGMA * (2 * (s - 0.5) * (s - 1) * sharp + 4 * s * (1 - s) * middle + 2 * s * (s - 0.5) * dull))
