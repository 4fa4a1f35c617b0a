"""Which spectra of a mode are whole on the detector, and the grid of wavelengths that they share.

A spectrum is complete when it lies, from half transmission to half transmission, on light-sensitive pixels. The grating
does not turn with the filter, so each filter has a set of complete spectra of its own. Columns grow with wavelength, so
the two ends decide; rows lie the further out the further light falls from the camera's axis, so the middle does too.
All as designed, for planning: of a product its own solution says which spectra are complete. Overlaps of spectra end
to end are no matter of completeness.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from iris_contract.instrument import Detector, load_instrument
from iris_contract.lenslet.grating import load_grating_setting
from iris_contract.lenslet.lattice import load_lattice
from iris_contract.lenslet.mode import LensletMode
from iris_contract.lenslet.passband import load_passband
from iris_contract.lenslet.rays import trace_rays

if TYPE_CHECKING:
    from iris_contract.exposure import Subarray

__all__ = ["find_complete", "find_ends", "find_spectrum", "wavelength_grid"]

_ALONG = 9  # wavelengths at which a spectrum's rows are looked at

Float = npt.NDArray[np.float64]


def find_spectrum(mode: LensletMode, threshold: float | None = None) -> tuple[float, float]:
    """First and last px, from the centre, of a spectrum in the middle of the field; else as `find_ends`."""
    low, high = load_grating_setting(mode.grating).disperse(_find_limits(mode, threshold))
    return float(low), float(high)


def find_ends(mode: LensletMode, threshold: float | None = None) -> tuple[Float, Float]:
    """Columns and rows px (n, 2) of the first and last wavelength that half, or `threshold`, passes; NaN if not seen.

    In the order of the lattice. Raises InputError where no light passes.
    """
    setting, lattice = load_grating_setting(mode.grating), load_lattice(mode.mask, mode.column)
    return trace_rays(setting, lattice.along[:, None], lattice.across[:, None], _find_limits(mode, threshold))


def _find_limits(mode: LensletMode, threshold: float | None) -> tuple[float, float]:
    passband = load_passband(mode.filter)
    return passband.half if threshold is None else passband.support(threshold)


def find_complete(mode: LensletMode, region: Subarray | None = None) -> npt.NDArray[np.bool_]:
    """Tell of each lit lenslet (n,), in the order of the lattice, whether its spectrum is complete, read in `region`.

    Raises InputError where no light passes.
    """
    x, _ = find_ends(mode)
    setting, lattice = load_grating_setting(mode.grating), load_lattice(mode.mask, mode.column)
    along = np.linspace(*_find_limits(mode, None), _ALONG)
    _, y = trace_rays(setting, lattice.along[:, None], lattice.across[:, None], along)
    detector = load_instrument().detector("IFU")
    rows, columns = (slice(0, detector.size),) * 2 if region is None else region.slices
    return _lie_on(x, columns, detector) & _lie_on(y, rows, detector)


def _lie_on(places: Float, pixels: slice, detector: Detector) -> npt.NDArray[np.bool_]:
    """Tell where all places (n, k) lie on those of the columns or rows that see light."""
    first = max(pixels.start, detector.reference_border)
    last = min(pixels.stop, detector.size - detector.reference_border) - 1
    whole: npt.NDArray[np.bool_] = ((places >= first) & (places <= last)).all(axis=1)
    return whole


def wavelength_grid(mode: LensletMode) -> Float:
    """Common linear grid in nm (nwave,) within half transmission, about its middle.

    The step is the designed dispersion there in the middle of the field; over the field it varies by 2 %. Raises
    InputError where no light passes.
    """
    low, high = load_passband(mode.filter).half
    middle = (low + high) / 2
    step = float(load_grating_setting(mode.grating).dispersion(middle))
    number = int((high - low) / step) + 1
    grid: Float = middle + step * (np.arange(number, dtype=np.float64) - (number - 1) / 2)
    return grid
