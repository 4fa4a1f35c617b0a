import numpy as np
import pytest

from iris_reduction.calibration import estimate_read_noise, measure_read_variance

GAIN = np.full((40, 128), 2.0, np.float32)
OUTPUTS = np.arange(128) // 64
TIMES = np.tile(10.0 * np.arange(20), (10, 1))


@pytest.fixture(scope="module")
def measured(synthetic):
    """Darks with noise 11 and 14 e- in the two outputs, a hot column, a cosmic ray per row, one noisy pixel."""
    rng = np.random.default_rng(11)
    rate, noise = np.full((40, 128), 0.005), np.where(OUTPUTS == 0, 11.0, 14.0) * np.ones((40, 1))
    rate[:, 20] = 20.0
    noise[5, 5] = 40.0
    hits = [(y, 40 + y, y % 10, 1 + y % 19, 3000.0) for y in range(40)]
    reads = synthetic.draw_reads(rng, rate, TIMES[0], 10, noise=noise, hits=hits)
    return measure_read_variance(reads, TIMES, GAIN)


def truth(sigma):
    return sigma**2 + 2.0**2 / 12  # quantisation noise belongs to it


@pytest.mark.parametrize(("columns", "sigma"), [(slice(0, 20), 11.0), (slice(64, 128), 14.0), (slice(30, 64), 11.0)])
def test_variance_is_unbiased(measured, columns, sigma):
    """Within 5 sigma of the mean of the pixels (false alarm 6e-7), cosmic rays or not."""
    values = np.delete(measured[0][:, columns].ravel(), 5 * 20 + 5 if columns.start == 0 else [])
    assert abs(values.mean() - truth(sigma)) < 5 * values.std() / np.sqrt(values.size)


def test_hot_pixels_are_not_biased(measured):
    """Poisson variance of 200 e-^2 per difference against 242 of the reads; 5 sigma."""
    hot = measured[0][:, 20]
    assert abs(hot.mean() - truth(11.0)) < 5 * hot.std() / np.sqrt(hot.size)
    assert measured[1][:, 20].mean() == pytest.approx(200, rel=0.02)


def test_cosmic_rays_cost_one_difference_each(measured):
    assert measured[2].min() >= 188
    assert (measured[2] == 189).sum() >= 38


def test_estimate_per_output_within_one_percent(measured):
    noise, error = estimate_read_noise(*measured, OUTPUTS)
    for output, sigma in ((0, 11.0), (1, 14.0)):
        assert np.median(noise[:, output == OUTPUTS]) == pytest.approx(np.sqrt(truth(sigma)), rel=0.01)
    assert noise.dtype == error.dtype == np.float32
    assert noise[5, 5] == pytest.approx(40, rel=0.35)  # five sigma of one pixel
    assert noise[6:, :20].std() < 0.2  # no spread in truth: single pixels scatter by 0.7


def test_errors_are_honest_when_pixels_differ(synthetic):
    """Pulls of 5120 pixels with 10 % true spread have unit width to 10 % (sampling 1 %, shrinkage model 5 %)."""
    rng = np.random.default_rng(12)
    sigma = 11 * np.exp(0.1 * rng.standard_normal((40, 128)))
    reads = synthetic.draw_reads(rng, np.full((40, 128), 0.005), TIMES[0], 10, noise=sigma)
    noise, error = estimate_read_noise(*measure_read_variance(reads, TIMES, GAIN), OUTPUTS)
    pulls = (noise - np.sqrt(truth(sigma))) / error
    assert pulls.std() == pytest.approx(1, abs=0.1)
    assert abs(pulls.mean()) < 0.1


def test_silence_gives_a_finite_result():
    reads = np.full((8, 128, 2, 5), 5000, np.uint16)
    times = np.tile(5.0 * np.arange(5), (2, 1))
    noise, error = estimate_read_noise(*measure_read_variance(reads, times, GAIN[:8]), OUTPUTS)
    assert ((noise > 0) & (noise < 0.1)).all()
    assert np.isfinite(error).all()
