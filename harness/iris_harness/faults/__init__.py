"""Faults that real pipelines have had, injected into good products or into the way they are made.

Each fault takes one manifest row of a good product and writes a broken twin of it. The faults are
those of the public IRIS/Liger pipeline and its peers: an inverted error array, a uint16 cast, lost
data-quality bits, a missing covariance, a transposed index, a wrong reference. What a fault needs to
know (read noise, gain, flat) are the references that the product itself was made with, or what another
algorithm of the run made of the same exposure. With a change that changes nothing, each way of
injecting (`injection`) gives the good product again (tested), so that nothing but the fault makes the
difference.
"""

from __future__ import annotations

from collections.abc import Mapping

from iris_harness.faults.images import IMAGE_FAULTS
from iris_harness.faults.injection import Fault
from iris_harness.faults.raw import RAW_FAULTS
from iris_harness.faults.references import REFERENCE_FAULTS
from iris_harness.faults.solutions import SOLUTION_FAULTS

__all__ = ["FAULTS", "Fault"]

FAULTS: Mapping[str, Fault] = {**IMAGE_FAULTS, **REFERENCE_FAULTS, **SOLUTION_FAULTS, **RAW_FAULTS}
"""Name to fault; `data/controls.yaml` says which specifications each must fail."""
