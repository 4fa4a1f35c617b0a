import numpy as np
import pytest

from iris_contract.errors import InputError
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
    assert np.isnan(find_plateaus(rising)).all()
    assert np.isfinite(find_plateaus(reads)).all()


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
