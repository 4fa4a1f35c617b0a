"""Links between neighbouring pixels from the noise of flat exposures.

Photons of neighbouring pixels arrive independently, so what their noise has in common is coupling
(Moore, Ninkov & Forrest 2006, Opt. Eng. 45, 076402). With the local kernel K (centre k0 = 1 - 2a - 2b - 4c,
side links a along rows and b along columns, corners c) the covariance of two pixels that are d apart
is F times the autocorrelation of K, sum_m K(m) K(m + d), where F is the photon noise. Term by term:

    d = (0, 0):   V    = k0^2 + 2a^2 + 2b^2 + 4c^2
    right:        C_x  = 2 k0 a + 4 b c
    upper:        C_y  = 2 k0 b + 4 a c
    corner:       C_c  = 2 k0 c + 2 a b

So C_x / V is 2a to first order only; at a = b = 1.25 %, c = 0.12 % it is 2.65 %, and taking half of it as the link
would be 6 % too much. The three equations are solved by iteration for a, b, c (`solve_links`).

Measured are products of the residuals of read-to-read differences about their mean over ramps, of pairs of
pixels, in blocks of the field. What an output's pixels of a row or of neighbouring rows share, its 1/f noise, is
as large as the covariance of corners and differs from exposure to exposure. It is the same for pairs
further apart: from each covariance the mean of those with the same step in rows and three to five columns further
apart is subtracted, where coupling is a^3 at most; even and odd steps separately, so that
alternating columns cancel too. What is left and not light's does not grow with the light: only the slopes
of the covariances against the mean signal over the lamp levels, off among them, enter (as for the
gain, `calibration.gain`). Pixels whose variance chance allows once in 10^7 (cosmic rays) are left
out with their neighbours, and so are unusable and badly lit ones.
Over the blocks a polynomial of the degree that the Bayesian information criterion prefers is fitted
to each link.

Not modelled: charge diffusion (it does not correlate photons), coupling that depends on the signal.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit
from scipy import ndimage, stats

from iris_contract.errors import InputError

__all__ = ["Covariances", "LinkField", "fit_links", "measure_covariances", "solve_links"]

Float = npt.NDArray[np.float32]
Double = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
_CHANCE = 1e-7
_DARK = 1.0  # DN per increment below which the lamp counts as off
_DIM = 0.5  # of the median signal
_ROWS = 64  # rows at a time
_SAMPLE = 4096  # pixels per output that tell the lamp's flicker
_BLOCK = 128  # side of a block in pixels
_FEWEST = 1000  # pairs of a block below which it is left out
_DEGREES = range(4)
_NEAR = ((0, 0, 0), (1, 0, -1), (2, -1, 0), (3, -1, -1), (3, -1, 1))  # kind, rows, columns to the other pixel
_FAR = ((0, 0, -4), (1, 0, -3), (1, 0, -5), (2, -1, -4), (2, -1, 4), (3, -1, -3), (3, -1, 3), (3, -1, -5), (3, -1, 5))
_PAIRS = np.array([(0, *pair) for pair in _NEAR] + [(1, *pair) for pair in _FAR])


class Covariances(NamedTuple):
    """Sums over the pixels of each block (by, bx) of one exposure, and how many went into them.

    `mean` DN per increment; `products` (by, bx, 4) DN^2: variance, right, upper, corner; `numbers` (by, bx, 4)
    pixels or pairs, those that the subtraction of row noise is worth; `freedom` independent increments of each.
    """

    mean: Double
    products: Double
    numbers: Double
    freedom: int


class LinkField(NamedTuple):
    """Links (ny, nx, 3) to the right, upper and corner neighbours, and their errors; `degrees` of the polynomials."""

    links: Float
    errors: Float
    degrees: tuple[int, ...]


def measure_covariances(
    reads: npt.NDArray[np.uint16 | np.float32], usable: Flags, outputs: npt.NDArray[np.int64]
) -> Covariances:
    """Return the covariances in each block of one flat exposure, from `reads` DN (ny, nx, ngroups, nreads).

    `usable` (ny, nx) leaves out reference, bad and saturated pixels; `outputs` (nx,) is the output of
    each column. Raises InputError for fewer than two ramps or no usable pixel.
    """
    ny, nx, ngroups, nreads = reads.shape
    if ngroups < 2:
        raise InputError("covariances need two or more ramps in an exposure", key="NGROUPS", value=ngroups)
    if not usable.any():
        raise InputError("no pixel is usable", key="XSIZE,YSIZE", value=(nx, ny))
    freedom = (ngroups - 1) * (nreads - 1)
    level, flicker = _measure_flicker(reads, usable, outputs)
    mean, variance = np.zeros((2, ny, nx), np.float32)
    for part, residual, own in _list_residuals(reads, level, flicker, outputs):
        mean[part] = own.mean(axis=2)
        variance[part] = np.einsum("yxk,yxk->yx", residual, residual) / freedom
    kept = _select(mean, variance, usable, level[outputs], freedom)
    shape = (-(-ny // _BLOCK), -(-nx // _BLOCK))
    sums, products, numbers = np.zeros(shape), np.zeros((*shape, 2, 4)), np.zeros((*shape, 2, 4))
    last = np.zeros((nx, ngroups * (nreads - 1)), np.float32)
    for part, residual, _ in _list_residuals(reads, level, flicker, outputs):
        _add_products(residual, last, kept, mean, outputs, part.start, sums, products, numbers)
        last = residual[-1]
    safe = np.maximum(numbers, 1)
    near, far = np.moveaxis(products / (safe * freedom), -2, 0)
    worth = np.where(numbers.all(axis=-2), 1 / (1 / safe).sum(axis=-2), 0)
    return Covariances(sums / safe[..., 0, 0], near - far, worth, freedom)


def _measure_flicker(
    reads: npt.NDArray[np.uint16 | np.float32], usable: Flags, outputs: npt.NDArray[np.int64]
) -> tuple[Double, Double]:
    """Return per output the median increment DN (n,) and what all its pixels do in common about it (n, increments)."""
    level, flicker = np.zeros(outputs.max() + 1), np.zeros((outputs.max() + 1, reads[0, 0, :, 1:].size))
    for output in np.unique(outputs):
        rows, columns = np.nonzero(usable & (outputs == output))
        step = max(1, rows.size // _SAMPLE)
        increments = np.diff(reads[rows[::step], columns[::step]].astype(np.float32), axis=2)
        if len(increments):
            own = increments.mean(axis=1, keepdims=True)
            level[output] = np.median(own.mean(axis=(1, 2)))
            flicker[output] = np.median(increments - own, axis=0).ravel()
    return level, flicker


def _list_residuals(
    reads: npt.NDArray[np.uint16 | np.float32], level: Double, flicker: Double, outputs: npt.NDArray[np.int64]
) -> Any:
    """Yield rows, residuals (rows, nx, increments) of the increments, and the means (rows, nx, nreads - 1)."""
    for first in range(0, len(reads), _ROWS):
        part = slice(first, min(first + _ROWS, len(reads)))
        increments = np.diff(reads[part].astype(np.float32), axis=3)
        own = increments.mean(axis=2)
        increments -= own[:, :, None]
        residual = increments.reshape(*increments.shape[:2], -1)
        lit = level > _DARK
        scale = np.where(lit, 1 / np.where(lit, level, 1), 0.0)[outputs]
        share = np.where(lit[outputs], own.mean(axis=2) * scale, 1.0).astype(np.float32)
        residual -= share[:, :, None] * flicker[outputs].astype(np.float32)
        yield part, residual, own


def _select(mean: Float, variance: Float, usable: Flags, level: Double, freedom: int) -> Flags:
    """Return the pixels (ny, nx) that are usable, lit, and have no hit in or beside them."""
    lit = level > _DARK
    expected = np.where(lit, np.maximum(1.0, mean / np.where(lit, level, 1.0)), 1.0)
    typical = float(np.median((variance / expected)[usable])) / (1 - 2 / (9 * freedom)) ** 3
    hit = variance > expected * typical * stats.chi2.isf(_CHANCE, freedom) / freedom
    kept: Flags = usable & ~ndimage.binary_dilation(hit & usable, np.ones((3, 3), bool))
    return kept & (~lit | (mean > _DIM * level))


@njit(nogil=True, cache=True)
def _add_products(
    residual: Any,
    last: Any,
    kept: Any,
    mean: Any,
    outputs: Any,
    start: int,
    sums: Any,
    products: Any,
    numbers: Any,
) -> None:
    """Add a strip's products to the block of the upper pixel of each pair; `last` is the row below the strip."""
    rows, columns, size = residual.shape
    for i in range(rows):
        y = start + i
        below = residual[i - 1] if i > 0 else last
        for x in range(columns):
            if not kept[y, x]:
                continue
            by, bx = y // _BLOCK, x // _BLOCK
            sums[by, bx] += mean[y, x]
            here = residual[i, x]
            for n in range(len(_PAIRS)):
                far, kind, dy, dx = _PAIRS[n]
                v, u = y + dy, x + dx
                if v >= 0 and 0 <= u < columns and kept[v, u] and outputs[u] == outputs[x]:
                    there = residual[i, u] if dy == 0 else below[u]
                    total = np.float32(0)
                    for k in range(size):
                        total += here[k] * there[k]
                    products[by, bx, far, kind] += total
                    numbers[by, bx, far, kind] += 1


def solve_links(right: Double, upper: Double, corner: Double) -> Double:
    """Return the links (..., 3) whose kernel has these covariances, (...), as shares of the variance."""
    a, b, c = right / 2, upper / 2, corner / 2
    for _ in range(60):  # shrinks the error sevenfold each time at 1.25 %
        centre = 1 - 2 * a - 2 * b - 4 * c
        variance = centre**2 + 2 * a**2 + 2 * b**2 + 4 * c**2
        a, b, c = (
            (right * variance - 4 * b * c) / (2 * centre),
            (upper * variance - 4 * a * c) / (2 * centre),
            (corner * variance - 2 * a * b) / (2 * centre),
        )
    return np.stack([a, b, c], axis=-1)


def fit_links(exposures: Sequence[Covariances], shape: tuple[int, int]) -> LinkField:
    """Return the links over a field of `shape` (ny, nx) from flats at two or more levels.

    Raises InputError where the levels do not differ enough.
    """
    means = np.array([e.mean for e in exposures])[..., None]
    products, numbers = (np.array([getattr(e, name) for e in exposures]) for name in ("products", "numbers"))
    freedom = np.array([e.freedom for e in exposures])[:, None, None, None]
    variance = np.maximum(products[..., :1], 1e-6)
    weight = numbers * freedom / variance**2  # of a covariance; of the variance itself, half
    total = np.maximum(weight.sum(axis=0), 1e-30)
    centre = (weight * means).sum(axis=0) / total
    lever = (weight * (means - centre) ** 2).sum(axis=0)
    differ = (lever > 1e-9 * (weight * means**2).sum(axis=0)).all(axis=-1)
    slopes = (weight * (means - centre) * products).sum(axis=0) / np.where(differ[..., None], lever, 1.0)
    good = differ & (numbers >= _FEWEST).all(axis=(0, 3)) & (slopes[..., 0] ** 2 * lever[..., 0] > 50)
    if not good.any():
        raise InputError("flats give no covariances: needs exposures at two or more levels", key="CALLAMP")
    ratios = slopes[good][:, 1:] / slopes[good][:, :1]
    links = solve_links(*ratios.T)
    error = lever[good][:, 1:] ** -0.5 / slopes[good][:, :1] / 2
    return _fit_field(np.argwhere(good), links, error, shape)


def _fit_field(blocks: npt.NDArray[np.intp], links: Double, error: Double, shape: tuple[int, int]) -> LinkField:
    """Fit a polynomial over the field to each link of the blocks (n, 2), links and errors (n, 3)."""
    edges = [np.minimum((blocks[:, k] + 0.5) * _BLOCK, (blocks[:, k] * _BLOCK + shape[k]) / 2) for k in (0, 1)]
    y, x = (2 * edge / size - 1 for edge, size in zip(edges, shape, strict=True))
    field, errors, degrees = np.zeros((*shape, 3), np.float32), np.zeros((*shape, 3), np.float32), []
    for kind in range(3):
        degree, coefficients, covariance = _choose_degree(y, x, links[:, kind], error[:, kind])
        degrees.append(degree)
        columns = 2 * (np.arange(shape[1]) + 0.5) / shape[1] - 1
        for row in range(shape[0]):
            terms = _list_terms(np.full(shape[1], 2 * (row + 0.5) / shape[0] - 1), columns, degree)
            field[row, :, kind] = terms @ coefficients
            errors[row, :, kind] = np.sqrt(np.einsum("ni,ij,nj->n", terms, covariance, terms))
    return LinkField(field, errors, tuple(degrees))


def _choose_degree(y: Double, x: Double, values: Double, error: Double) -> tuple[int, Double, Double]:
    """Return the degree with the least chi2 + parameters * log(blocks), its coefficients and their covariance."""
    fits: list[tuple[float, int, Double, Double]] = []
    for degree in _DEGREES:
        terms = _list_terms(y, x, degree)
        if terms.shape[1] * 2 > len(values) and fits:
            break
        weighted = terms / error[:, None]
        covariance: Any = np.linalg.pinv(weighted.T @ weighted)
        coefficients: Any = covariance @ (weighted.T @ (values / error))
        chi2 = float((((values - terms @ coefficients) / error) ** 2).sum())
        fits.append((chi2 + terms.shape[1] * np.log(len(values)), degree, coefficients, covariance))
    return min(fits, key=lambda fit: fit[:2])[1:]


def _list_terms(y: Double, x: Double, degree: int) -> Double:
    """Return the products of Legendre polynomials up to total `degree`, (n, terms), at `y` and `x` in -1..1."""
    vander = np.polynomial.legendre.legvander
    along_y, along_x = vander(y, degree), vander(x, degree)
    return np.stack([along_y[:, i] * along_x[:, j] for i in range(degree + 1) for j in range(degree + 1 - i)], axis=-1)
