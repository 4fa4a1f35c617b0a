"""Maps: limits, colours, sizes and words."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from iris_contract.dq import DQ
from iris_contract.manifest import ManifestRow
from iris_reports.comparison import ClassComparison, Comparison
from iris_reports.maps import DIVERGING, LARGEST, SEQUENTIAL, draw_class_maps, draw_maps, encode_ramp, residual_limit

ROW = ManifestRow("p", "0" * 64, "RateModel", 1, "alone", "ladder", "ramp", "gls", ("r",), ("0" * 64,), "t")
Array = npt.NDArray[np.float64]


def _comparison(truth: Array, product: Array, sigma: float = 1.0) -> Comparison:
    good = np.ones(truth.shape, dtype=bool)
    return Comparison(ROW, truth, product, np.full(truth.shape, sigma), good, "electron/s", "detected rate")


def _open(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png))


def test_truth_and_product_share_their_scale() -> None:
    truth = np.arange(10.0, 74.0).reshape(8, 8)
    maps = draw_maps(_comparison(truth, truth + 1), 2.0)
    assert [m.name for m in maps] == ["truth", "product", "residual", "pull"]
    assert maps[0].scale == maps[1].scale
    assert maps[2].scale is not None
    assert (maps[2].scale.low, maps[2].scale.high) == ("−2 e⁻/s", "2 e⁻/s")
    assert "mean 1 e⁻/s, standard deviation 0 e⁻/s" in maps[2].alt


def test_first_pixel_is_at_the_lower_left_and_nan_is_grey() -> None:
    truth = np.ones((6, 4))
    product = truth.copy()
    product[0, 0] = np.nan
    picture = _open(draw_maps(_comparison(truth, product), 1.0)[1].png).convert("RGB")
    assert picture.size == (4, 6)
    assert picture.getpixel((0, 5)) == (128, 128, 128)
    assert picture.getpixel((0, 0)) != (128, 128, 128)


def test_large_frames_shrink_to_block_means() -> None:
    truth = np.zeros((2 * LARGEST, LARGEST))
    maps = draw_maps(_comparison(truth, truth), 1.0)
    assert (maps[0].height, maps[0].width) == (LARGEST, LARGEST // 2)


def test_pictures_are_small() -> None:
    noise = np.random.default_rng(5).normal(77, 1, (256, 512))
    assert all(len(m.png) < 160_000 for m in draw_maps(_comparison(np.full((256, 512), 77.0), noise), 2.0))


@given(hnp.arrays(np.float64, (5, 7), elements=st.floats(-1e30, 1e30) | st.just(np.nan) | st.just(np.inf)))
def test_any_plane_can_be_drawn(plane: Array) -> None:
    comparison = _comparison(plane, plane[::-1])
    with np.errstate(all="ignore"):
        limit = residual_limit([comparison])
        assert limit > 0
        assert len(draw_maps(comparison, limit)) == 4


def test_limits_of_residuals_are_shared() -> None:
    truth = np.zeros((50, 50))
    small, large = _comparison(truth, truth + 0.1), _comparison(truth, truth + 3.0)
    assert residual_limit([small, large]) == pytest.approx(3.0)
    assert residual_limit([]) == 1.0


def test_classes_and_their_agreement() -> None:
    truth, product = np.zeros((10, 10), np.uint32), np.zeros((10, 10), np.uint32)
    truth[1, 1] = truth[2, 2] = truth[3, 3] = DQ["HOT"]
    product[1, 1], product[3, 3], product[5, 5] = DQ["HOT"], DQ["WARM"], DQ["DEAD"]
    maps = draw_class_maps(ClassComparison(ROW, truth, product, np.ones((10, 10), dtype=bool)))
    words = maps[2].alt
    for piece in ("right class: 1", "missed: 1", "false alarm: 1", "other class: 1", "no defect: 96"):
        assert piece in words
    assert dict(maps[0].legend)["hot"].startswith("#")


def test_colour_scale_is_one_row() -> None:
    picture = _open(encode_ramp(SEQUENTIAL)).convert("RGB")
    assert picture.size == (255, 1)
    assert (picture.getpixel((0, 0)), picture.getpixel((254, 0))) == ((68, 1, 84), (253, 231, 37))


def test_the_middle_of_the_diverging_scale_is_white() -> None:
    assert _open(encode_ramp(DIVERGING)).convert("RGB").getpixel((127, 0)) == (247, 247, 247)


def test_pictures_carry_no_text(tmp_path: Path) -> None:
    picture = _open(draw_maps(_comparison(np.ones((4, 4)), np.ones((4, 4))), 1.0)[0].png)
    assert not set(picture.info) - {"transparency"}
