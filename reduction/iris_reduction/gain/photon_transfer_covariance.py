"""Photon transfer with the covariances of neighbours, which hold the variance that coupling moves.

The kernel of interpixel capacitance sums up to 1, so the variance of a pixel and its covariances with
all others sum up to the variance of the photons. Those with the eight neighbours alone leave out
2a^2 + 2b^2 + 8ac + 8bc + 12c^2, the products of the kernel with itself two pixels apart: 0.09 % at side links
of 1.25 % and corners of 0.12 %. So the links are solved for from the covariances (`calibration.ipc`),
over the field, and the photon transfer gain of each output is multiplied by the mean over its pixels
of V = k0^2 + 2a^2 + 2b^2 + 4c^2, the share of variance that a single pixel keeps. Expected bias: none.

All outputs give the links together, which is far less noisy than a sum of covariances per output.
Not modelled: nonlinearity; coupling that depends on the signal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from iris_reduction.calibration.gain import measure_photon_transfer
from iris_reduction.calibration.ipc import fit_links, measure_covariances
from iris_reduction.gain.photon_transfer import fit_outputs
from iris_reduction.gain.protocol import FlatRamps
from iris_reduction.kernels.ipc import sum_squares

__all__ = ["photon_transfer_covariance"]


def photon_transfer_covariance(
    exposures: Iterable[FlatRamps], outputs: npt.NDArray[np.int64]
) -> Mapping[int, tuple[float, float]]:
    """Return gain and error e-/DN by output; arguments and errors as `GainEstimator`."""
    points, covariances, shape = [], [], (0, 0)
    for flat in exposures:
        points.append(measure_photon_transfer(flat.reads, flat.usable, outputs))
        covariances.append(measure_covariances(flat.reads, flat.usable, outputs))
        shape = flat.usable.shape
        del flat  # or it would stay while the next one is read
    field = fit_links(covariances, shape)
    kept = sum_squares(field.links)
    slope = np.array([4.0, 4.0, 8.0])  # of the share against right, upper and corner links, to first order
    spread = np.sqrt(((slope * field.errors) ** 2).sum(axis=-1))
    gains = {}
    for output, (gain, error) in fit_outputs(points).items():
        share, doubt = (float(plane[:, outputs == output].mean()) for plane in (kept, spread))
        gains[output] = gain * share, float(np.hypot(error * share, gain * doubt))
    return gains
