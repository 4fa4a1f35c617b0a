"""Arcs that are not of the stated setting are refused; diffraction about bright lines is no reason to refuse."""

from dataclasses import fields, replace

import numpy as np
import pytest

from iris_contract.errors import InputError
from iris_reduction.arc_lines.evidence import check_pattern
from iris_reduction.arc_lines.image import ArcImage
from iris_reduction.arc_lines.pattern import Points

PLACES = np.array([(20.0, 16.0), (50.0, 17.0), (80.0, 15.0)])
HEADER = {"FILTER": "KN3", "GRATING": "4000-K", "LLMSKST": "FINE_MASK"}


@pytest.fixture
def image():
    """Three lines of 30 000 e-/s, a thousand times their noise, with four side lobes of 2 % each."""
    rows, columns = np.indices((32, 100))
    rate = np.zeros((32, 100), np.float32)
    for x, y in PLACES:
        for dx, dy, height in ((0, 0, 3e4), (4, 0, 600), (-4, 0, 600), (0, 4, 600), (0, -4, 600)):
            rate += height * np.exp(-((columns - x - dx) ** 2 + (rows - y - dy) ** 2) / 2)
    everywhere = np.ones(rate.shape, bool)
    return ArcImage("arc.fits", "ARGON", rate, np.ones_like(rate), 0.03, everywhere, ~everywhere, (0, 0))


def predict(places):
    zero, number = np.zeros(3, np.int64), np.arange(3)
    return Points(zero, number, zero, np.full(3, 2100.0), *np.array(places).T, np.ones(3))


def test_side_lobes_of_bright_lines_do_not_count_as_strange_light(image):
    check_pattern([image], predict(PLACES), np.ones(3, bool), HEADER)


def test_lines_elsewhere_are_refused(image):
    with pytest.raises(InputError, match=r"0% of the light is where lines should be; check filter"):
        check_pattern([image], predict(PLACES + np.array([10, 0])), np.ones(3, bool), HEADER)


def test_the_image_that_shows_least_is_named(image):
    """Of two, one is as it should be: the lamp of the other is wrong; of two alike, the setting."""
    other = replace(image, name="other.fits", rate=2 * image.rate)
    both = [predict(PLACES), predict(PLACES + np.array([10, 0]))]
    points = Points(*(np.concatenate([getattr(part, f.name) for part in both]) for f in fields(Points)))
    points.image[3:] = 1
    with pytest.raises(InputError, match=r"other\.fits: CALLAMP='ARGON': 0% of its light .* another exposure's 100%"):
        check_pattern([image, other], points, np.ones(6, bool), HEADER)
    nothing = points.take(points.image == 1)
    with pytest.raises(InputError, match=r"arc\.fits: FILTER,GRATING,LLMSKST="):
        check_pattern([image, other], nothing, np.ones(3, bool), HEADER)


def test_spectra_without_their_lines_are_refused(image):
    with pytest.raises(InputError, match="0% of the spectra show theirs"):
        check_pattern([image], predict(PLACES), np.zeros(3, bool), HEADER)


def test_saturated_lines_are_light(image):
    saturated = image.rate > 1e4
    rate = np.where(saturated, 0, image.rate).astype(np.float32)
    dark = ArcImage("a", "ARGON", rate, image.floor, 0.03, ~saturated, saturated, (0, 0))
    check_pattern([dark], predict(PLACES), np.ones(3, bool), HEADER)
