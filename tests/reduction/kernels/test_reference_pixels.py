import numpy as np
import pytest

from iris_reduction.kernels import measure_reference_levels, subtract_reference_levels

NY, NX, NOISE = 40, 128, 5.5
OUTPUTS = np.arange(NX) // 64
USABLE = np.zeros((NY, NX), bool)
USABLE[:4] = True
TIMES = 10.0 * np.arange(20)[None]


def make_reads(rng, drift, noise=NOISE, ramps=1):
    """Reads as DN: reset level per pixel and ramp, `drift` (2, ramps, 20) per output, white noise."""
    reads = 5000 + 17 * rng.standard_normal((NY, NX, ramps, 1)) + np.asarray(drift)[OUTPUTS][None]
    return np.rint(reads + noise * rng.standard_normal((NY, NX, ramps, 20))).astype(np.uint16)


def find_slopes(reads):
    """Mean slope of each output's light-sensitive pixels in DN/s."""
    axis = TIMES[0] - TIMES[0].mean()
    slopes = (reads[4:, :, 0].astype(float) * axis).sum(axis=-1) / (axis**2).sum()
    return np.array([slopes[:, o == OUTPUTS].mean() for o in (0, 1)])


def correct(reads, usable=USABLE):
    return subtract_reference_levels(reads, measure_reference_levels(reads, TIMES, usable, OUTPUTS), OUTPUTS)


def test_offsets_and_drift_without_noise_vanish():
    drift = np.stack([100 + 3.0 * np.arange(20), 900 - 20.0 * np.arange(20)])[:, None]
    flat_field = np.full((NY, NX, 1, 20), 1000.0)
    flat_field += drift[OUTPUTS][None]
    assert np.abs(correct(flat_field.astype(np.float32))).max() < 1e-3


def test_result_is_float_and_may_be_negative():
    corrected = correct(make_reads(np.random.default_rng(1), np.zeros((2, 1, 20))))
    assert corrected.dtype == np.float32
    assert (corrected < -1).any()
    assert np.abs(corrected).max() < 200  # nothing wrapped to 65535


def test_strong_drift_is_subtracted():
    """A drift of 0.5 DN/s leaves less than 5 sigma of the reference mean's noise (false alarm 1e-6)."""
    drift = np.stack([0.5 * TIMES, -0.5 * TIMES])
    error = NOISE / np.sqrt(((TIMES - TIMES.mean()) ** 2).sum()) * np.sqrt(1 / 256 + 1 / (36 * 64))
    reads = make_reads(np.random.default_rng(2), drift)
    assert np.abs(find_slopes(reads)).min() > 0.4
    assert np.abs(find_slopes(correct(reads))).max() < 5 * error


def test_without_drift_less_noise_is_added_than_by_a_plain_mean():
    """Rms of the subtracted variation over 20 exposures: half that of the plain mean.

    The shrunk rms is about 0.2 of the plain one; 0.5 is exceeded with a probability below 1e-6.
    """
    rng = np.random.default_rng(3)
    shrunk, plain = [], []
    for _ in range(20):
        reads = make_reads(rng, np.zeros((2, 1, 20)))
        levels = measure_reference_levels(reads, TIMES, USABLE, OUTPUTS)
        shrunk += [levels[o] - levels[o].mean() for o in (0, 1)]
        means = [reads[:4, o == OUTPUTS].mean(axis=(0, 1)) for o in (0, 1)]
        plain += [mean - mean.mean() for mean in means]
    assert np.std(plain) == pytest.approx(NOISE / 16, rel=0.2)
    assert np.std(shrunk) < 0.5 * np.std(plain)


def test_noisy_reference_pixels_are_left_out():
    rng = np.random.default_rng(4)
    drift = np.stack([0.5 * TIMES, -0.5 * TIMES])
    reads = make_reads(rng, drift)
    spoilt = reads.copy()
    spoilt[1, ::9] = rng.integers(0, 60000, spoilt[1, ::9].shape)
    assert np.abs(find_slopes(correct(spoilt)) - find_slopes(correct(reads))).max() < 0.002


def test_outputs_without_reference_pixels_stay():
    reads = make_reads(np.random.default_rng(5), np.zeros((2, 1, 20)))
    corrected = correct(reads, USABLE & (OUTPUTS == 0))
    assert np.array_equal(corrected[:, 64:], reads[:, 64:].astype(np.float32))
    assert not np.array_equal(corrected[:, :64], reads[:, :64].astype(np.float32))


def test_integers_give_the_same_as_floats():
    reads = make_reads(np.random.default_rng(6), np.stack([0.3 * TIMES, 0.1 * TIMES]))
    assert np.array_equal(correct(reads), correct(reads.astype(np.float32)))
    two = reads[..., [0, 19]]  # CDS: nothing but the linear part
    levels = measure_reference_levels(two, TIMES[:, [0, 19]], USABLE, OUTPUTS)
    assert all(np.isfinite(level).all() for level in levels.values())
