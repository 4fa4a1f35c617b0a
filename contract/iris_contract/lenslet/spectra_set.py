"""Which spectra of a mode are whole on the detector, and the grid of wavelengths that they share.

A spectrum is complete when it lies, from half transmission to half transmission, on light-sensitive pixels. The grating
does not turn with the filter, so each filter has a set of complete spectra of its own. All as designed: the real edge
is where the built instrument puts it. Overlaps of spectra end to end are no matter of completeness.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from iris_contract.instrument import load_instrument
from iris_contract.lenslet.grating import load_grating_setting
from iris_contract.lenslet.lattice import load_lattice
from iris_contract.lenslet.mode import LensletMode
from iris_contract.lenslet.passband import load_passband

__all__ = ["find_complete", "find_spectrum", "wavelength_grid"]


def find_spectrum(mode: LensletMode, threshold: float | None = None) -> tuple[float, float]:
    """First and last px of a spectrum, from the lenslet's place, to half or `threshold` transmission; NaN if not seen.

    Raises InputError where no light passes.
    """
    passband, setting = load_passband(mode.filter), load_grating_setting(mode.grating)
    low, high = setting.disperse(passband.half if threshold is None else passband.support(threshold))
    return float(low), float(high)


def find_complete(mode: LensletMode) -> npt.NDArray[np.bool_]:
    """Tell of each lit lenslet (n,), in the order of the lattice, whether its spectrum is complete."""
    low, high = find_spectrum(mode)
    x, y = load_lattice(mode.mask, mode.column).lay_out(load_grating_setting(mode.grating).anamorphism)
    detector = load_instrument().detector("IFU")
    first, last = detector.reference_border, detector.size - 1 - detector.reference_border
    return (x + low >= first) & (x + high <= last) & (y >= first) & (y <= last)


def wavelength_grid(mode: LensletMode) -> npt.NDArray[np.float64]:
    """Common linear grid in nm (nwave,) within half transmission, about its middle.

    The step is the designed dispersion at that middle. Raises InputError where no light passes.
    """
    low, high = load_passband(mode.filter).half
    middle = (low + high) / 2
    step = float(load_grating_setting(mode.grating).dispersion(middle))
    number = int((high - low) / step) + 1
    grid: npt.NDArray[np.float64] = middle + step * (np.arange(number, dtype=np.float64) - (number - 1) / 2)
    return grid
