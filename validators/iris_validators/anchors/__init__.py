"""Measurements on raw frames that real detectors were subjected to as well: what the simulator is held against."""
