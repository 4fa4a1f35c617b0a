"""The as-designed instrument and the file contracts in which the stages of the testbed meet."""

from iris_contract.dq import DQ
from iris_contract.exposure import Exposure, GuideWindow, Readout, Subarray
from iris_contract.frames import AsBuiltMaps, Image, Ramp, Reference, Truth
from iris_contract.instrument import Detector, Instrument, load_instrument

__all__ = [
    "DQ",
    "AsBuiltMaps",
    "Detector",
    "Exposure",
    "GuideWindow",
    "Image",
    "Instrument",
    "Ramp",
    "Readout",
    "Reference",
    "Subarray",
    "Truth",
    "load_instrument",
]
