"""What every ramp fitter must do, whatever its method; runs over the registry."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iris_contract.dq import DQ, has
from iris_contract.errors import InputError
from iris_reduction import blocks
from iris_reduction.ramp import JUMP_COLUMNS, RAMP_FITTERS, check_ramp_fitter

EVERY = pytest.mark.parametrize("fitter", RAMP_FITTERS.values(), ids=RAMP_FITTERS)
TIMES = np.array([[0.0, 5, 10, 20, 25, 40, 41], [2.0, 3, 9, 12, 30, 31, 50]])
SEEDS = st.integers(0, 2**32)
RATES = st.sampled_from([0.0, 0.1, 3.0, 80.0])


def same(one, other, scale=1.0, **tolerance):
    """Compare rates and errors, `other` times `scale`, within 1e-4 of an error bar, and flags exactly."""
    tolerance = {"rtol": 1e-5, "atol": 1e-4 * np.nanmax(one.error)} | tolerance
    np.testing.assert_allclose(one.rate, scale * other.rate, **tolerance)
    np.testing.assert_allclose(one.error, scale * other.error, **tolerance)
    np.testing.assert_array_equal(one.dq, other.dq)


@EVERY
def test_keeps_to_the_protocol(fitter):
    check_ramp_fitter(fitter)


@EVERY
@given(seed=SEEDS, rate=RATES)
def test_time_scale(fitter, seed, rate, ramps):
    data = ramps(seed, rate, TIMES, 5)
    slow = data | {"times": data["times"] * 4.0}
    same(fitter(**data), fitter(**slow), 4.0)


@EVERY
@given(seed=SEEDS, rate=RATES, shift=st.floats(-100, 1000))
def test_time_origin(fitter, seed, rate, shift, ramps):
    data = ramps(seed, rate, TIMES, 5)
    same(fitter(**data), fitter(**(data | {"times": data["times"] + shift})))


@EVERY
@given(seed=SEEDS, rate=RATES)
def test_only_electrons_matter(fitter, seed, rate, ramps):
    data = ramps(seed, rate, TIMES, 5)
    other = data | {"reads": data["reads"] * np.float32(2), "gain": data["gain"] / np.float32(2)}
    same(fitter(**data), fitter(**other))


@EVERY
@given(seed=SEEDS, rate=RATES, pedestal=st.integers(-3000, 20_000))
def test_pedestal(fitter, seed, rate, pedestal, ramps):
    data = ramps(seed, rate, TIMES, 5)
    reads = np.round(data["reads"])
    raised = reads + np.float32([[pedestal], [0]])
    same(fitter(**(data | {"reads": reads})), fitter(**(data | {"reads": raised})))


@EVERY
@given(seed=SEEDS, rate=RATES)
def test_order_of_ramps(fitter, seed, rate, ramps):
    data = ramps(seed, rate, TIMES, 5)
    swapped = data | {"reads": data["reads"][:, :, ::-1].copy(), "times": data["times"][::-1].copy()}
    same(fitter(**data), fitter(**swapped))


def take_bytes(fit, name):
    """Bytes of a plane or table of a fit; None where there is none."""
    plane = getattr(fit, name)
    return None if plane is None else plane.tobytes()


@EVERY
@given(seed=SEEDS, rate=RATES)
def test_integers_give_exactly_what_floats_give(fitter, seed, rate, ramps):
    data = ramps(seed, rate, TIMES, 70)
    integers = np.round(data["reads"]).clip(0, 65535).astype(np.uint16)
    integers[0, 0, 0, 3] = 0  # differences of unsigned integers would wrap
    one, other = (fitter(**(data | {"reads": r})) for r in (integers, integers.astype(np.float32)))
    for name in ("rate", "error", "chi2", "dq", "jumps"):
        assert take_bytes(one, name) == take_bytes(other, name)


@EVERY
@given(seed=SEEDS, share=st.floats(0.0, 1.0))
def test_never_a_silent_nan(fitter, seed, share, ramps):
    data = ramps(seed, 3.0, TIMES, 30)
    rng = np.random.default_rng(seed)
    spoilt = rng.random(data["reads"].shape) < share
    data["reads"][spoilt] = rng.choice(np.float32([np.nan, np.inf, -np.inf]), spoilt.sum())
    read_dq = rng.choice(
        np.uint8([0, DQ["SATURATED"], DQ["DO_NOT_USE"], DQ["JUMP_DET"], 255]), spoilt.shape, p=[0.8, *[0.05] * 4]
    )
    fit = fitter(**data, read_dq=read_dq)
    usable = np.isfinite(data["reads"]) & (read_dq & DQ["DO_NOT_USE"] == 0)
    usable &= ~np.logical_or.accumulate(has(read_dq, "SATURATED"), axis=-1)
    part = np.cumsum(has(read_dq, "JUMP_DET"), axis=-1)  # a flagged jump separates reads
    hopeless = ~np.any([((part == p) & usable).sum(axis=-1) > 1 for p in range(part.max() + 1)], axis=(0, -1))
    for plane in (fit.rate, fit.error):
        np.testing.assert_array_equal(np.isnan(plane), hopeless)
        assert not np.isinf(plane).any()
    np.testing.assert_array_equal(has(fit.dq, "DO_NOT_USE"), hopeless)
    np.testing.assert_array_equal(has(fit.dq, "SATURATED"), has(read_dq, "SATURATED").any(axis=(2, 3)))


@EVERY
def test_blocks_do_not_show(fitter, ramps, monkeypatch):
    data = ramps(1, 3.0, TIMES, 60)
    data = {k: v if k == "times" else v.reshape(12, 5, *v.shape[2:]) for k, v in data.items()}
    data["reads"][7, 3, 1, 4:] += 3000
    read_dq = np.zeros(data["reads"].shape, np.uint8)
    read_dq[9, 2, 0, 5] = DQ["SATURATED"]
    whole = fitter(**data, read_dq=read_dq)
    monkeypatch.setattr(blocks, "READS", 5 * TIMES.size * 5)
    parts = fitter(**data, read_dq=read_dq)
    for name in ("rate", "error", "chi2", "dq", "jumps"):
        assert take_bytes(whole, name) == take_bytes(parts, name)


@EVERY
def test_views_are_read_as_they_are(fitter, ramps):
    data = ramps(2, 3.0, TIMES, 12)
    fit = fitter(**data)
    window = {k: v if k == "times" else v[:, 3:9:2] for k, v in data.items()}
    np.testing.assert_array_equal(fitter(**window).rate, fit.rate[:, 3:9:2])


@EVERY
def test_number_of_threads_does_not_matter(fitter, ramps):
    numba = pytest.importorskip("numba")
    data = ramps(3, 3.0, TIMES, 9000)
    data["reads"][0, ::50, 0, 3:] += 400
    before, results = numba.get_num_threads(), []
    try:
        for threads in {1, before}:
            numba.set_num_threads(threads)
            results.append(fitter(**data))
    finally:
        numba.set_num_threads(before)
    for name in ("rate", "error", "chi2", "dq", "jumps"):
        assert len({take_bytes(fit, name) for fit in results}) == 1


@EVERY
def test_jumps_table(fitter, ramps):
    fit = fitter(**ramps(4, 3.0, TIMES, 5))
    assert fit.jumps is None or fit.jumps.dtype == JUMP_COLUMNS


@EVERY
@pytest.mark.parametrize(
    ("name", "change", "key"),
    [
        ("reads", lambda a: a.astype(float), "reads.dtype"),
        ("reads", lambda a: a.astype(">u2"), "reads.dtype"),
        ("reads", lambda a: a[0], "reads.shape"),
        ("reads", lambda a: a[:0], "reads.shape"),
        ("times", lambda a: a[:, :3], "times"),
        ("times", lambda a: a[:, ::-1].copy(), "times"),
        ("times", lambda a: a * np.nan, "times"),
        ("gain", lambda a: a.astype(float), "gain"),
        ("read_noise", lambda a: a[:, :2], "read_noise"),
        ("read_dq", lambda _: np.zeros((1, 1), np.uint8), "read_dq"),
        ("jump_sigma", lambda _: 0.0, "jump_sigma"),
        ("jump_sigma", lambda _: float("nan"), "jump_sigma"),
    ],
)
def test_bad_arguments_are_named(fitter, name, change, key, ramps):
    data = ramps(5, 3.0, TIMES, 5)
    data[name] = change(data.get(name))
    with pytest.raises(InputError) as caught:
        fitter(**data)
    assert caught.value.key == key


def test_names_can_be_listed_without_importing_numba():
    code = "import sys; from iris_reduction.ramp import load_ramp_fitters as l; l(); sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
