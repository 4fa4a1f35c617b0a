"""Scenes are defined on the whole detector; a sub-array sees the cut."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iris_contract import Detector, Subarray
from iris_contract.errors import InputError
from iris_simulator import (
    Blank,
    FlatLamp,
    Ladder,
    RateImage,
    Scene,
    StarField,
    UniformSky,
    draw_stars,
    gaussian_stamp,
)

COVER = Subarray(301, 501, 120, 110)
RATES = (0.02, 0.1, 0.5, 2.0, 10.0, 50.0, 200.0, 500.0)
STARS = draw_stars(COVER, 40, 10.0, 1e4, gaussian_stamp(3.0, 24), seed=5, sky=7.0)
SCENES = [
    Blank(),
    UniformSky(77.0),
    FlatLamp(500.0, (0.1, -0.05), 0.02),
    Ladder(RATES),
    STARS,
    RateImage(np.random.default_rng(1).random(COVER.shape), COVER),
]


@pytest.mark.parametrize("scene", SCENES, ids=lambda s: type(s).__name__)
@given(dx=st.integers(0, 100), dy=st.integers(0, 90))
def test_sub_array_sees_the_cut(scene: Scene, detector: Detector, dx: int, dy: int) -> None:
    part = Subarray(COVER.xstart + dx, COVER.ystart + dy, 20, 20)
    seen = scene.rate(detector, part)
    assert seen.shape == part.shape
    np.testing.assert_allclose(seen, scene.rate(detector, COVER)[part.cut_from(COVER)], rtol=1e-12, atol=1e-12)


def test_levels(detector: Detector) -> None:
    assert np.all(Blank().rate(detector, COVER) == 0)
    assert np.all(UniformSky(77.0).rate(detector, COVER) == 77)
    assert np.all(FlatLamp(500.0).rate(detector, COVER) == 500)


def test_lamp_falls_off_and_slopes(detector: Detector) -> None:
    lamp = FlatLamp(100.0, (0.2, 0.1), 0.05)
    corner = lamp.rate(detector, Subarray(4096, 4096, 1, 1))[0, 0]
    assert corner == pytest.approx(100 * (1 + 0.3 - 0.1), rel=1e-3)
    assert lamp.rate(detector, Subarray(2048, 2048, 2, 2)).mean() == pytest.approx(100, rel=1e-6)


def test_ladder_shares_the_region_evenly(detector: Detector) -> None:
    rate = Ladder(RATES).rate(detector, Subarray(1, 1, 512, 256))
    values, counts = np.unique(rate, return_counts=True)
    assert values.tolist() == list(RATES)
    assert np.all(counts == 512 * 256 // 8)
    blocks = rate.reshape(16, 16, 32, 16)
    assert np.all(np.ptp(blocks, axis=(1, 3)) == 0)
    assert not np.any(blocks[:, 0, 1:, 0] == blocks[:, 0, :-1, 0])
    assert not np.any(blocks[1:, 0, :, 0] == blocks[:-1, 0, :, 0])


def test_star_positions_count_from_one_as_headers_do(detector: Detector) -> None:
    star = StarField((311.25,), (507.5,), (1000.0,), gaussian_stamp(2.0, 12), sky=3.0)
    image = star.rate(detector, COVER) - 3
    rows, columns = np.indices(COVER.shape)
    assert image.sum() == pytest.approx(1000, rel=1e-9)
    assert (columns * image).sum() / image.sum() + 301 == pytest.approx(311.25, abs=1e-6)
    assert (rows * image).sum() / image.sum() + 501 == pytest.approx(507.5, abs=1e-6)


def test_drawn_stars_repeat_and_stay_inside() -> None:
    stamp = gaussian_stamp(3.0, 24)
    again = draw_stars(COVER, 40, 10.0, 1e4, stamp, seed=5)
    other = draw_stars(COVER, 40, 10.0, 1e4, stamp, seed=6)
    assert (again.x, again.y, again.flux) == (STARS.x, STARS.y, STARS.flux)
    assert set(again.x).isdisjoint(other.x)
    assert min(again.x) >= 300.5
    assert max(again.x) <= 420.5
    assert 10 <= min(again.flux) <= max(again.flux) <= 1e4


def test_image_must_fit_and_cover(detector: Detector) -> None:
    with pytest.raises(InputError, match=r"the image must be \(110, 120\)"):
        RateImage(np.zeros((3, 3)), COVER)
    with pytest.raises(InputError, match="does not cover"):
        RateImage(np.zeros(COVER.shape), COVER).rate(detector, Subarray(1, 1, 9, 9))
