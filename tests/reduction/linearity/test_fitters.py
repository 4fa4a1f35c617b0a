"""Every linearity fitter against the simulator's detector, whose curves are no polynomials."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from iris_contract.dq import DQ, has
from iris_contract.errors import InputError
from iris_reduction.linearity import LINEARITY_FAMILY, LINEARITY_FITTERS
from iris_reduction.linearity.amplitude import SIZE, TERMS, add_equations, solve_amplitudes
from iris_reduction.linearity.correction import straighten_signal
from iris_reduction.linearity.moments import collect_moments

USABLE = np.ones((64, 96), bool)


@pytest.fixture(scope="module")
def measure(flats):
    """Fit of a method for a seed, and the rms residuals over pixels that it leaves at 20, 40, 60, 80 ke-."""

    @cache
    def run(method, seed=1):
        night = flats(seed)
        fit = LINEARITY_FITTERS[method]([night.ramps], USABLE, norm=night.norm)
        residuals = night.find_residuals(lambda signal: straighten_signal(signal, fit.coeffs, night.norm))
        return fit, residuals[night.maps.bad == 0]

    return run


def test_names():
    assert list(LINEARITY_FITTERS) == ["common_shape", "polynomial"]
    assert LINEARITY_FAMILY.group == "iris_testbed.linearity"


@pytest.mark.parametrize("method", LINEARITY_FITTERS)
def test_layout(measure, method):
    fit, _ = measure(method)
    assert fit.coeffs.shape == fit.errors.shape
    assert fit.coeffs.shape[:2] == USABLE.shape
    assert (fit.coeffs.dtype, fit.errors.dtype, fit.dq.dtype) == (np.float32, np.float32, np.uint32)
    assert np.isfinite(fit.coeffs).all()
    assert (fit.errors >= 0).all()


def test_common_shape_needs_ten_ramps(measure):
    """A residual of 5 % at 80 ke- becomes 0.08 % rms (the derived noise), bias below 0.04 % (misfit and anchor)."""
    fit, residuals = measure("common_shape")
    rms = np.sqrt((residuals**2).mean(axis=0))
    assert (rms < 1e-3).all()
    assert rms[3] == pytest.approx(0.8e-3, rel=0.25)
    assert (np.abs(residuals.mean(axis=0)) < 4e-4).all()
    assert not has(fit.dq, "NONLINEAR").any()


def test_a_linear_detector_has_a_common_shape_of_nothing(flats):
    """Amplitudes of what does not bend are noise; no pixel is given up for that, and 80 ke- change by 1e-4 at most."""
    night = flats(1, without="nonlinearity")
    fit = LINEARITY_FITTERS["common_shape"]([night.ramps], USABLE, norm=night.norm)
    assert not has(fit.dq, "NONLINEAR").any()
    signal = np.full((*USABLE.shape, 1), 40_000.0, np.float32)
    changed = straighten_signal(signal, fit.coeffs, night.norm) / signal - 1
    assert np.abs(changed[USABLE]).max() < 2e-4


def test_errors_are_those_of_another_night(measure):
    """Scatter between two nights, one number per pixel since errors are common to its coefficients: within 10 %."""
    (one, _), (other, _) = measure("common_shape", 1), measure("common_shape", 2)
    pulls = (one.coeffs - other.coeffs)[:, :, 2] / np.hypot(one.errors, other.errors)[:, :, 2]
    assert (pulls - np.median(pulls)).std() == pytest.approx(1, abs=0.1)


def test_a_free_polynomial_is_noisier(measure):
    """Ten times as much rms: 1 % where one amplitude leaves 0.08 %; its errors tell so."""
    (_, one), (_, other) = measure("common_shape"), measure("polynomial")
    assert other.std(axis=0)[3] > 8 * one.std(axis=0)[3]
    assert np.abs(other.mean(axis=0)).max() < 0.02


@pytest.mark.parametrize("method", LINEARITY_FITTERS)
def test_what_cannot_be_measured(flats, method):
    """Unusable pixels get no correction; one without reads NONLINEAR; unequal ramps and single ones are refused."""
    night, usable = flats(1), USABLE.copy()
    usable[3, 4] = False
    flags = np.zeros(night.ramps.reads.shape, np.uint8)
    flags[10, 20], flags[11, 21, :, 12:] = DQ["DO_NOT_USE"], DQ["SATURATED"]
    fit = LINEARITY_FITTERS[method]([replace(night.ramps, read_dq=flags)], usable, norm=night.norm)
    assert (fit.coeffs[3, 4] == 0).all()
    assert np.argwhere(has(fit.dq, "NONLINEAR")).tolist() == [[10, 20]]
    assert fit.errors[11, 21].max() > 2 * fit.errors[11, 22].max()
    single = replace(night.ramps, reads=night.ramps.reads[:, :, :1], times=night.ramps.times[:1])
    with pytest.raises(InputError, match="two or more ramps"):
        LINEARITY_FITTERS[method]([single], USABLE, norm=night.norm)
    uneven = replace(night.ramps, times=night.ramps.times + np.arange(10)[:, None])
    with pytest.raises(InputError, match="same times"):
        LINEARITY_FITTERS[method]([uneven], USABLE, norm=night.norm)
    with pytest.raises(InputError, match="no pixel"):
        LINEARITY_FITTERS[method]([night.ramps], ~USABLE, norm=night.norm)


def test_cosmic_rays_do_not_matter(flats, measure):
    """Hits of thousands of electrons, in 200 pixels, move no coefficient by more than an error; usually far less."""
    night, (clean, _) = flats(1, cosmic_rays=True), measure("common_shape")
    hit = LINEARITY_FITTERS["common_shape"]([night.ramps], USABLE, norm=night.norm)
    moved = night.ramps.reads[..., -1].max(axis=2) != flats(1).ramps.reads[..., -1].max(axis=2)
    assert moved.sum() > 100
    shift = np.abs(hit.coeffs - clean.coeffs)[:, :, 2] / clean.errors[:, :, 2]
    assert np.quantile(shift[moved], 0.95) < 1


def test_two_exposures_are_worth_more_than_one(flats, measure):
    first, second = flats(1), flats(2)
    fit = LINEARITY_FITTERS["common_shape"]([first.ramps, second.ramps], USABLE, norm=first.norm)
    gained = measure("common_shape")[0].errors[:, :, 2] / fit.errors[:, :, 2]
    assert np.median(gained) == pytest.approx(2**0.5, rel=0.02)


def test_amplitudes_from_projected_increments(flats):
    """The root of f of each pixel is that of the moments N and b themselves, by Newton's method on c(a)."""
    night = flats(3)
    curves = np.random.default_rng(4).normal(0, 0.01, (TERMS, 6))
    curves[2, 0] = 0.04
    ramps, rows = night.ramps, slice(0, 4)
    equations = np.zeros((4, USABLE.shape[1], SIZE), np.float32)
    add_equations(ramps, night.norm, curves, equations, rows)
    amplitude, weight = solve_amplitudes(equations, 0.4, 1.6)
    moments = collect_moments([ramps], night.norm, TERMS, rows)
    expected = np.ones(amplitude.shape)
    for _ in range(4):
        steps = (expected[..., None] - 1) ** np.arange(6)
        c, s = steps @ curves.T, steps[..., :-1] @ (curves[:, 1:] * np.arange(1, 6)).T
        force = np.einsum("yxi,yxi->yx", s, moments.mixed + np.einsum("yxij,yxj->yxi", moments.normal, c))
        own = np.einsum("yxi,yxij,yxj->yx", s, moments.normal, s)
        expected = np.clip(expected - np.where(own > 0, force / np.where(own > 0, own, 1), 0), 0.4, 1.6)
    np.testing.assert_allclose(amplitude, expected, atol=1e-5)
    np.testing.assert_allclose(weight, own, rtol=1e-4)


def test_exposures_add_up_one_by_one(flats):
    """Two exposures of five ramps each, from a source that makes them anew each time, give what a list does."""
    ramps = flats(5).ramps
    halves = [
        replace(ramps, reads=ramps.reads[:, :, part], times=ramps.times[part]) for part in (slice(5), slice(5, 10))
    ]

    class Source:
        def __iter__(self):
            yield from halves

    one, other = (LINEARITY_FITTERS["common_shape"](e, USABLE, norm=flats(5).norm) for e in (halves, Source()))
    np.testing.assert_array_equal(one.coeffs, other.coeffs)
    whole = LINEARITY_FITTERS["common_shape"]([ramps], USABLE, norm=flats(5).norm)
    assert np.median(np.abs(one.coeffs - whole.coeffs)[:, :, 2] / whole.errors[:, :, 2]) < 1
