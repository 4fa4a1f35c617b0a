"""The lenslet spectrograph as designed: which lenslets are lit, where their light falls, what the filters pass.

Wavelengths are vacuum nm; columns x and rows y of the detector count from 0 and wavelength grows with x.
docs/lenslet.md draws the format. Nothing here is an as-built value.
"""

from iris_contract.lenslet.grating import GratingSetting, load_grating_setting
from iris_contract.lenslet.lattice import Lattice, load_lattice
from iris_contract.lenslet.mode import LensletMode
from iris_contract.lenslet.passband import Passband, load_passband
from iris_contract.lenslet.rays import trace_rays
from iris_contract.lenslet.spectra_set import find_complete, find_ends, find_spectrum, wavelength_grid
from iris_contract.lenslet.truth import SpectrographTruth

__all__ = [
    "GratingSetting",
    "Lattice",
    "LensletMode",
    "Passband",
    "SpectrographTruth",
    "find_complete",
    "find_ends",
    "find_spectrum",
    "load_grating_setting",
    "load_lattice",
    "load_passband",
    "trace_rays",
    "wavelength_grid",
]
