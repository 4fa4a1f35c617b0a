"""Traps of a made-up detector: shares that vary by 25 % between pixels, constants of 50 s and 500 s."""

import tracemalloc

import numpy as np
import pytest

from iris_contract.errors import InputError
from iris_reduction import blocks
from iris_reduction.calibration.persistence import Afterglow, fit_mean_traps, fit_shares
from iris_reduction.kernels.persistence import Afterimage, fill_traps, release_charge

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


class Stream:
    """Darks that are made anew whenever they are asked for, one at a time."""

    def __init__(self, make, *charges):
        self.make, self.charges = make, charges

    def __iter__(self):
        return (self.make(charge) for charge in self.charges)


def test_streaming_is_least_squares_on_all_reads_at_once(world, monkeypatch):
    """Shares of the bold, before they are drawn to the mean, by the textbook: one design matrix for each pixel."""
    _, make = world
    darks = [make(9e4), make(5e4)]
    traps = fit_mean_traps(darks, USABLE)
    noise = np.full(USABLE.shape, NOISE, np.float32)
    for name, value in (("_SPREADS", (1e6, 1e6)), ("_CLIP", np.inf)):  # a prior that believes anything
        monkeypatch.setattr(f"iris_reduction.calibration.persistence.{name}", value)
    found, errors = fit_shares(iter(darks), USABLE, noise, traps)
    for y, x in ((0, 0), (17, 40)):
        columns, reads = [], []
        for dark in darks:
            past = [Afterimage(charge[y : y + 1, x : x + 1], delay) for charge, delay in dark.past]
            held = fill_traps(past, traps.constants, traps.norm, traps.power)[0, 0]
            seen = held[:, None, None] * release_charge(dark.times, dark.period, traps.constants)
            columns.append((seen - seen.mean(axis=2, keepdims=True)).reshape(2, -1))
            reads.append(dark.reads[y, x].astype(np.float64).ravel())
        matrix, values = np.concatenate(columns, axis=1).T, np.concatenate(reads)
        best = np.linalg.lstsq(matrix, values, rcond=None)[0]
        covariance = NOISE**2 * np.linalg.inv(matrix.T @ matrix)
        np.testing.assert_allclose(found[y, x], np.maximum(best, 0), rtol=1e-4, atol=1e-9)
        np.testing.assert_allclose(errors[y, x], np.sqrt(np.diag(covariance)), rtol=1e-4)


def test_darks_that_come_one_by_one_make_the_same(world):
    _, make = world
    darks = [make(9e4), make(5e4)]
    kept = dict(zip((9e4, 5e4), darks, strict=True))
    traps = [fit_mean_traps(given, USABLE) for given in (darks, Stream(kept.get, 9e4, 5e4))]
    noise = np.full(USABLE.shape, NOISE, np.float32)
    made = [fit_shares(given, USABLE, noise, traps[0]) for given in (darks, Stream(kept.get, 9e4, 5e4))]
    assert all(np.array_equal(one, other) for one, other in zip(*traps, strict=True))
    assert all(np.array_equal(one, other) for one, other in zip(*made, strict=True))


def test_what_is_held_for_a_pixel(monkeypatch):
    """Beside one dark 40 bytes a pixel, however many darks: 20 of sums, and less than 20 of blocks and rises.

    The dark itself is one array of reads, 4 bytes each. Blocks are small here, as they are beside a full frame.
    """
    monkeypatch.setattr(blocks, "READS", 1 << 14)
    shape, rng = (256, 512), np.random.default_rng(3)
    usable, noise, charge = np.ones(shape, bool), np.full(shape, NOISE, np.float32), np.full(shape, 9e4, np.float32)
    curve = 50 * np.exp(-0.1) * -np.expm1(-TIMES[:1] / 50)

    def make(_):
        reads = rng.standard_normal((*shape, 1, TIMES.shape[1]), dtype=np.float32)
        reads += curve.astype(np.float32)
        return Afterglow(reads, TIMES[:1], 190.0, (Afterimage(charge, 5.0),))

    traps = fit_mean_traps([make(0)], usable)
    tracemalloc.start()
    for work in (fit_mean_traps, lambda darks, usable: fit_shares(darks, usable, noise, traps)):
        tracemalloc.reset_peak()
        work(Stream(make, 0, 1, 2), usable)
        peak = tracemalloc.get_traced_memory()[1] / usable.size
        assert peak < 4 * TIMES.shape[1] + 40
    tracemalloc.stop()
