"""Statistics of (estimate - truth) over pixels, shared by the families that judge planes with errors.

A pixel that the product flags DO_NOT_USE takes no part here and costs yield if it is good in truth.
Everything else stays: nothing is clipped, and one unflagged NaN makes every mean, rms and width NaN. What is
counted stays finite, and counts the NaN against the product: outside in a coverage, unusable in the yield.

For N independent standard normal pulls the mean has sigma 1/sqrt(N), the width 1/sqrt(2 N), the
mean square sqrt(2/N) and the coverage sqrt(c (1 - c) / N).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from iris_contract import Image
from iris_contract.dq import has

__all__ = ["Residuals", "mean_of", "rms_of", "split_rates"]

MANY = 64  # more distinct scene rates than this are a picture, not a ladder of conditions

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Residuals:
    """Pixels good in truth, all (n,): `truth`, `error` = estimate - truth and own `sigma`, one unit.

    `judged` is False where the product says DO_NOT_USE. An own sigma that is not positive is no
    error estimate: its pulls are NaN.
    """

    truth: Array
    error: Array
    sigma: Array
    judged: Mask

    @classmethod
    def of(
        cls,
        data: npt.NDArray[Any],
        err: npt.NDArray[Any],
        dq: npt.NDArray[np.uint32],
        truth: npt.NDArray[Any],
        good: Mask,
    ) -> Self:
        """Compare `data` +- `err` with `truth` in the pixels `good`, all (ny, nx)."""
        true = truth[good].astype(np.float64)
        error = data[good].astype(np.float64) - true
        return cls(true, error, err[good].astype(np.float64), ~has(dq[good], "DO_NOT_USE"))

    @classmethod
    def of_image(cls, image: Image, truth: npt.NDArray[Any], good: Mask) -> Self:
        """Compare an image with `truth` in the pixels `good`, (ny, nx)."""
        return cls.of(image.data, image.err, image.dq, truth, good)

    @classmethod
    def join(cls, *parts: Self) -> Self:
        """Pool several exposures."""
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in Residuals.__slots__))

    def pick(self, index: Any) -> Residuals:
        """Return the pixels that a numpy `index` selects."""
        return Residuals(self.truth[index], self.error[index], self.sigma[index], self.judged[index])

    @property
    def usable(self) -> int:
        """Number of pixels with a value that is neither flagged nor NaN; the yield counts it."""
        return int(np.count_nonzero(self.judged & np.isfinite(self.error) & np.isfinite(self.sigma)))

    @property
    def own_sigma(self) -> Array:
        """Own sigma of the judged pixels, NaN where it is not positive."""
        sigma = self.sigma[self.judged]
        return np.where(sigma > 0, sigma, np.nan)

    @property
    def pulls(self) -> Array:
        """Error over own sigma of the judged pixels."""
        return self.error[self.judged] / self.own_sigma


def mean_of(x: npt.NDArray[Any]) -> float:
    """Return the mean in double precision, NaN of nothing."""
    return float(np.mean(x, dtype=np.float64)) if x.size else float("nan")


def rms_of(x: npt.NDArray[Any]) -> float:
    """Return the root mean square in double precision, NaN of nothing."""
    return math.sqrt(mean_of(np.square(x, dtype=np.float64)))


def split_rates(scene: npt.NDArray[np.float32]) -> Iterator[tuple[str, Any]]:
    """Yield the condition "rate=0.5" of each scene rate e-/s and the index of its pixels (n,).

    A picture, in which nearly every pixel has its own rate, is the one condition "all".
    """
    order = np.argsort(scene, kind="stable")
    rates, starts = np.unique(scene[order], return_index=True)
    if rates.size > MANY:
        yield "all", slice(None)
        return
    for rate, start, stop in zip(rates, starts, [*starts, scene.size][1:], strict=False):
        yield f"rate={rate:.6g}", order[start:stop]
