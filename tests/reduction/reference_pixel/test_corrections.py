"""Every reference pixel correction: what it promises, and what it leaves of noise that the test knows."""

import numpy as np
import pytest

from iris_reduction.reference_pixel import REFERENCE_PIXEL_CORRECTIONS, load_reference_pixel_corrections
from iris_reduction.reference_pixel.optimal import find_filter
from iris_reduction.reference_pixel.rows import find_sides, measure_row_noise

NY, NX, NREADS, NOISE = 192, 520, 20, 5.5
OUTPUTS, COLUMNS = np.minimum(np.arange(NX) // 64, 7), np.arange(NX)
TIMES = 10.0 * np.arange(NREADS)[None]
EVERY = pytest.mark.parametrize("name", REFERENCE_PIXEL_CORRECTIONS)


def make_border(left=4, right=4, bottom=4):
    border = np.zeros((NY, NX), bool)
    border[:bottom], border[:, :left] = True, True
    border[:, NX - right :] = True
    return border


def draw_red(rng, *shape):
    """Red noise of unit variance along the first axis, correlated over 12 rows."""
    noise, kept = rng.standard_normal(shape), np.exp(-1 / 12)
    for row in range(1, shape[0]):
        noise[row] = kept * noise[row - 1] + np.sqrt(1 - kept**2) * noise[row]
    return noise


def make_reads(seed, common=3.0, alternating=0.0, drift=0.0, border=None):
    """Reads as DN, light on all but the border: row noise, alternating columns and drift of outputs, in DN."""
    rng = np.random.default_rng(seed)
    reads = 5000 + 17 * rng.standard_normal((NY, NX, 1, 1)) + NOISE * rng.standard_normal((NY, NX, 1, NREADS))
    reads += common * draw_red(rng, NY, 1, NREADS)[:, None]
    own = rng.standard_normal((8, 1, NREADS))
    reads += alternating * (own[OUTPUTS] * np.where(COLUMNS % 2, -1, 1)[:, None, None])[None]
    reads += drift * (rng.standard_normal(8)[OUTPUTS][:, None, None] * TIMES)[None]
    reads[~border] += 3 * TIMES
    return np.rint(reads).astype(np.uint16)


def correct(name, reads, border):
    columns = {"border": border, "usable": border, "outputs": OUTPUTS, "columns": COLUMNS}
    return REFERENCE_PIXEL_CORRECTIONS[name](reads, TIMES, **columns)


def measure_striping(reads, border):
    """Rms in DN of the row means of light-sensitive pixels about their straight lines, white noise included."""
    means = reads[~border.all(axis=1)][:, ~border.all(axis=0)][:, :, 0].astype(float).mean(axis=1)
    lines = np.polynomial.polynomial.polyfit(TIMES[0], means.T, 1)
    return (means.T - np.polynomial.polynomial.polyval(TIMES[0], lines).T).std()


@EVERY
def test_result_is_float_and_the_arguments_stay(name):
    border = make_border()
    reads = make_reads(1, border=border)
    before = reads.copy()
    corrected = correct(name, reads, border)
    assert corrected.dtype == np.float32
    assert corrected.shape == reads.shape
    assert np.array_equal(reads, before)
    assert np.allclose(corrected, correct(name, reads.astype(np.float32), border))


@EVERY
def test_signal_is_kept(name):
    """Differences of reads stay those of the light, 30 DN; the noise of `side` in their mean is 0.05 DN."""
    for border in (make_border(), make_border(right=0), make_border(left=0, right=0)):
        corrected = correct(name, make_reads(2, common=0.0, border=border), border)
        assert np.diff(corrected[~border], axis=-1).mean() == pytest.approx(30, abs=0.25)


@pytest.mark.parametrize("sides", [{}, {"right": 0}, {"left": 0}], ids=["both", "left", "right"])
def test_striping(sides):
    """Row noise of 3 DN: optimal leaves less than side and half of none, whichever border the region holds.

    Seed to seed the rms of 3840 row means vary by 2 %; the margins are five times that or more.
    """
    border = make_border(**sides)
    reads = make_reads(3, border=border)
    left = {name: measure_striping(correct(name, reads, border), border) for name in REFERENCE_PIXEL_CORRECTIONS}
    assert left["none"] == pytest.approx(2.9, rel=0.1)
    assert left["side"] < 0.75 * left["none"]
    assert left["optimal"] < 0.9 * left["side"]


@pytest.mark.parametrize("sides", [{}, {"right": 0}], ids=["both", "left"])
def test_where_there_is_no_row_noise_optimal_adds_next_to_none(sides):
    border = make_border(**sides)
    reads = make_reads(4, common=0.0, border=border)
    left = {name: measure_striping(correct(name, reads, border), border) for name in ("none", "side", "optimal")}
    assert left["optimal"] < 1.3 * left["none"]
    assert left["side"] > 2 * left["none"]


@pytest.mark.parametrize("name", ["side", "optimal"])
def test_alternating_columns_are_subtracted(name):
    border = make_border()
    reads = make_reads(5, alternating=4.0, border=border)

    def measure(cube):
        pixels = cube[4:, 64:448, 0].astype(float)
        half = (pixels[:, ::2].mean(axis=(0, 1)) - pixels[:, 1::2].mean(axis=(0, 1))) / 2
        return np.std(half)

    assert measure(correct(name, reads, border)) < 0.5 * measure(correct("mean", reads, border))


@pytest.mark.parametrize("name", ["mean", "side", "optimal"])
def test_drift_of_each_output_is_subtracted(name):
    """Drifts of 5 DN rms from read to read leave less than 0.3, five times what the noise of `side` leaves."""
    border = make_border()
    reads = make_reads(6, common=0.0, drift=0.5, border=border)
    corrected = correct(name, reads, border)
    slopes = [np.diff(corrected[4:, o == OUTPUTS][:, 4:-4], axis=-1).mean() for o in range(8)]
    assert np.abs(np.array(slopes) - 30).max() < 0.3


def test_only_two_reads_or_no_side():
    border = make_border(right=0)
    reads = make_reads(7, border=border)
    two = REFERENCE_PIXEL_CORRECTIONS["optimal"](
        reads[..., :2], TIMES[:, :2], border=border, usable=border, outputs=OUTPUTS, columns=COLUMNS
    )
    assert np.isfinite(two).all()
    bottom = make_border(left=0, right=0)
    assert [side.size for side in find_sides(bottom)] == [0, 0]
    assert np.isfinite(correct("optimal", reads, bottom)).all()
    assert [side.size for side in find_sides(np.ones((4, 9), bool))] == [0, 0]


def test_bad_reference_pixels_do_not_enter():
    """A pixel marked bad, one that is noisy but not marked, and a row without any usable one."""
    border = make_border(right=0)
    reads = make_reads(8, common=0.0, border=border)
    usable = border.copy()
    usable[50, 0], usable[60, :4] = False, False
    reads[50, 0, 0, ::2] = 60000
    reads[55, 1, 0, ::2] += 400
    rows = measure_row_noise(reads, usable, np.arange(4))
    assert np.abs(rows).max() < 6 * NOISE


def test_filter_of_known_spectra():
    """Two measurements with signal variance 9 and noises of their own: 0.9 at every frequency, within 5 sigma."""
    rng = np.random.default_rng(9)
    signal = 3 * rng.standard_normal((256, 10, 20))
    one, other = signal + rng.standard_normal(signal.shape), signal + 5 * rng.standard_normal(signal.shape)
    gain = find_filter(one, other, one)
    assert gain.shape == (256,)
    assert abs(gain[16:].mean() - 0.9) < 5 * 0.55 / np.sqrt(240 * 200)
    assert (find_filter(one, -other, one) == 0).all()


def test_built_in_methods_by_name():
    assert list(REFERENCE_PIXEL_CORRECTIONS) == ["none", "mean", "side", "optimal"]
    assert dict(load_reference_pixel_corrections()).items() >= dict(REFERENCE_PIXEL_CORRECTIONS).items()
