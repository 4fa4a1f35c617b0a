"""Reference pixel correction: one file per method, behind one protocol.

`REFERENCE_PIXEL_CORRECTIONS` maps names to methods; installed packages add theirs through the
entry-point group `iris_testbed.reference_pixel`. To add one here: write its file with a function of
the same name that follows `ReferencePixelCorrection`, and add the name to `plugins.BUILT_IN`.
"""

from iris_reduction.reference_pixel.plugins import (
    REFERENCE_PIXEL_CORRECTIONS,
    REFERENCE_PIXEL_FAMILY,
    load_reference_pixel_corrections,
)
from iris_reduction.reference_pixel.protocol import ReferencePixelCorrection

__all__ = [
    "REFERENCE_PIXEL_CORRECTIONS",
    "REFERENCE_PIXEL_FAMILY",
    "ReferencePixelCorrection",
    "load_reference_pixel_corrections",
]
