"""Traps of a made-up detector: shares that vary by 25 % between pixels, constants of 50 s and 500 s."""

import numpy as np
import pytest

from iris_contract.errors import InputError
from iris_reduction.calibration.persistence import Afterglow, fit_mean_traps, fit_shares
from iris_reduction.kernels.persistence import Afterimage

CONSTANTS, SHARES, NOISE = np.array([50.0, 500.0]), np.array([6e-4, 6e-4]), 11.0
TIMES = np.tile(np.arange(1, 20) * 10.0, (8, 1))
USABLE = np.ones((48, 64), bool)


@pytest.fixture(scope="module")
def world():
    """Shares of the pixels, and a maker of darks after a flat of some charge (trapped ~ charge^power)."""
    rng = np.random.default_rng(21)
    shares = SHARES * np.exp(0.25 * rng.standard_normal((*USABLE.shape, 2)))

    def make(charge, power=1.0, delay=20.0, drift=0.0, scale=1.0):
        held = scale * shares * 9e4 * (charge / 9e4) ** power * np.exp(-delay / CONSTANTS)
        start = 190.0 * np.arange(8)[:, None]
        seen = [np.exp(-start / c) - np.exp(-(start + TIMES) / c) for c in CONSTANTS]
        released = np.einsum("yxi,igr->yxgr", held, np.array(seen))
        noise = NOISE * rng.standard_normal(released.shape) + 35 * rng.standard_normal((*released.shape[:3], 1))
        reads = released + noise + drift * rng.standard_normal(TIMES.shape)
        return Afterglow(reads.astype(np.float32), TIMES, 190.0, (Afterimage(np.full(USABLE.shape, charge), delay),))

    return shares, make


def test_the_mean_pixel(world):
    """Constants and shares within 10 %: 3072 pixels leave 0.2 e- per read where 90 e- come back."""
    shares, make = world
    traps = fit_mean_traps([make(9e4)], USABLE)
    np.testing.assert_allclose(traps.constants, CONSTANTS, rtol=0.1)
    np.testing.assert_allclose(traps.shares, shares.mean(axis=(0, 1)), rtol=0.1)
    assert (traps.norm, traps.power) == (pytest.approx(9e4), 1.0)


def test_the_power_is_measured_where_flats_differ(world):
    _, make = world
    traps = fit_mean_traps([make(9e4, 1.6), make(4e4, 1.6)], USABLE)
    assert traps.power == pytest.approx(1.6, abs=0.05)
    assert traps.norm == pytest.approx(9e4)
    same = fit_mean_traps([make(9e4, 1.6), make(8.5e4, 1.6)], USABLE)
    assert same.power == 1.0


def test_drifts_of_all_reads_do_not_throw_it_off(world):
    """Noise of 3 e- common to all pixels: what comes back in the first ramp still within 15 %."""
    _, make = world
    traps = fit_mean_traps([make(9e4, drift=3.0)], USABLE)
    found, true = ((s * -np.expm1(-190 / c)).sum() for s, c in ((traps.shares, traps.constants), (SHARES, CONSTANTS)))
    assert found == pytest.approx(1.03 * true, rel=0.15)  # the mean of a log-normal of 25 % is 3 % above its median


def test_darks_without_afterglow_are_refused(world):
    _, make = world
    with pytest.raises(InputError, match="no afterglow"):
        fit_mean_traps([make(9e4, scale=0.0)], USABLE)


def test_shares_of_pixels(world):
    """Errors are true (pulls of 1 within 15 %), and smaller than the spread that means alone would leave."""
    shares, make = world
    darks = [make(9e4), make(9e4)]
    traps = fit_mean_traps(darks, USABLE)
    found, errors = fit_shares(darks, USABLE, np.full(USABLE.shape, NOISE, np.float32), traps)
    assert found.dtype == errors.dtype == np.float32
    assert (found >= 0).all()
    pulls = (found - shares) / errors
    np.testing.assert_allclose(pulls.std(axis=(0, 1)), 1, atol=0.15)
    assert (found - shares).std(axis=(0, 1))[0] < 0.8 * shares.std(axis=(0, 1))[0]


def test_hit_and_unusable_pixels_get_the_mean(world):
    _, make = world
    dark = make(9e4)
    dark.reads[5, 6, 2, 10:] += 5000
    usable = USABLE.copy()
    usable[7, 8] = False
    traps = fit_mean_traps([dark], usable)
    found, errors = fit_shares([dark], usable, np.full(USABLE.shape, NOISE, np.float32), traps)
    assert np.array_equal(found[5, 6], found[7, 8])
    assert np.array_equal(errors[5, 6], errors[7, 8])
    assert found[5, 6] == pytest.approx(np.median(found, axis=(0, 1)), rel=0.1)
    assert (errors[5, 6] > np.median(errors, axis=(0, 1))).all()
