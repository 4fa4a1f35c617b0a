"""A smooth field with an offset and a slope of each spectrum's own on top: a mixed linear model.

    y = X beta + Z b + noise,   beta ~ N(0, prior),   b_l ~ N(0, diag(tau^2)) of spectrum l,   noise ~ N(0, s^2 + j^2)

with the stated errors s and one jitter j for whatever they leave out. tau and j are estimated from the lines
themselves (expectation maximisation; the moment of chi-square), so a spectrum keeps of its own deviation what its
lines can show, and takes the rest from the field: one with many lines is as free as if tau were infinite, one without
any has tau^2 as its variance. Normal equations of the effects are eliminated spectrum by spectrum (Henderson 1975).

Lines that belong elsewhere are left out by two tests: against the field alone, in units of all scatter of lines about
it; and, the worst of a spectrum at a time, against the others of the spectrum. Both start from medians.
Not modelled: errors that lines of many spectra have in common, such as that of a listed wavelength.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from iris_contract.errors import InputError

__all__ = ["MixedFit", "Observations", "fit_mixed"]

Double = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
_ROUNDS = 40
_SETTLED = 0.01  # relative change of the scatter at which the rounds end
_FIELD_LIMIT, _OWN_LIMIT = 5.0, 4.5  # sigma
_MAD = 1.4826
_FLOOR = 1e-4  # px, below which no scatter is told apart from none


@dataclass(frozen=True, slots=True, eq=False)
class Observations:
    """m values in px with standard errors, of spectra `group` out of `number`, and their equations.

    `fixed` (m, p) are the terms of the field, `variances` (p,) their sizes squared, `own` (m, q) the terms of each
    spectrum.
    """

    value: Double
    error: Double
    group: npt.NDArray[np.int64]
    number: int
    fixed: Double
    variances: Double
    own: Double


@dataclass(frozen=True, slots=True, eq=False)
class MixedFit:
    """Field `beta` (p,) with covariance (p, p); `effects` (n, q) of spectra with covariance (n, q, q) given beta.

    `response` (n, q, p): by how much the effects answer to the field, d effects = -response d beta. `scatter` (q,) and
    `jitter` px are the estimated standard deviations; `used` (m,).
    """

    beta: Double
    covariance: Double
    effects: Double
    effects_covariance: Double
    response: Double
    scatter: Double
    jitter: float
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
    used, spread = _start(seen)
    scatter = np.full(seen.own.shape[1], max(spread, _FLOOR))
    jitter = 0.0
    for number in range(_ROUNDS):
        fit = _solve(seen, used, scatter, jitter)
        scatter_new, jitter_new = _update_scatter(seen, fit)
        used_new = _select(seen, fit) if number % 2 else used
        settled = np.array_equal(used_new, used) and number % 2
        change = np.abs(np.append(scatter_new, jitter_new) - np.append(scatter, jitter))
        used, scatter, jitter = used_new, scatter_new, jitter_new
        if settled and (change <= _SETTLED * np.maximum(np.append(scatter, jitter), _FLOOR)).all():
            break
    return _solve(seen, used, scatter, jitter)


def _start(seen: Observations) -> tuple[Mask, float]:
    """Return the lines near a robust fit of the field alone (reweighted by Cauchy's function), and their spread."""
    weights = np.ones(len(seen.value))
    for _ in range(8):
        scaled = seen.fixed * weights[:, None]
        normal = scaled.T @ seen.fixed + np.diag(1e-3 / seen.variances)
        residual = seen.value - seen.fixed @ np.linalg.solve(normal, scaled.T @ seen.value)
        spread = max(_MAD * float(np.median(np.abs(residual))), _FLOOR)
        weights = 1 / (1 + (residual / (2 * spread)) ** 2)
    return np.abs(residual) < _FIELD_LIMIT * np.hypot(spread, seen.error), spread


def _sum(group: npt.NDArray[np.int64], number: int, values: Double) -> Double:
    """Sum values (m, ...) over each group: (number, ...)."""
    flat = values.reshape(len(values), -1)
    sums = [np.bincount(group, weights=column, minlength=number) for column in flat.T]
    return np.stack(sums, axis=-1).reshape(number, *values.shape[1:])


def _solve(seen: Observations, used: Mask, scatter: Double, jitter: float) -> MixedFit:
    """Solve the mixed model equations for given variances, the effects eliminated."""
    weight = used / (seen.error**2 + jitter**2)
    heavy = seen.fixed * weight[:, None]
    own = seen.own * weight[:, None]
    inner = _sum(seen.group, seen.number, own[:, :, None] * seen.own[:, None, :])
    effects_covariance = np.linalg.inv(inner + np.diag(scatter**-2.0))
    cross = np.stack([_sum(seen.group, seen.number, own[:, [q]] * seen.fixed) for q in range(own.shape[1])], axis=1)
    right = _sum(seen.group, seen.number, own * seen.value[:, None])
    response = effects_covariance @ cross
    normal = heavy.T @ seen.fixed - np.einsum("nqp,nqr->pr", cross, response) + np.diag(1 / seen.variances)
    rest = heavy.T @ seen.value - np.einsum("nqp,nq->p", response, right)
    covariance = np.linalg.inv(normal)
    beta = covariance @ rest
    effects = np.einsum("nqr,nr->nq", effects_covariance, right) - response @ beta
    return MixedFit(beta, covariance, effects, effects_covariance, response, scatter, jitter, used)


def _find_residuals(seen: Observations, fit: MixedFit) -> tuple[Double, Double]:
    """Return residuals from the field alone and from the spectra's own solutions (m,)."""
    field = seen.value - seen.fixed @ fit.beta
    return field, field - np.einsum("mq,mq->m", seen.own, fit.effects[seen.group])


def _find_leverage(seen: Observations, fit: MixedFit) -> Double:
    """Share (m,) of a line's own value in the solution of its spectrum at that line."""
    variance = seen.error**2 + fit.jitter**2
    own = np.einsum("mq,mqr,mr->m", seen.own, fit.effects_covariance[seen.group], seen.own)
    return np.where(fit.used, own / variance, 0.0)


def _update_scatter(seen: Observations, fit: MixedFit) -> tuple[Double, float]:
    """Return scatter and jitter that explain what the fit left."""
    lit = np.bincount(seen.group[fit.used], minlength=seen.number) > 0
    moments = fit.effects[lit] ** 2 + np.einsum("nqq->nq", fit.effects_covariance[lit])
    scatter = np.sqrt(np.maximum(moments.mean(axis=0), _FLOOR**2)) if lit.any() else fit.scatter
    own = _find_residuals(seen, fit)[1][fit.used]
    variance = seen.error[fit.used] ** 2 + fit.jitter**2
    freedom = fit.used.sum() - _find_leverage(seen, fit)[fit.used].sum() - _count_known(seen, fit)
    if freedom < 1:
        return scatter, fit.jitter
    excess = float((own**2 / variance).sum() / freedom) - 1
    typical = 1 / float(np.mean(1 / variance))
    return scatter, float(np.sqrt(max(fit.jitter**2 + excess * typical, 0.0)))


def _count_known(seen: Observations, fit: MixedFit) -> float:
    """Terms of the field that the lines determine, and not their sizes."""
    return float(len(fit.beta) - (np.diag(fit.covariance) / seen.variances).sum())


def _select(seen: Observations, fit: MixedFit) -> Mask:
    """Tell which lines agree with the field, and with the other lines of their spectrum."""
    variance = seen.error**2 + fit.jitter**2
    field, own = _find_residuals(seen, fit)
    spread = np.sqrt(variance + seen.own**2 @ fit.scatter**2)
    near: Mask = np.abs(field) < _FIELD_LIMIT * spread
    own_variance = np.einsum("mq,mqr,mr->m", seen.own, fit.effects_covariance[seen.group], seen.own)
    # a line used has pulled the solution towards itself; one left out has the solution's error on top of its own
    kept = variance * np.maximum(1 - _find_leverage(seen, fit), 1e-3)
    deviation = np.abs(own) / np.sqrt(np.where(fit.used, kept, variance + own_variance))
    worst = np.zeros(seen.number)
    np.maximum.at(worst, seen.group, np.where(near & fit.used, deviation, 0.0))
    bad = (deviation > _OWN_LIMIT) & (~fit.used | (deviation >= worst[seen.group]))
    return near & ~bad
