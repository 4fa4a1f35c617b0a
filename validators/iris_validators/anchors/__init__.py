"""Measurements on raw frames that real detectors were subjected to as well: what the simulator is held against."""

from iris_validators.anchors import darks, light, noise, raw

__all__ = ["darks", "light", "noise", "raw"]
