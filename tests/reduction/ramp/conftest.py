"""What the ramp tests share: an independent dense oracle, and a simulator of ramps."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest


@dataclass(frozen=True)
class Oracle:
    """Rate, error e-/s, chi2 and its degrees of freedom, jump amplitudes e-."""

    rate: float
    error: float
    chi2: float
    freedom: int
    amplitudes: np.ndarray


def solve_dense(
    ramps: Sequence[tuple[np.ndarray, np.ndarray]],
    noise: float,
    jumps: Sequence[tuple[int, int]] = (),
    fits: int = 2,
    first_rate: float | None = None,
    full: np.ndarray | None = None,
) -> Oracle:
    """Fit the *reads* (times s, electrons) of several ramps with their full covariance.

    A pedestal for each ramp and an amplitude for each jump (ramp, first read that holds it) are free
    parameters, so nothing is shared with sweeps over differences. As many fits as told, each with the
    weights of the last rate, the first with `first_rate`, or where photons and reads of a straight line through
    the `full` reads (ngroups, nreads) s are equally noisy: noise^2 12/n^2 a step.
    """
    faint = [noise**2 * 12 / len(t) ** 2 / np.diff(t).mean() for t in ([t for t, _ in ramps] if full is None else full)]
    times = np.concatenate([t for t, _ in ramps])
    reads = np.concatenate([s for _, s in ramps])
    owner = np.concatenate([np.full(len(t), g) for g, (t, _) in enumerate(ramps)])
    index = np.concatenate([np.arange(len(t)) for t, _ in ramps])
    columns = [times, *(owner == g for g in range(len(ramps)))]
    columns += [(owner == g) & (index >= read) for g, read in jumps]
    design = np.array(columns, float).T
    rates = np.array(faint)[owner] if first_rate is None else np.full(len(times), first_rate)
    for _ in range(fits):
        shared = np.maximum(rates, 0.0) * np.minimum.outer(times - times.min(), times - times.min())
        covariance = np.where(owner[:, None] == owner, shared, 0.0) + noise**2 * np.eye(len(times))
        weighted = np.linalg.solve(covariance, design)
        inverse = np.linalg.inv(design.T @ weighted)
        solution = inverse @ weighted.T @ reads
        rates = np.full(len(times), solution[0])
    residual = reads - design @ solution
    chi2 = residual @ np.linalg.solve(covariance, residual)
    freedom = len(times) - design.shape[1]
    return Oracle(solution[0], np.sqrt(inverse[0, 0]), chi2, freedom, solution[1 + len(ramps) :])


def bound(times: np.ndarray, rate: float, noise: float) -> float:
    """Return the Cramer-Rao bound e-/s of one ramp with known rate, by dense algebra."""
    t = times - times.min()
    covariance = rate * np.minimum.outer(t, t) + noise**2 * np.eye(len(t))
    design = np.array([t, np.ones_like(t)]).T
    return float(np.sqrt(np.linalg.inv(design.T @ np.linalg.solve(covariance, design))[0, 0]))


def make_ramps(
    seed: int, rate: float, times: np.ndarray, npix: int, noise: float = 10.0, gain: float = 2.0
) -> dict[str, Any]:
    """Simulate (1, npix, ngroups, nreads) float32 reads; return the keyword arguments of a fitter.

    Photons arrive between reads; every ramp has its own pedestal. No quantisation.
    """
    rng = np.random.default_rng(seed)
    steps = np.diff(times, axis=1, prepend=0.0)
    electrons = rng.poisson(rate * steps, (1, npix, *times.shape)).cumsum(axis=-1).astype(float)
    electrons += rng.normal(0.0, noise, electrons.shape) + rng.normal(0.0, 50.0, (1, npix, len(times), 1))
    plane = np.ones((1, npix), np.float32)
    return {
        "reads": (electrons / gain + 4000).astype(np.float32),
        "times": times,
        "gain": plane * np.float32(gain),
        "read_noise": plane * np.float32(noise),
    }


@pytest.fixture(scope="session")
def dense() -> Callable[..., Oracle]:
    return solve_dense


@pytest.fixture(scope="session")
def known_rate_bound() -> Callable[..., float]:
    return bound


@pytest.fixture(scope="session")
def ramps() -> Callable[..., dict[str, Any]]:
    return make_ramps
