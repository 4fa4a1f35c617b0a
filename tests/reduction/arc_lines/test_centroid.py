"""Places of lines by a profile with neighbours, on spots drawn here."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from iris_reduction.arc_lines.centroid import NEIGHBOURS, fit_lines
from iris_reduction.arc_lines.image import ArcImage
from iris_reduction.arc_lines.profile import make_gaussian

SIGMA = (0.85, 0.8)
PROFILE = make_gaussian(*SIGMA)[None]
NONE = np.full((1, NEIGHBOURS), -1)


@pytest.fixture(scope="session")
def show(spot):
    """A function that makes an image of spots (x, y, flux) on a level, with noise."""

    def make(*spots, level=0.0, noise=0.0, slope=0.0, corner=(0, 0), shape=(24, 30), seed=1):
        rate = np.zeros(shape)
        for x, y, flux in spots:
            spot(rate, x - corner[0], y - corner[1], flux, SIGMA)
        rng = np.random.default_rng(seed)
        noisy = rate + level + noise * rng.standard_normal(shape)
        noisy += np.sqrt(slope * rate) * rng.standard_normal(shape)
        floor = np.full(shape, (noise or 0.1) ** 2, np.float32)
        clear = np.zeros(shape, bool)
        return ArcImage("a", "ARGON", noisy.astype(np.float32), floor, slope, ~clear, clear, corner)

    return make


def fit(image, x, y, neighbours=NONE, near=((), ()), hold=0.1):
    start = np.atleast_1d(np.asarray(x, float)), np.atleast_1d(np.asarray(y, float))
    beside = np.array(near[0], float), np.array(near[1], float), np.zeros(len(near[0]), np.int64)
    return fit_lines(image, start, np.zeros(len(start[0]), np.int64), PROFILE, (neighbours, *beside), hold)


@settings(deadline=None, max_examples=40)
@given(
    x=st.floats(8, 20), y=st.floats(8, 15), flux=st.floats(50, 1e5), level=st.floats(-5, 5),
    off=st.tuples(st.floats(-0.8, 0.8), st.floats(-0.8, 0.8)),
)  # fmt: skip
@example(x=8.5, y=8.0, flux=66775.0, level=5.0, off=(0.0625, 0.75))  # whose first step puts the flux below 0
def test_a_spot_without_noise_is_where_it_is(show, x, y, flux, level, off):
    """Splines of half a pixel leave below 0.002 px of a Gaussian of 0.8 px, at any place in a pixel."""
    found = fit(show((x, y, flux), level=level), x + off[0], y + off[1])
    assert found.converged[0]
    assert abs(found.x[0] - x) < 2e-3
    assert abs(found.y[0] - y) < 2e-3
    assert found.flux[0] == pytest.approx(flux, rel=0.01, abs=2)
    assert abs(found.width[0]) < 0.01


def test_errors_are_as_stated(show):
    """300 spots of 2500 electrons at 10 e- of noise, in 100 s: pulls of width 1 within 4/sqrt(600).

    By hand: photons give sigma/sqrt(N) = 0.90/50 = 0.0180 px (0.90 is the spot with the pixel); noise of 10 e- adds
    10 sqrt(8 pi) sigma^2 / N = 0.0162 px in quadrature, 0.0242 together. That is a bound from below, since the best
    weights for one are not those for the other; they and the free level and width cost some tenth.
    """
    rng = np.random.default_rng(3)
    pulls, errors, off = [], [], []
    for seed in range(300):
        x, y = rng.uniform(12, 13), rng.uniform(11, 12)
        found = fit(show((x, y, 25.0), noise=0.1, slope=0.01, seed=seed), 12.5, 11.5)
        assert found.converged[0]
        pulls.append([(found.x[0] - x) / found.x_error[0], (found.y[0] - y) / found.y_error[0]])
        errors.append(found.x_error[0])
        off.append(found.x[0] - x)
    assert np.std(pulls, axis=0) == pytest.approx(1, abs=4 / np.sqrt(600))
    assert abs(np.mean(pulls, axis=0)).max() < 4 / np.sqrt(300)
    assert 0.0242 < np.mean(errors) < 1.15 * 0.0242
    assert np.std(off) == pytest.approx(np.mean(errors), rel=4 / np.sqrt(600))


def test_a_neighbour_is_taken_out(show):
    """A line as bright, 3.2 px away, at first predicted 0.1 px beside its place."""
    image = show((12.3, 11.2, 500.0), (15.0, 13.0, 500.0))
    alone = fit(image, 12.3, 11.2)
    both = np.array([[0, -1, -1, -1]])
    joint = fit(image, 12.3, 11.2, both, ([15.1], [12.95]))
    assert abs(alone.x[0] - 12.3) > 0.02
    assert abs(joint.x[0] - 12.3) < 2e-3
    assert joint.x_error[0] > alone.x_error[0]


def test_lines_that_cannot_be_told_apart_get_a_large_error(show):
    both, line = np.array([[0, -1, -1, -1]]), (12.3, 11.2, 500.0)
    apart = fit(show(line, (17.3, 11.2, 500.0), noise=0.5), 12.3, 11.2, both, ([17.3], [11.2]))
    merged = fit(show(line, (13.1, 11.2, 500.0), noise=0.5), 12.3, 11.2, both, ([13.1], [11.2]))
    assert not merged.converged[0] or merged.x_error[0] > 5 * apart.x_error[0]


@pytest.mark.parametrize(("electrons", "column"), [(60, 15), (200, 15), (400, 14), (1e4, 13)])
def test_a_cosmic_ray_is_left_out_or_the_line_given_up(electrons, column, show):
    image = show((12.3, 11.2, 300.0), noise=1.0)
    struck = image.rate.copy()
    struck[13, column] += electrons
    found = fit(ArcImage("a", "ARGON", struck, image.floor, 0.0, image.usable, image.saturated, (0, 0)), 12.3, 11.2)
    assert found.converged[0] or electrons > 200
    assert not found.converged[0] or abs(found.x[0] - 12.3) < 0.05


def test_saturated_and_missing_pixels_are_told(show):
    image = show((12.3, 11.2, 300.0), noise=1.0)
    full = np.zeros_like(image.saturated)
    full[11, 12] = True
    found = fit(ArcImage("a", "ARGON", image.rate, image.floor, 0.0, ~full, full, (0, 0)), 12.3, 11.2)
    assert found.saturated[0]
    full[10:13, 11:14] = True
    found = fit(ArcImage("a", "ARGON", image.rate, image.floor, 0.0, ~full, ~image.usable, (0, 0)), 12.3, 11.2)
    assert not found.converged[0]
    assert not found.saturated[0]


def test_noise_is_no_line_and_corners_are_counted(show):
    assert not fit(show(noise=1.0), 12.0, 11.0).flux[0] > 10
    found = fit(show((112.3, 211.2, 500.0), corner=(100, 200)), 112.0, 211.0)
    assert found.x[0] == pytest.approx(112.3, abs=2e-3)
    assert found.y[0] == pytest.approx(211.2, abs=2e-3)
