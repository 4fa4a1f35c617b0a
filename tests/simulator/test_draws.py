"""Random numbers have the distributions they claim, and are addressed, not consumed.

Statistical tests use fixed seeds; the false-alarm probability of each is stated where it is made.
"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.special import ndtr

from iris_simulator import draws
from iris_simulator.draws import add_arrivals, add_increments, draw_normal, draw_uniform
from iris_simulator.seeds import Stream

STREAM = Stream(np.uint64(20350110))
SHAPE = (40, 50, 5, 20)
MANY = (200, 500, 5, 20)
MEANS = [0.003, 0.05, 0.0999, 0.1001, 0.7, 3.0, 9.99, 10.0, 10.5, 30.0, 400.0, 5e3, 1e5]
INTERVALS = np.arange(1.0, 21)[None, :].repeat(5, axis=0)


def draw_poisson(mean: float, stream: Stream = STREAM, shape: tuple[int, int, int, int] = SHAPE) -> np.ndarray:
    """Return increments of one mean, 200 000 unless told."""
    charge = np.zeros(shape)
    add_arrivals(charge, np.full(shape[:2], mean), INTERVALS, stream)
    return np.diff(charge, axis=-1, prepend=0)


@pytest.mark.parametrize("mean", MEANS)
def test_poisson_distribution(mean: float) -> None:
    """Chi-square of 10 million over all classes expected to hold 10 or more; false alarm 1e-4 for each mean.

    What lies in no such class, 0.04 draws at the smallest mean, is a Poisson number: false alarm 2e-4.
    """
    sample = draw_poisson(mean, shape=MANY).ravel()
    assert np.all(sample == np.floor(sample))
    assert sample.min() >= 0
    width = max(1, int(np.sqrt(mean) / 8))
    edges = np.arange(stats.poisson.ppf(1e-9, mean) - 1, stats.poisson.ppf(1 - 1e-9, mean) + width + 1, width)
    expected = np.diff(stats.poisson.cdf(edges, mean)) * sample.size
    observed = np.histogram(sample, np.append(edges + 0.5, []))[0]
    full = expected >= 10
    chi2 = np.sum((observed[full] - expected[full]) ** 2 / expected[full])
    assert stats.chi2.sf(chi2, full.sum() - 1) > 1e-4
    found, rest = sample.size - observed[full].sum(), sample.size - expected[full].sum()
    assert stats.poisson.sf(found - 1, rest) > 1e-4
    assert stats.poisson.cdf(found, rest) > 1e-4


@pytest.mark.parametrize("mean", MEANS)
def test_poisson_mean_and_variance(mean: float) -> None:
    """Both within 4.2 standard errors; false alarm 5e-5 for each mean."""
    sample = draw_poisson(mean).ravel()
    assert abs(sample.mean() - mean) < 4.2 * np.sqrt(mean / sample.size)
    spread = np.sqrt((mean + 2 * mean**2) / sample.size)
    assert abs(np.mean((sample - mean) ** 2) - mean) < 4.2 * spread


UNEVEN = np.array([[0.0, 0.04, 30.0, 0.09, 2.0, 0.02, 12.0, 0.11, 0.05, 0.5]])


def test_uneven_intervals_each_have_their_mean_and_are_independent() -> None:
    """Rare, few and many arrivals in turns: mean, variance and all correlations within 4.8 standard errors.

    54 figures, false alarm 1e-4 in all.
    """
    charge = np.zeros((200, 500, *UNEVEN.shape))
    add_increments(charge, np.ones((200, 500)), UNEVEN, STREAM)
    counts = np.diff(charge[:, :, 0], axis=-1, prepend=0).reshape(-1, UNEVEN.size)
    assert np.all(counts[:, 0] == 0)
    counts, means = counts[:, 1:], UNEVEN[0, 1:]
    assert np.all(np.abs(counts.mean(axis=0) - means) < 4.8 * np.sqrt(means / len(counts)))
    spread = np.sqrt((means + 2 * means**2) / len(counts))
    assert np.all(np.abs(np.mean((counts - means) ** 2, axis=0) - means) < 4.8 * spread)
    correlation = np.corrcoef(counts.T)[np.triu_indices(len(means), 1)]
    assert np.all(np.abs(correlation) < 4.8 / np.sqrt(len(counts)))


@pytest.mark.parametrize("reads", range(1, UNEVEN.size + 1))
def test_fewer_uneven_intervals_change_none(reads: int) -> None:
    """Pixels from dark to bright, so that each interval is rare in one and not in another."""
    amounts = np.geomspace(1e-3, 1e3, 500)[None, :]
    whole, part = np.zeros((1, 500, 1, UNEVEN.size)), np.zeros((1, 500, 1, reads))
    add_increments(whole, amounts, UNEVEN, STREAM)
    add_increments(part, amounts, UNEVEN[:, :reads], STREAM)
    np.testing.assert_array_equal(part, whole[..., :reads])


def test_gaps_between_rare_arrivals_are_exponential() -> None:
    """Deviates of the ziggurat for gaps: chi-square over 400 classes and the tail's share; false alarm 1e-4 each."""
    states = np.random.default_rng(20350110).integers(0, 2**64, 500_000, dtype=np.uint64)
    sample = np.array([draws._wait(state) for state in states])
    assert stats.chisquare(np.histogram(-np.expm1(-sample), 400, (0, 1))[0]).pvalue > 1e-4
    found, expected = np.count_nonzero(sample > draws.LONG), len(sample) * np.exp(-draws.LONG)
    assert min(stats.poisson.cdf(found, expected), stats.poisson.sf(found - 1, expected)) > 5e-5


def test_normal_distribution() -> None:
    """Kolmogorov-Smirnov, false alarm 1e-4; and kurtosis, which the tails decide, within 4.2 sigma."""
    sample = draw_normal(SHAPE, STREAM).ravel()
    assert stats.kstest(sample, "norm").pvalue > 1e-4
    assert abs(stats.kurtosis(sample)) < 4.2 * np.sqrt(24 / sample.size)


def test_normal_distribution_layer_by_layer() -> None:
    """Chi-square over 400 classes of equal probability, which no ziggurat layer fills; false alarm 1e-4."""
    sample = draw_normal(MANY, STREAM).ravel()
    observed = np.histogram(ndtr(sample), 400, (0, 1))[0]
    assert stats.chisquare(observed).pvalue > 1e-4


@pytest.mark.parametrize("beyond", [2.0, 3.0, 3.6541528853610088, 4.5])
@pytest.mark.parametrize("side", [-1, 1])
def test_normal_tails_hold_their_share(side: int, beyond: float) -> None:
    """Of 10 million; both one-sided Poisson probabilities above 1e-5: false alarm 2e-5 each."""
    found = np.count_nonzero(side * draw_normal(MANY, STREAM) > beyond)
    expected = 1e7 * stats.norm.sf(beyond)
    assert min(stats.poisson.cdf(found, expected), stats.poisson.sf(found - 1, expected)) > 1e-5


def test_uniform_numbers_stay_inside_the_open_interval() -> None:
    assert 0.0 < draws._unit(np.uint64(0)) < draws._unit(np.uint64(2**64 - 1)) < 1.0
    assert stats.kstest(draw_uniform(SHAPE, STREAM).ravel(), "uniform").pvalue > 1e-4


@pytest.mark.parametrize("axis", [0, 1, 2, 3])
@pytest.mark.parametrize("mean", [0.0, 0.5, 300.0], ids=["normal", "small", "large"])
def test_neighbours_are_independent(mean: float, axis: int) -> None:
    """Correlation along each axis within 4.4 standard errors; false alarm 1e-5 each."""
    sample = draw_normal(SHAPE, STREAM) if mean == 0 else draw_poisson(mean)
    one, other = (np.delete(sample, end, axis=axis).ravel() for end in (0, -1))
    assert abs(np.corrcoef(one, other)[0, 1]) < 4.4 / np.sqrt(one.size)


def test_streams_are_independent() -> None:
    """Poisson deviates of equal mean in different streams, and normal ones; within 4.4 standard errors."""
    other = Stream(np.uint64(20350111))
    for one, two in (
        (draw_poisson(300.0), draw_poisson(300.0, other)),
        (draw_normal(SHAPE, STREAM), draw_normal(SHAPE, other)),
    ):
        assert abs(np.corrcoef(one.ravel(), two.ravel())[0, 1]) < 4.4 / np.sqrt(one.size)


def test_without_noise_the_expectation_arrives() -> None:
    charge = np.ones((2, 3, 2, 4))
    rate = np.array([[0.0, 0.1, 3.0], [7.0, 1e5, 1e-9]])
    times = np.array([[0.0, 0.3, 1.0, 9.0], [2.0, 3.0, 5.0, 8.5]])
    add_arrivals(charge, rate, times, STREAM, noisy=False)
    np.testing.assert_array_equal(charge, 1 + rate[:, :, None, None] * times)


@settings(max_examples=40, deadline=None)
@given(
    row=st.integers(0, 6),
    column=st.integers(0, 6),
    ramps=st.integers(1, 3),
    reads=st.integers(1, 8),
    rate=st.floats(0.0, 1e4),
)
def test_a_draw_depends_on_its_address_alone(row: int, column: int, ramps: int, reads: int, rate: float) -> None:
    """The corner of a block equals a block begun there, of fewer ramps and reads."""
    times = np.cumsum(np.full((3, 8), 1.5), axis=1)
    whole, part = np.zeros((7, 7, 3, 8)), np.zeros((7 - row, 7 - column, ramps, reads))
    add_arrivals(whole, np.full((7, 7), rate), times, STREAM)
    begun = Stream(STREAM.key, row, column)
    add_arrivals(part, np.full(part.shape[:2], rate), times[:ramps, :reads], begun)
    np.testing.assert_array_equal(part, whole[row:, column:, :ramps, :reads])
    np.testing.assert_array_equal(
        draw_normal(part.shape, begun), draw_normal(whole.shape, STREAM)[row:, column:, :ramps, :reads]
    )


def test_brighter_neighbour_leaves_a_pixel_alone() -> None:
    times = np.arange(1.0, 9)[None, :]
    dim, bright = np.zeros((1, 2, 1, 8)), np.zeros((1, 2, 1, 8))
    add_arrivals(dim, np.array([[1.0, 40.0]]), times, STREAM)
    add_arrivals(bright, np.array([[900.0, 40.0]]), times, STREAM)
    np.testing.assert_array_equal(dim[0, 1], bright[0, 1])


def test_more_arrivals_than_32_bits_count_do_not_wrap() -> None:
    charge = np.zeros((1, 4, 1, 2))
    add_arrivals(charge, np.full((1, 4), 1e6), np.array([[3000.0, 6000.0]]), Stream(np.uint64(1), 0, 0))
    np.testing.assert_allclose(charge, np.broadcast_to([3e9, 6e9], charge.shape), rtol=1e-4)
