"""Spectra that everybody knows: lines of the arc lamps, airglow, the atmosphere's transmission, Vega.

Vacuum wavelengths in nm; float64 arrays, read once, shared and read-only. Sources and licences are in the tables' meta
and in data/LICENSES.md. What they do not hold: absolute strengths of lines (comparable within one element and band
only), the atmosphere below 900 nm or finer than 0.5 nm, unresolved doublets of OH.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

import numpy as np
import numpy.typing as npt
from astropy.table import Table

from iris_contract.errors import InputError

__all__ = ["LAMPS", "load_arc_lines", "load_atmosphere", "load_oh_lines", "load_vega"]

Float = npt.NDArray[np.float64]
LAMPS = {"ARGON": "Ar", "KRYPTON": "Kr", "XENON": "Xe", "NEON": "Ne"}
"""CALLAMP of the lamps that emit lines, to the element."""


@cache
def _read(name: str) -> Table:
    with resources.as_file(resources.files("iris_contract").joinpath(f"data/{name}.ecsv")) as path:
        return Table.read(path, format="ascii.ecsv")


def _take(table: Table, *names: str) -> tuple[Float, Float]:
    wavelength, other = (np.array(table[name], dtype=np.float64) for name in names)
    wavelength.flags.writeable = other.flags.writeable = False
    return wavelength, other


@cache
def load_arc_lines(lamp: str) -> tuple[Float, Float]:
    """Wavelength in nm and relative intensity of the lines of a lamp, by CALLAMP; raises InputError for another."""
    if lamp not in LAMPS:
        raise InputError(f"has no line list; choose {', '.join(LAMPS)}", key="CALLAMP", value=lamp)
    table = _read("arc_lines")
    return _take(table[table["element"] == LAMPS[lamp]], "wavelength", "relative_intensity")


@cache
def load_oh_lines() -> tuple[Float, Float]:
    """Wavelength in nm and relative intensity of OH airglow lines; blended doublets are one line."""
    return _take(_read("oh_lines"), "wavelength", "relative_intensity")


@cache
def load_atmosphere() -> tuple[Float, Float]:
    """Wavelength in nm and transmission of the atmosphere over Mauna Kea, airmass 1, 1 mm of water."""
    return _take(_read("atmospheric_transmission"), "wavelength", "transmission")


@cache
def load_vega() -> tuple[Float, Float]:
    """Wavelength in nm and flux of Vega in erg s-1 cm-2 Angstrom-1."""
    return _take(_read("vega"), "wavelength", "flux")
