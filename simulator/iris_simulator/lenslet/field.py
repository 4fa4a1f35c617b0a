"""Smooth maps over the field: a few waves of long period with random phases and amplitudes.

Not modelled: anything finer than half the detector.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from iris_simulator.seeds import make_generator

__all__ = ["FieldMap", "draw_field"]

Float = npt.NDArray[np.float64]
_SIZE = 4096.0
_PERIODS = ((1, 0), (0, 1), (1, 1), (1, -1))  # in half detectors: periods of 8192 px and less


@dataclass(frozen=True, slots=True, eq=False)
class FieldMap:
    """Sum of waves: amplitudes and phases (nwave,)."""

    amplitudes: Float
    phases: Float

    def at(self, x: Float, y: Float) -> Float:
        """Return the map at px from the middle of the field, of the shape of `x`."""
        out = np.zeros(np.broadcast_shapes(x.shape, y.shape))
        for (kx, ky), amplitude, phase in zip(_PERIODS, self.amplitudes, self.phases, strict=True):
            out += amplitude * np.cos(np.pi * (kx * x + ky * y) / _SIZE * 1.5 + phase)
        return out


def draw_field(seed: int, name: str, rms: float) -> FieldMap:
    """Draw a map of mean 0 and `rms` over instruments."""
    generator = make_generator("spectrograph", seed, "field", name)
    number = len(_PERIODS)
    amplitudes = rms * np.sqrt(2 / number) * (1 + 0.2 * generator.normal(size=number)) / np.sqrt(1.04)
    return FieldMap(amplitudes, generator.uniform(0, 2 * np.pi, number))
