"""Interpixel capacitance undone: against the coupling of these tests' own making."""

import numpy as np
import pytest

from iris_reduction.kernels.ipc import deconvolve, spread_read_variance, sum_inverse_squares, sum_squares

LINKS = np.array([0.0132, 0.0117, 0.0012])


def make_kernel(links):
    right, upper, corner = links
    kernel = np.array([[corner, upper, corner], [right, 0, right], [corner, upper, corner]])
    kernel[1, 1] = 1 - kernel.sum()
    return kernel


def make_matrix(links, linked):
    """The coupling of a small field as a matrix, (npix, npix), from links (ny, nx, 3)."""
    ny, nx = linked.shape
    matrix = np.eye(ny * nx)
    for y in range(ny):
        for x in range(nx):
            for kind, dy, dx in ((0, 0, 1), (1, 1, 0), (2, 1, 1), (2, 1, -1)):
                v, u = y + dy, x + dx
                if 0 <= u < nx and v < ny and linked[y, x] and linked[v, u]:
                    one, other, a = y * nx + x, v * nx + u, links[y, x, kind]
                    matrix[one, one] -= a
                    matrix[other, other] -= a
                    matrix[one, other] += a
                    matrix[other, one] += a
    return matrix


@pytest.fixture
def field():
    """Links that vary by 20 % over 12 x 15 pixels, a border of one pixel and a pixel without a measurement."""
    rng = np.random.default_rng(1)
    links = (LINKS * np.linspace(0.9, 1.1, 15)[None, :, None] * np.ones((12, 1, 1))).astype(np.float32)
    linked = np.ones((12, 15), bool)
    linked[0], linked[:, 0], linked[6, 7] = False, False, False
    return links, linked, rng.uniform(0, 1e5, (12, 15))


def test_coupling_is_undone_to_the_precision_of_float32(field):
    links, linked, signal = field
    measured = (make_matrix(links, linked) @ signal.ravel()).reshape(signal.shape).astype(np.float32)
    assert np.abs(measured / signal - 1).max() > 0.01
    found = deconvolve(measured, links, linked)
    assert found.dtype == np.float32
    assert np.abs(found - signal).max() < 3e-7 * 1e5
    assert found.sum(dtype=float) == pytest.approx(measured.sum(dtype=float), rel=1e-7)
    assert np.array_equal(found[~linked], measured[~linked])


def test_sums_of_squares_in_closed_form():
    """Against the kernel itself and its inverse by discrete Fourier transform."""
    kernel = make_kernel(LINKS)
    assert sum_squares(LINKS) == pytest.approx((kernel**2).sum(), rel=1e-12)
    padded = np.zeros((64, 64))
    padded[:3, :3] = kernel
    inverse = np.fft.ifft2(1 / np.fft.fft2(padded)).real
    assert sum_inverse_squares(LINKS) == pytest.approx((inverse**2).sum(), rel=2e-5)
    assert sum_squares(np.zeros((2, 3))).tolist() == sum_inverse_squares(np.zeros((2, 3))).tolist() == [1, 1]


def test_variance_of_noise_behind_the_coupling(field):
    """Against the diagonal of the exact covariance, inside the rim, with one pixel of nine times the variance."""
    links, linked, _ = field
    linked[:] = True
    variance = np.ones(linked.shape, np.float32)
    variance[5, 5] = 9
    inverse = np.linalg.inv(make_matrix(links, linked))
    exact = ((inverse**2) @ variance.ravel()).reshape(linked.shape)
    found = spread_read_variance(variance, links, linked)
    assert exact[5, 7] > 1.1
    assert np.abs(found / exact - 1)[1:-1, 1:-1].max() < 1e-3
    assert (spread_read_variance(variance, links, ~linked) == variance).all()
