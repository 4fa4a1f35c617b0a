"""Fields are as large as asked for, over instruments, and smooth."""

import numpy as np

from iris_simulator.lenslet.field import draw_field


def test_size_over_instruments() -> None:
    """300 fields at 5 places: rms known to about 3 %, limits 4 sigma."""
    x, y = np.array([-1900.0, 0.0, 900.0, 1500.0, 0.0]), np.array([-1900.0, 0.0, 1800.0, -700.0, 1000.0])
    values = np.array([draw_field(seed, "test", 0.02).at(x, y) for seed in range(300)])
    assert abs(values.std() / 0.02 - 1) < 0.12
    assert abs(values.mean()) < 0.003


def test_smooth() -> None:
    x = np.linspace(-2048, 2048, 1000)
    values = draw_field(1, "test", 1.0).at(x, np.zeros(1000))
    assert np.abs(np.diff(values, 2)).max() < 1e-3
