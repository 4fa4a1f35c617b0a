import tracemalloc

import numpy as np
import pytest

from iris_contract.errors import InputError
from iris_reduction import blocks
from iris_reduction.calibration.saturation import find_plateaus, measure_levels

OUTPUTS = np.arange(32) // 16
USABLE = np.ones((24, 32), bool)


@pytest.fixture(scope="module")
def full():
    """Ramps of 14 reads of 3000 DN into wells of 30000 to 31000 DN; 8 DN of noise, 18 DN of reset noise."""
    rng = np.random.default_rng(11)
    wells = rng.uniform(30000, 31000, USABLE.shape)
    signal = np.minimum(3000.0 * np.arange(14), wells[:, :, None, None])
    reset = 18 * rng.standard_normal((*USABLE.shape, 8, 1))
    reads = 5000 + signal + reset + 8 * rng.standard_normal((*USABLE.shape, 8, 14))
    return wells, np.rint(reads).astype(np.uint16)


def test_levels_lie_five_standard_deviations_below_the_plateau(full):
    """Single reads scatter by 19.7 DN, so 98 DN below; the median of eight of them errs by 9 DN."""
    wells, reads = full
    level, measured = measure_levels([find_plateaus(reads)], USABLE, OUTPUTS)
    assert measured.all()
    below = wells + 5000 - level
    assert below.mean() == pytest.approx(98.5, abs=6)
    assert below.std() == pytest.approx(8.7, abs=1.5)
    assert (reads[..., -1] >= level[:, :, None]).mean() > 0.9999


def test_pixels_without_plateau_get_a_low_level(full):
    _, reads = full
    reads = reads.copy()
    reads[3, 4] = 5000 + 500 * np.arange(14)
    reads[5, 20] = 5000
    level, measured = measure_levels([find_plateaus(reads)], USABLE, OUTPUTS)
    assert np.argwhere(~measured).tolist() == [[3, 4], [5, 20]]
    for y, x, half in ((3, 4, slice(0, 16)), (5, 20, slice(16, 32))):
        assert level[y, x] == pytest.approx(np.quantile(level[:, half], 0.01), abs=2)


def test_a_cosmic_ray_is_no_plateau(full):
    _, reads = full
    rising = (5000 + 1000 * np.arange(12) * np.ones((2, 2, 8, 1))).astype(np.uint16)
    rising[0, 0, 3, 5:] += 20000
    assert (find_plateaus(rising) == 0).all()
    assert (find_plateaus(reads) > 0).all()


def test_several_exposures_add_up(full):
    _, reads = full
    faint = (5000 + 100 * np.arange(12) * np.ones((24, 32, 2, 1))).astype(np.uint16)
    one, _ = measure_levels([find_plateaus(reads)], USABLE, OUTPUTS)
    both, _ = measure_levels([find_plateaus(faint), find_plateaus(reads)], USABLE, OUTPUTS)
    assert np.array_equal(one, both)


def test_flats_that_do_not_saturate_are_refused(full):
    _, reads = full
    with pytest.raises(InputError, match="less than half"):
        measure_levels([find_plateaus(reads[..., :8])], USABLE, OUTPUTS)
    with pytest.raises(InputError, match="less than half"):
        measure_levels([find_plateaus(reads[:, :, :1])], USABLE, OUTPUTS)  # a single ramp tells no scatter


def test_the_level_is_median_and_scatter_of_the_plateaus_there_are():
    """The textbook on arrays with gaps; 12 % of the ramps have no plateau."""
    rng = np.random.default_rng(5)
    parts = [rng.normal(30000, 20, (*USABLE.shape, ramps)).astype(np.uint16) for ramps in (3, 1, 2)]
    for part in parts:
        part[rng.random(part.shape) < 0.12] = 0
    level, measured = measure_levels(parts, USABLE, OUTPUTS)
    values = np.concatenate(parts, axis=2).astype(np.float64)
    values[values == 0] = np.nan
    number = np.isfinite(values).sum(axis=2)
    several = number > 1
    typical = (1 - 2 / (9 * (number[several] - 1))) ** 3
    variance = np.median(np.nanvar(values[several], axis=1, ddof=1) / typical)
    assert np.array_equal(measured, number > 0)
    np.testing.assert_allclose(level[measured], np.nanmedian(values[measured], axis=1) - 5 * variance**0.5, atol=0.01)


def test_what_is_held_for_a_pixel(full, monkeypatch):
    """30 bytes beside the plateaus, whatever the number of exposures."""
    monkeypatch.setattr(blocks, "READS", 1 << 10)
    plateaus = [np.full((256, 512, 3), 30000, np.uint16) for _ in range(5)]
    plateaus[0][..., 0] += 9
    usable, outputs = np.ones((256, 512), bool), np.arange(512) // 64
    tracemalloc.start()
    measure_levels(plateaus, usable, outputs)
    peak = tracemalloc.get_traced_memory()[1] / usable.size
    tracemalloc.stop()
    assert peak < 30
