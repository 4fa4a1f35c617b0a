"""Light that strays is kept, and goes where it should."""

import numpy as np
import pytest

from iris_contract import Subarray
from iris_simulator.lenslet.far_light import (
    BIN,
    CELLS,
    GHOST,
    ORIGIN,
    SCATTERED,
    add_points,
    add_resampled,
    empty,
    spread,
)

HALO = np.ones((4, 4)) / 16
CENTRE = (2047.5, 2049.5)


def test_points_keep_flux_and_place() -> None:
    cells = np.zeros((CELLS, CELLS))
    add_points(cells, np.array([1234.6]), np.array([3001.2]), np.array([7.0]))
    middles = ORIGIN + BIN * (np.arange(CELLS) + 0.5) - 0.5
    assert cells.sum() == pytest.approx(7)
    assert (cells.sum(axis=0) * middles).sum() / 7 == pytest.approx(1234.6)
    assert (cells.sum(axis=1) * middles).sum() / 7 == pytest.approx(3001.2)


@pytest.mark.parametrize("effects", [(), ("ghost",), ("ghost", "scattered_light")])
def test_all_light_is_kept(effects: tuple[str, ...]) -> None:
    """Of 100 e-/s 5 are in the halo; strays take their share of all, and cores keep the rest."""
    cells = empty()
    for plane, amount in ((cells.halo, 5.0), (cells.whole, 100.0)):
        add_points(plane, np.array([1800.0]), np.array([2300.0]), np.array([amount]))
    stray = SCATTERED * ("scattered_light" in effects) + GHOST * ("ghost" in effects)
    assert spread(cells, HALO, effects, CENTRE).sum() == pytest.approx(5 * (1 - stray) + 100 * stray, rel=1e-6)


def test_ghost_is_turned_about_the_centre() -> None:
    cells = empty()
    add_points(cells.whole, np.array([1800.0]), np.array([2300.0]), np.array([100.0]))
    ghost = spread(cells, HALO, ("ghost",), CENTRE)
    middles = ORIGIN + BIN * (np.arange(CELLS) + 0.5) - 0.5
    total = ghost.sum()
    assert total == pytest.approx(100 * GHOST, rel=1e-5)
    assert (ghost.sum(axis=0) * middles).sum() / total == pytest.approx(2 * CENTRE[0] - 1800, abs=0.1)
    assert (ghost.sum(axis=1) * middles).sum() / total == pytest.approx(2 * CENTRE[1] - 2300, abs=0.1)


def test_pixels_share_cells() -> None:
    cells = np.zeros((CELLS, CELLS))
    add_points(cells, np.array([1041.0]), np.array([1030.0]), np.array([3.0]))
    image, part = np.zeros((80, 80), np.float32), np.zeros((40, 30), np.float32)
    add_resampled(image, cells, Subarray(1001, 1001, 80, 80))
    assert image.sum(dtype=float) == pytest.approx(3, rel=1e-6)
    add_resampled(part, cells, Subarray(1021, 1011, 30, 40))
    np.testing.assert_array_equal(part, image[10:50, 20:50])
