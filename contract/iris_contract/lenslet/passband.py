"""Transmission of filters, alone or in series.

A filter passes leak + (peak - leak) rise(lambda) fall(lambda), with logistic edges that are half open at its cut-on and
cut-off and go from 0.1 to 0.9 within 1 % of the wavelength [C]; far from the band the leak of 1e-4 [C] is left. Filters
in series multiply. Not modelled: ripple, slope and tilt of the top, blue leaks, shifts with angle and temperature,
reflections between filters. Cut-on, cut-off and peak: oirlab/liger_iris_sim and oirlab/iris_etc.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import log

import numpy as np
import numpy.typing as npt

from iris_contract.errors import InputError
from iris_contract.instrument import Filter, load_instrument

__all__ = ["Passband", "load_passband"]

Float = npt.NDArray[np.float64]
_NM_PER_UM = 1e3
_LOGISTIC = 2 * log(9)  # widths of a logistic edge from 0.1 to 0.9
_REACH = 0.3  # how far beyond the bands, in parts of the wavelength, transmission is looked for
_SAMPLES = 1 << 16


@dataclass(frozen=True, slots=True)
class Passband:
    """Filters in series; `peak` and `leak` transmission of each, `edge` and `share` the width of its edges.

    An edge is as wide (0.1 to 0.9) as the part `edge` of its wavelength, at most the part `share` of the band.
    """

    filters: tuple[Filter, ...]
    peak: float
    leak: float
    edge: float
    share: float

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the filters, in the order that was asked for; dark where the path is blocked."""
        return tuple(f.name for f in self.filters) or ("dark",)

    def transmission(self, wavelength: npt.ArrayLike) -> Float:
        """Share of light that passes, float64 of the shape of `wavelength` in nm."""
        nm = np.asarray(wavelength, dtype=np.float64)
        if not self.filters:
            return np.zeros(nm.shape)
        passed = np.ones(nm.shape)
        for f in self.filters:
            passed = passed * self._pass_one(f, nm)
        return passed

    def _pass_one(self, f: Filter, nm: Float) -> Float:
        low, high = f.cut_on * _NM_PER_UM, f.cut_off * _NM_PER_UM
        top = _open((nm - low) / self._width(low, high - low)) * _open((high - nm) / self._width(high, high - low))
        return self.leak + (self.peak - self.leak) * top

    def _width(self, wavelength: float, band: float) -> float:
        return min(self.edge * wavelength, self.share * band) / _LOGISTIC

    def support(self, threshold: float = 1e-3) -> tuple[float, float]:
        """First and last wavelength in nm at which `threshold` passes; InputError where nothing or everything does."""
        nm = self._sample()
        found = np.flatnonzero(self.transmission(nm) >= threshold)
        if len(found) == 0 or found[0] == 0 or found[-1] == len(nm) - 1:
            problem = f"has no two ends at a transmission of {threshold:g}"
            raise InputError(problem, key="FILTER", value="+".join(self.names))
        first, last = found[0], found[-1]
        return (
            self._bisect(nm[first - 1], nm[first], threshold),
            self._bisect(nm[last + 1], nm[last], threshold),
        )

    @property
    def half(self) -> tuple[float, float]:
        """First and last wavelength in nm at which half of the peak passes; InputError where nothing does."""
        return self.support(max(self.transmission(self._sample()).max(initial=0.0) / 2, np.finfo(float).tiny))

    def _sample(self) -> Float:
        if not self.filters:
            return np.empty(0)
        low = (1 - _REACH) * _NM_PER_UM * min(f.cut_on for f in self.filters)
        high = (1 + _REACH) * _NM_PER_UM * max(f.cut_off for f in self.filters)
        return np.linspace(low, high, _SAMPLES)

    def _bisect(self, outside: float, inside: float, threshold: float) -> float:
        for _ in range(50):
            middle = (outside + inside) / 2
            outside, inside = (outside, middle) if self.transmission(middle) >= threshold else (middle, inside)
        return float(inside)


def _open(distance: Float) -> Float:
    """Logistic edge: 0 far outside, 1/2 at 0, 1 far inside."""
    opened: Float = 0.5 * (1 + np.tanh(distance / 2))
    return opened


@cache
def load_passband(name: str) -> Passband:
    """Return the passband of a filter, of filters in series ("Kbb+KN3"), or the blocked path ("dark").

    Raises InputError for an unknown filter.
    """
    instrument = load_instrument()
    filters = () if name == "dark" else tuple(instrument.filter(part) for part in name.split("+"))
    values = instrument.values
    return Passband(
        filters,
        values["imager.filter_throughput"],
        values["lenslet.filter_leak"],
        values["lenslet.filter_edge_width"],
        values["lenslet.filter_edge_share"],
    )
