"""Links from the noise of flats, drawn here with a kernel and row noise of the test's own making."""

import numpy as np
import pytest
from scipy.ndimage import convolve
from scipy.signal import convolve2d

from iris_contract.errors import InputError
from iris_reduction.calibration.ipc import fit_links, measure_covariances, solve_links

TRUE = np.array([0.0132, 0.0117, 0.0012])
OUTPUTS = np.arange(256) // 64
USABLE = np.ones((192, 256), bool)


def make_kernel(links):
    right, upper, corner = links
    kernel = np.array([[corner, upper, corner], [right, 0, right], [corner, upper, corner]])
    kernel[1, 1] = 1 - kernel.sum()
    return kernel


def draw_flat(rng, level, rows=0.0, links=TRUE, hits=0):
    """DN of 10 ramps of 5 reads at 2 e-/DN; `level` e- per increment, `rows` e- rms of noise common to a row."""
    reads = rng.standard_normal((192, 256, 10, 5)) * 11
    charge = rng.poisson(level, (192, 256, 10, 4)).astype(float) if level else np.zeros((192, 256, 10, 4))
    for _ in range(hits):
        y, x, ramp, read = rng.integers(1, 190), rng.integers(1, 254), rng.integers(10), rng.integers(4)
        charge[y - 1 : y + 2, x - 1 : x + 2, ramp, read] += 1000
    kernel = make_kernel(links)[:, :, None]
    for ramp in range(10):
        reads[:, :, ramp, 1:] += convolve(charge[:, :, ramp], kernel, mode="nearest").cumsum(axis=2)
    slow = np.repeat(rng.standard_normal((48, 1, 10, 5)), 4, axis=0)
    return np.rint(reads / 2 + rows * slow / 2 + 5000).astype(np.uint16)


def test_equations_of_covariance_are_solved_exactly():
    """Against the autocorrelation of the kernel itself: half the covariance would be 6 % too much."""
    kernel = make_kernel(TRUE)
    product = convolve2d(kernel, kernel)
    ratios = np.array([product[2, 3], product[3, 2], product[3, 3]]) / product[2, 2]
    assert solve_links(*ratios[:, None])[0] == pytest.approx(TRUE, rel=1e-9)
    assert ratios[0] / 2 > 1.05 * TRUE[0]


@pytest.fixture(scope="module")
def measured():
    rng = np.random.default_rng(3)
    return [
        measure_covariances(draw_flat(rng, level, rows=4.0, hits=40), USABLE, OUTPUTS) for level in (0, 2500, 10000)
    ]


def test_links_are_unbiased_and_their_errors_honest(measured):
    """Row noise of 4 e- and hits included: chi-square of three links below its 1e-6 quantile, 30."""
    field = fit_links(measured, USABLE.shape)
    assert field.degrees == (0, 0, 0)
    found, error = field.links[100, 100], field.errors[100, 100]
    assert (((found - TRUE) / error) ** 2).sum() < 30
    assert error == pytest.approx([0.0003, 0.0003, 0.0002], rel=0.5)


def test_row_noise_is_no_coupling(measured):
    """With the lamp off the covariances are 0 within 5 sigma, though rows share 16 e-^2 per read."""
    off = measured[0]
    total = (off.products * off.numbers).sum(axis=(0, 1)) / off.numbers.sum(axis=(0, 1))
    sigma = total[0] / np.sqrt(off.numbers.sum(axis=(0, 1)) * off.freedom)
    assert (np.abs(total[1:]) < 5 * sigma[1:]).all()


def test_a_slope_over_the_field_is_found():
    """Blocks given their links by formula: a gradient of 20 % is fitted, noise of 1 % is not."""
    from iris_reduction.calibration.ipc import _fit_field

    rng = np.random.default_rng(5)
    blocks = np.argwhere(np.ones((8, 8), bool))
    links = TRUE * (1 + 0.2 * (blocks[:, 1:] - 3.5) / 7) * (1 + 0.01 * rng.standard_normal((64, 3)))
    field = _fit_field(blocks, links, np.full((64, 3), 0.01) * TRUE, (1024, 1024))
    assert field.degrees == (1, 1, 1)
    truth = 0.0132 * (1 + 0.2 * ((np.arange(1024) + 0.5) / 128 - 4) / 7)
    assert np.abs(field.links[:, :, 0] / truth - 1).max() < 0.02


def test_refusals():
    with pytest.raises(InputError, match="two or more ramps"):
        measure_covariances(np.zeros((8, 256, 1, 3), np.uint16), USABLE[:8], OUTPUTS)
    with pytest.raises(InputError, match="no pixel is usable"):
        measure_covariances(np.zeros((8, 256, 2, 3), np.uint16), ~USABLE[:8], OUTPUTS)
    with pytest.raises(InputError, match="two or more levels"):
        fit_links([measure_covariances(draw_flat(np.random.default_rng(1), 1000), USABLE, OUTPUTS)], USABLE.shape)
