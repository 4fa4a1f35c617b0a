"""Errors that a line has in common in all spectra: the flexure of its exposure, and the error of its wavelength.

All lines of an exposure are moved by the flexure of the moment, and a line is as wrong in every spectrum as it is in
its list. Both are terms beside the field (`mixed`), with sizes that are guessed beforehand [C]: FLEXURE px from
exposure to exposure, LISTED nm of a line. Where lines show that they are larger, they are raised. With hundreds of
spectra the terms are known but for what looks like the field: n lines of error s leave s sqrt(q / n) in common in all
spectra, q the powers of the wavelength that the field has free (3 to 4), and the covariance of the field holds that. A
solution is of the mean of its exposures.
Not modelled: flexure that turns or stretches; lines of a lamp that are wrong together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from iris_contract.lenslet import GratingSetting

__all__ = ["FLEXURE", "LISTED", "SharedErrors", "list_shared_errors"]

Double = npt.NDArray[np.float64]
FLEXURE = 0.03
"""px rms [C] by which exposures of a set are moved."""
LISTED = 2e-3
"""nm rms [C] of a listed wavelength: NIST states 2 to 20 units of the last decimal, of which most lines have three."""


@dataclass(frozen=True, slots=True, eq=False)
class SharedErrors:
    """Terms (m, c) of m lines with variances (c,) px2; the first `exposures` are flexure, the rest are lines."""

    terms: Double
    variances: Double
    exposures: int

    @property
    def groups(self) -> tuple[int, int]:
        """How many terms are flexure, and how many lines."""
        return self.exposures, len(self.variances) - self.exposures

    @property
    def mean(self) -> Double:
        """Terms (c,) of the moment of a solution: the mean of the exposures, and no line."""
        row = np.zeros(len(self.variances))
        row[: self.exposures] = 1 / max(self.exposures, 1)
        return row

    def add_mean(self, fixed: Double) -> Double:
        """Return terms of the field (k, p) with those of the mean beside them (k, p + c)."""
        return np.concatenate([fixed, np.broadcast_to(self.mean, (len(fixed), len(self.variances)))], axis=1)


def list_shared_errors(
    exposure: npt.NDArray[np.int64], wavelength: Double | None, setting: GratingSetting
) -> SharedErrors:
    """Return the terms of lines (m,) by the number of their exposure and nm; None where lists are no matter."""
    _, of_exposure = np.unique(exposure, return_inverse=True)
    exposures = int(of_exposure.max(initial=-1)) + 1
    terms = [of_exposure[:, None] == np.arange(exposures)]
    variances = [np.full(exposures, FLEXURE**2)]
    if wavelength is not None:
        known, of_line = np.unique(wavelength, return_inverse=True)
        terms.append(of_line[:, None] == np.arange(len(known)))
        variances.append((LISTED / np.asarray(setting.dispersion(known))) ** 2)
    return SharedErrors(np.concatenate(terms, axis=1).astype(np.float64), np.concatenate(variances), exposures)
