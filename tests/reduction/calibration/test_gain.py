import numpy as np
import pytest

from iris_contract.errors import InputError
from iris_reduction.calibration import TransferPoint, fit_gain, measure_photon_transfer

OUTPUTS = np.arange(256) // 64
TRUE = np.array([1.8, 2.0, 2.2, 3.0])
USABLE = np.ones((40, 256), bool)


@pytest.fixture(scope="module")
def observe(synthetic):
    """Flats with 20 % pattern and dead pixels."""

    def take(rng, level, ramps=10, hits=(), flicker=0.0):
        response = rng.uniform(0.8, 1.2, (40, 256))
        response[::7, ::9] = 0.02
        lamp = rng.normal(1, flicker, ramps) if flicker else [1.0]
        parts = ramps if not flicker else 1
        exposures = [
            synthetic.draw_reads(rng, level * f * response, synthetic.short, parts, gain=TRUE[OUTPUTS], hits=hits)
            for f in lamp
        ]
        return np.concatenate(exposures, axis=2)

    return take


@pytest.fixture(scope="module")
def calibrate(observe):
    """Gain and error per output, (4, 2), from flats at three levels."""

    def run(seed, **more):
        rng = np.random.default_rng(seed)
        levels = [measure_photon_transfer(observe(rng, x, **more), USABLE, OUTPUTS) for x in (0.0, 500.0, 2000.0)]
        return np.array([fit_gain([points[output] for points in levels]) for output in range(4)])

    return run


def test_gains_and_their_errors(calibrate):
    """Sixteen pulls: chi-square between its 1e-7 quantiles."""
    found = np.array([calibrate(seed) for seed in range(4)])
    chi2 = np.sum(((found[:, :, 0] - TRUE) / found[:, :, 1]) ** 2)
    assert 1.0 < chi2 < 63
    assert (found[:, :, 1] / TRUE < 0.004).all()


def test_cosmic_rays_and_pairs(calibrate):
    """Sixty hits shift no gain by more than 3 errors; two ramps suffice (5.3 sigma, false alarm 5e-7)."""
    rng = np.random.default_rng(7)
    hits = [(rng.integers(40), rng.integers(256), rng.integers(10), rng.integers(1, 5), 20000.0) for _ in range(60)]
    clean, hit = calibrate(8), calibrate(8, hits=hits)
    assert np.abs((hit - clean)[:, 0] / clean[:, 1]).max() < 3
    pair = calibrate(9, ramps=2)
    assert (np.abs(pair[:, 0] - TRUE) < 5.3 * pair[:, 1]).all()


def test_flicker_of_the_lamp_does_not_matter(calibrate):
    """One per cent from ramp to ramp, which untreated would change the gains by 10 %; 5.3 sigma."""
    found = calibrate(10, flicker=0.01)
    assert (np.abs(found[:, 0] - TRUE) < 5.3 * found[:, 1]).all()


def test_straight_line_in_closed_form():
    points = [TransferPoint(m, m / 2.5 + 60, 0.1) for m in (0.0, 100.0, 400.0)]
    gain, error = fit_gain(points)
    assert gain == pytest.approx(2.5)
    assert error == pytest.approx(2.5**2 * 0.1 / np.sqrt(np.var([0, 100, 400]) * 3))


def test_refusals(observe):
    reads = observe(np.random.default_rng(1), 500.0, ramps=1)
    with pytest.raises(InputError, match="two or more ramps"):
        measure_photon_transfer(reads, USABLE, OUTPUTS)
    with pytest.raises(InputError, match="output 0 has 0 usable pixels"):
        measure_photon_transfer(np.repeat(reads, 2, axis=2), ~USABLE, OUTPUTS)
    for points in ([TransferPoint(1, 1, 0.1)], [TransferPoint(1, 1, 0.1)] * 3):
        with pytest.raises(InputError, match="no photon transfer curve"):
            fit_gain(points)


def test_a_silent_lamp_off_frame_does_not_take_all_the_weight():
    silent = measure_photon_transfer(np.full((40, 256, 5, 5), 5000, np.uint16), USABLE, OUTPUTS)[0]
    assert silent.variance == 0
    assert silent.error > 0
