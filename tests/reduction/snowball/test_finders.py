"""Snowballs drawn here: found between the right reads, grown over the halo, and nothing else is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iris_contract.dq import DQ
from iris_reduction import blocks
from iris_reduction.snowball import SNOWBALL_FINDERS
from iris_reduction.snowball.core import SMALLEST

TIMES = np.arange(12.0)[None] * 9.0
NOISE, GAIN, RATE = 11.0, 2.0, 2.0
SIGMA = np.sqrt(RATE * 9 + 2 * NOISE**2)
core, grow = SNOWBALL_FINDERS["core"], SNOWBALL_FINDERS["grow"]


def draw(seed=1, shape=(100, 120), balls=(), rate=RATE, times=TIMES):
    """Keyword arguments of a finder: noise, photons, and `balls` (y, x, radius, group, read), 150 ke- within it."""
    rng = np.random.default_rng(seed)
    arrived = rng.poisson(rate * np.diff(times, axis=1, prepend=0.0), (*shape, *times.shape)).astype(float)
    for y, x, radius, group, read in balls:
        distance = measure(shape, y, x) / radius
        arrived[:, :, group, read] += np.where(distance <= 1, 150_000, 2000 / np.maximum(distance, 1) ** 3)
    charge = np.minimum(arrived.cumsum(axis=-1), 100_000) + NOISE * rng.standard_normal(arrived.shape)
    plane = np.ones(shape, np.float32)
    return {
        "reads": (charge / GAIN + 3000).astype(np.float32),
        "times": times,
        "gain": plane * np.float32(GAIN),
        "read_noise": plane * np.float32(NOISE),
        "usable": plane > 0,
    }


def measure(shape, y, x):
    return np.hypot(np.arange(shape[0])[:, None] - y, np.arange(shape[1]) - x)


def paint(patches, shape, group=0, read=None):
    """Pixels (ny, nx) in patches of one read, or of all."""
    plane = np.zeros(shape, bool)
    for patch in patches:
        if patch.group == group and read in (None, patch.read):
            plane[patch.rows, patch.columns] |= patch.mask
    return plane


@pytest.mark.parametrize("radius", [2.0, 4.5, 7.0])
@pytest.mark.parametrize("saturated", [False, True])
def test_a_snowball_is_found_and_its_halo_covered_to_half_a_sigma(radius, saturated):
    data = draw(balls=[(50, 60, radius, 0, 5)])
    if saturated:  # the core shows no difference then, and is found by its ring
        level = np.float32(50_000)
        data["read_dq"] = np.where(data["reads"] > level, DQ["SATURATED"], 0).astype(np.uint8)
    (found,) = grow(**data)
    assert (found.group, found.read) == (0, 5)
    covered, distance = paint([found], (100, 120)), measure((100, 120), 50, 60) / radius
    rim = (2000 / (4.5 * SIGMA)) ** (1 / 3)  # where the halo has 4.5 sigma
    assert covered[distance < 1.8 * rim].all()
    assert not covered[distance > 2.3 * rim + 1 / radius].any()
    (inner,) = core(**data)
    bare = paint([inner], (100, 120))
    assert (bare <= covered).all()
    assert bare[distance < 0.8 * rim].all()
    assert not bare[distance > 1.4 * rim + 1 / radius].any()


@pytest.mark.parametrize(("y", "x"), [(0, 60), (99, 60), (50, 0), (50, 119), (0, 0), (99, 119)])
def test_snowballs_at_the_edge_stay_inside(y, x):
    (found,) = grow(**draw(balls=[(y, x, 5.0, 0, 3)]))
    assert found.mask.shape == (found.rows.stop - found.rows.start, found.columns.stop - found.columns.start)
    covered = paint([found], (100, 120))
    assert covered[measure((100, 120), y, x) < 4.5 * 3].all()


def test_several_in_several_ramps_and_reads():
    times = np.tile(TIMES, (3, 1))
    balls = [(20, 20, 3.0, 0, 1), (70, 90, 4.0, 0, 1), (70, 30, 3.0, 2, 11), (60, 60, 3.0, 1, 4)]
    found = grow(**draw(balls=balls, times=times))
    assert sorted((p.group, p.read) for p in found) == sorted((g, k) for *_, g, k in balls)


@pytest.mark.parametrize("method", ["core", "grow"])
@pytest.mark.parametrize("rate", [0.0, 2.0, 500.0])
def test_noise_and_tracks_are_no_snowballs(method, rate):
    """144 000 differences at 4.5 sigma: single pixels stand out, none beside another by chance."""
    data = draw(2, rate=rate)
    data["reads"][40, 30:52, 0, 4:] += 2000  # 22 pixels: a long track
    data["reads"][70, 30, 0, 7:] += 20_000
    assert SNOWBALL_FINDERS[method](**data) == []


def test_none_finds_nothing():
    assert SNOWBALL_FINDERS["none"](**draw(balls=[(50, 60, 5.0, 0, 5)])) == []


def test_groups_do_not_touch_across_the_ends_of_rows():
    data = draw(3)
    half = SMALLEST // 2 + 1
    data["reads"][40 : 40 + half, 119, 0, 4:] += 5000
    data["reads"][41 : 41 + half, 0, 0, 4:] += 5000
    assert core(**data) == []
    data["reads"][40 : 40 + SMALLEST, 119, 0, 4:] += 5000
    (found,) = core(**data)
    assert found.columns == slice(119, 120)
    assert np.count_nonzero(found.mask) == SMALLEST


def test_pixels_and_reads_that_cannot_be_used_are_left_out():
    data = draw(balls=[(50, 60, 4.0, 0, 5)])
    data["reads"][10:30, 10:30, 0, 6:] += 9000
    data["usable"][10:30, 10:30] = False
    data["reads"][70:90, 10:30, 0, 6:] += 9000
    data["gain"][70:80, 10:30], data["read_noise"][80:90, 10:30] = np.nan, 0
    data["reads"][10:30, 80:110, 0, 2] += 9000
    data["read_dq"] = np.zeros(data["reads"].shape, np.uint8)
    data["read_dq"][10:30, 80:110, 0, 2] = DQ["DO_NOT_USE"]
    data["reads"][:, :, 0, 0] -= 9000  # the first read still settles
    (found,) = core(**data, first=1)
    assert found.read == 5
    assert {p.read for p in core(**data)} == {1, 5}


@given(st.integers(0, 2**32), st.floats(10, 90), st.floats(10, 110), st.floats(2, 7), st.integers(1, 11))
def test_numbers_like_the_drawn_ones_give_one_patch_between_its_reads(seed, y, x, radius, read):
    """Ten pixels from the edge; a second group needs 25 chance pixels side by side."""
    (found,) = grow(**draw(seed, balls=[(y, x, radius, 0, read)]))
    assert found.read == read
    assert paint([found], (100, 120))[measure((100, 120), y, x) < 1.5 * radius].all()


def test_integers_and_blocks_do_not_show(monkeypatch):
    data = draw(balls=[(50, 60, 4.0, 0, 5), (20, 20, 3.0, 0, 9)])
    data["reads"] = np.round(data["reads"])
    whole = grow(**data)
    monkeypatch.setattr(blocks, "READS", 7 * 120 * 12)
    parts = grow(**(data | {"reads": data["reads"].astype(np.uint16)}))
    assert len(whole) == len(parts) == 2
    for one, other in zip(whole, parts, strict=True):
        assert one[:4] == other[:4]
        np.testing.assert_array_equal(one.mask, other.mask)
