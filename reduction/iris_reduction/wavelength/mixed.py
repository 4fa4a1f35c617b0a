"""A smooth field with an offset and a slope of each spectrum's own on top: a mixed linear model.

    y = X beta + Z b + noise,   beta ~ N(0, prior),   b_l ~ N(0, diag(tau^2)) of spectrum l,   noise ~ N(0, s^2 + j^2)

with the stated errors s and one jitter j for whatever they leave out. tau and j are estimated from the lines
themselves (effective number of parameters; moment of chi-square), so a spectrum keeps of its own deviation what its
lines can show, and takes the rest from the field: one with many lines is as free as if tau were infinite, one without
any has tau^2 as its variance. Normal equations of the effects are eliminated spectrum by spectrum (Henderson 1975).

Lines that belong elsewhere are left out by two tests: against the field alone, in units of all scatter of lines about
it; and, the worst of a spectrum at a time, against the others of the spectrum. Both start from medians.
Errors that lines of many spectra have in common (`shared_errors`) are terms of the field as well, whose variances are
their sizes; the first test takes them for scatter, or a line that is wrong everywhere would explain itself. Sizes are
known beforehand no better than guessed: chi-square of the terms found, over their number, raises those that it says are
too small, and lowers none. A term counts by how far the lines determine it, and at most as one two sizes off: a single
line that is far off is no matter of the others (Huber 1981, Robust Statistics, ch. 5).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from iris_contract.errors import InputError

__all__ = ["MixedFit", "Observations", "fit_mixed"]

Double = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
_ROUNDS = 40
_SETTLED = 0.02  # relative change of the scatter at which the rounds end
_TELLING = 2e-3  # px, below which the scatter need not be known better than that
_FIELD_LIMIT, _OWN_LIMIT = 5.0, 4.5  # sigma
_MAD = 1.4826
_CLIP, _CLIPPED = 4.0, 0.9205  # of a squared standard normal number, and what that leaves of its mean of 1
_TOLD = 0.5  # terms that lines determine, below which nothing is told of their size
_FLOOR = 1e-4  # px, below which no scatter is told apart from none


@dataclass(frozen=True, slots=True, eq=False)
class Observations:
    """m values in px with standard errors, of spectra `group` out of `number`, and their equations.

    `fixed` (m, p) are the terms of the field, `variances` (p,) their sizes squared, `own` (m, q) the terms of each
    spectrum. The last terms are errors that lines have in common, in groups of `shared` numbers, each of one size.
    """

    value: Double
    error: Double
    group: npt.NDArray[np.int64]
    number: int
    fixed: Double
    variances: Double
    own: Double
    shared: tuple[int, ...] = ()

    @property
    def smooth(self) -> slice:
        """The terms that are a field, and no errors."""
        return slice(self.fixed.shape[1] - sum(self.shared))

    @property
    def groups(self) -> list[slice]:
        """The terms of each group of errors."""
        ends = self.fixed.shape[1] - sum(self.shared) + np.cumsum((0, *self.shared))
        return [slice(*pair) for pair in pairwise(ends.tolist())]

    @property
    def shared_variance(self) -> Double:
        """Variance (m,) px2 of the errors that lines have in common, beforehand."""
        errors = slice(self.smooth.stop, None)
        variance: Double = self.fixed[:, errors] ** 2 @ self.variances[errors]
        return variance


@dataclass(frozen=True, slots=True, eq=False)
class MixedFit:
    """Field `beta` (p,) with covariance (p, p); `effects` (n, q) of spectra with covariance (n, q, q) given beta.

    `response` (n, q, p): by how much the effects answer to the field, d effects = -response d beta. `scatter` (q,) and
    `jitter` px are the estimated standard deviations, `raised` (g,) how many times the sizes of errors in common are
    those expected; `used` (m,).
    """

    beta: Double
    covariance: Double
    effects: Double
    effects_covariance: Double
    response: Double
    scatter: Double
    jitter: float
    raised: Double
    used: Mask

    def propagate(self, spectrum: npt.NDArray[np.int64], fixed: Double, own: Double) -> tuple[Double, Double]:
        """Return value (k,) and joint covariance factors (k, p) for the field at equations of `spectrum` (k,).

        The covariance of a prediction is F C F' + own V own' with F the factors, C `covariance`, V that of its effects.
        """
        value = fixed @ self.beta + np.einsum("kq,kq->k", own, self.effects[spectrum])
        return value, fixed - np.einsum("kq,kqp->kp", own, self.response[spectrum])

    def predict_variance(self, spectrum: npt.NDArray[np.int64], fixed: Double, own: Double) -> Double:
        """Return the variance (k,) of predictions at equations of `spectrum` (k,)."""
        factors = self.propagate(spectrum, fixed, own)[1]
        field = np.einsum("kp,pr,kr->k", factors, self.covariance, factors)
        variance: Double = field + np.einsum("kq,kqr,kr->k", own, self.effects_covariance[spectrum], own)
        return variance


def fit_mixed(seen: Observations) -> MixedFit:
    """Fit field, effects and scatter; raise InputError where there is no value to fit."""
    if len(seen.value) == 0:
        raise InputError("no line could be measured", key="lines", value=0)
    lit, group = np.unique(seen.group, return_inverse=True)
    fit = _fit_lit(replace(seen, group=group, number=len(lit)))
    effects, response = np.zeros((seen.number, len(fit.scatter))), np.zeros((seen.number, *fit.response.shape[1:]))
    effects_covariance = np.tile(np.diag(fit.scatter**2), (seen.number, 1, 1))
    effects[lit], response[lit], effects_covariance[lit] = fit.effects, fit.response, fit.effects_covariance
    return replace(fit, effects=effects, response=response, effects_covariance=effects_covariance)


def _fit_lit(seen: Observations) -> MixedFit:
    """Fit where every spectrum has lines, if perhaps none that is used."""
    used, spread = _start(seen)
    scatter, jitter = np.full(seen.own.shape[1], max(spread, _FLOOR)), 0.0
    raised = np.ones(len(seen.shared))
    sums = _Sums(seen)
    for number in range(_ROUNDS):
        sized = _resize(seen, raised)
        fit = _solve(sized, sums, used, scatter, jitter, raised)
        before, now = np.array([*scatter, jitter, *raised]), _update_scatter(sized, fit)
        scatter, jitter, raised = now[:-1], float(now[-1]), _update_sizes(sized, fit)
        now = np.append(now, raised)
        if number % 2 == 0:
            continue
        chosen = _select(sized, fit)
        settled, used = np.array_equal(chosen, used), chosen
        if settled and (np.abs(now - before) <= _SETTLED * np.maximum(now, _TELLING)).all():
            break
    return _solve(_resize(seen, raised), sums, used, scatter, jitter, raised)


def _resize(seen: Observations, raised: Double) -> Observations:
    """Return observations whose errors in common are `raised` (g,) times as large."""
    return replace(seen, variances=seen.variances * np.repeat([1.0, *raised**2], [seen.smooth.stop, *seen.shared]))


def _start(seen: Observations) -> tuple[Mask, float]:
    """Return the lines near a robust fit of the field alone (reweighted by Cauchy's function), and their spread."""
    weights, terms = np.ones(len(seen.value)), seen.fixed[:, seen.smooth]
    for _ in range(8):
        scaled = terms * weights[:, None]
        normal = scaled.T @ terms + np.diag(1e-3 / seen.variances[seen.smooth])
        residual = seen.value - terms @ np.linalg.solve(normal, scaled.T @ seen.value)
        spread = max(_MAD * float(np.median(np.abs(residual))), _FLOOR)
        weights = 1 / (1 + (residual / (2 * spread)) ** 2)
    return np.abs(residual) < _FIELD_LIMIT * np.hypot(spread, seen.error), spread


class _Sums:
    """Weighted sums over the lines of each spectrum."""

    def __init__(self, seen: Observations) -> None:
        self.order = np.argsort(seen.group, kind="stable")
        self.ends = np.append(0, np.cumsum(np.bincount(seen.group, minlength=seen.number)))
        self.shape = seen.number, len(seen.group)

    def add(self, weight: Double, values: Double) -> Double:
        """Sum weight (m,) times values (m, k) over each spectrum: (n, k)."""
        matrix = csr_array((weight[self.order], self.order, self.ends), shape=self.shape)
        return np.asarray(matrix @ values)


def _solve(seen: Observations, sums: _Sums, used: Mask, scatter: Double, jitter: float, raised: Double) -> MixedFit:
    """Solve the mixed model equations for given variances, the effects eliminated."""
    weight = used / (seen.error**2 + jitter**2)
    own = seen.own * weight[:, None]
    cross, inner, right = (
        np.stack([sums.add(column, values) for column in own.T], axis=1)
        for values in (seen.fixed, seen.own, seen.value[:, None])
    )
    effects_covariance = np.asarray(np.linalg.inv(inner + np.diag(scatter**-2.0)), dtype=np.float64)
    response, own_part = effects_covariance @ cross, effects_covariance @ right
    terms = seen.fixed.shape[1]
    eliminated = cross.reshape(-1, terms).T
    heavy = (seen.fixed * weight[:, None]).T
    normal = heavy @ seen.fixed - eliminated @ response.reshape(-1, terms) + np.diag(1 / seen.variances)
    covariance = np.asarray(np.linalg.inv(normal), dtype=np.float64)
    beta = covariance @ (heavy @ seen.value - eliminated @ own_part.reshape(-1))
    effects = own_part[:, :, 0] - response @ beta
    return MixedFit(beta, covariance, effects, effects_covariance, response, scatter, jitter, raised, used)


def _find_residuals(seen: Observations, fit: MixedFit) -> tuple[Double, Double]:
    """Return residuals from the smooth field alone and from the spectra's own solutions (m,)."""
    field = seen.value - seen.fixed[:, seen.smooth] @ fit.beta[seen.smooth]
    every = seen.value - seen.fixed @ fit.beta
    return field, every - np.einsum("mq,mq->m", seen.own, fit.effects[seen.group])


def _find_leverage(seen: Observations, fit: MixedFit) -> Double:
    """Share (m,) of a line's own value in the solution of its spectrum at that line."""
    variance = seen.error**2 + fit.jitter**2
    own = np.einsum("mq,mqr,mr->m", seen.own, fit.effects_covariance[seen.group], seen.own)
    return np.where(fit.used, own / variance, 0.0)


def _update_scatter(seen: Observations, fit: MixedFit) -> Double:
    """Return scatter (q,) and, last, jitter that explain what the fit left (MacKay 1992)."""
    known = (1 - np.einsum("nqq->nq", fit.effects_covariance) / fit.scatter**2).sum(axis=0)
    scatter = np.sqrt(np.maximum((fit.effects**2).sum(axis=0) / np.maximum(known, 1e-6), _FLOOR**2))
    scatter = np.clip(scatter, fit.scatter / 4, fit.scatter * 4)
    own = _find_residuals(seen, fit)[1][fit.used]
    variance = seen.error[fit.used] ** 2 + fit.jitter**2
    freedom = fit.used.sum() - _find_leverage(seen, fit)[fit.used].sum() - _count_known(seen, fit)
    if freedom < 1:
        return np.append(scatter, fit.jitter)
    excess = float((own**2 / variance).sum() / freedom) - 1
    typical = 1 / float(np.mean(1 / variance))
    return np.append(scatter, np.sqrt(max(fit.jitter**2 + excess * typical, 0.0)))


def _update_sizes(seen: Observations, fit: MixedFit) -> Double:
    """Return how many times (g,) the sizes of errors in common have to be what was expected, once at least."""
    known = 1 - np.diag(fit.covariance) / seen.variances
    off = np.minimum(fit.beta**2 / (seen.variances * np.maximum(known, 1e-9)), _CLIP) / _CLIPPED
    told = [(known[group].sum(), known[group] @ off[group]) for group in seen.groups]
    squares = [chi2 / freedom if freedom > _TOLD else 1.0 for freedom, chi2 in told]
    return np.maximum(fit.raised * np.sqrt(squares), 1.0)


def _count_known(seen: Observations, fit: MixedFit) -> float:
    """Terms of the field that the lines determine, and not their sizes."""
    return float(len(fit.beta) - (np.diag(fit.covariance) / seen.variances).sum())


def _select(seen: Observations, fit: MixedFit) -> Mask:
    """Tell which lines agree with the field, and with the other lines of their spectrum."""
    variance = seen.error**2 + fit.jitter**2
    field, own = _find_residuals(seen, fit)
    spread = np.sqrt(variance + seen.own**2 @ fit.scatter**2 + seen.shared_variance)
    near: Mask = np.abs(field) < _FIELD_LIMIT * spread
    own_variance = np.einsum("mq,mqr,mr->m", seen.own, fit.effects_covariance[seen.group], seen.own)
    # a line used has pulled the solution towards itself; one left out has the solution's error on top of its own
    kept = variance * np.maximum(1 - _find_leverage(seen, fit), 1e-3)
    deviation = np.abs(own) / np.sqrt(np.where(fit.used, kept, variance + own_variance))
    worst = np.zeros(seen.number)
    np.maximum.at(worst, seen.group, np.where(near & fit.used, deviation, 0.0))
    bad = (deviation > _OWN_LIMIT) & (~fit.used | (deviation >= worst[seen.group]))
    return near & ~bad
