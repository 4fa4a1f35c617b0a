"""Parquet twins: round trip, bytes that depend on content alone, refusals."""

import math
from dataclasses import replace

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from iris_contract.errors import InputError
from iris_validators import Sample, read_samples, write_samples, write_scorecard_table
from iris_validators.score import RunInfo, score

names = st.text(max_size=8)
samples_of = st.lists(
    st.builds(
        Sample,
        names,
        names,
        names,
        st.sampled_from(["alone", "chain"]),
        names,
        st.integers(1, 99),
        st.sampled_from(["mean", "events"]),
        names,
        st.floats(),
        st.none() | st.integers(0, 2**40),
        st.none() | st.integers(0, 2**40),
        st.floats(0, 1e9),
        st.none() | st.integers(0, 99),
        names,
    ),
    max_size=6,
)
ONE = Sample("ramp.bias", "ramp", "gls", "alone", "rate=2", 1, "mean", "sigma", 0.5)


def same(left, right):
    pair = [replace(s, value=0.0) if math.isnan(s.value) else s for s in (left, right)]
    return pair[0] == pair[1] and math.isnan(left.value) == math.isnan(right.value)


@given(samples_of)
def test_round_trip(tmp_path_factory, samples):
    path = tmp_path_factory.mktemp("t") / "s.parquet"
    write_samples(path, samples)
    expected = sorted(samples, key=lambda s: s.order)
    assert all(same(a, b) for a, b in zip(read_samples(path), expected, strict=True))


def test_bytes_do_not_depend_on_order(tmp_path):
    samples = [replace(ONE, night=n, condition=c) for n in (1, 2, 3) for c in ("rate=2", "rate=10")]
    write_samples(tmp_path / "a", samples)
    write_samples(tmp_path / "b", reversed(samples))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_pandas_reads_both(tmp_path):
    write_samples(tmp_path / "s.parquet", [ONE, replace(ONE, kind="events", k=1, n=2)])
    assert list(pd.read_parquet(tmp_path / "s.parquet").columns[:3]) == ["metric", "family", "algorithm"]
    card = score(RunInfo("quick", 8), [replace(ONE, night=n, value=float("nan")) for n in (1, 2, 3)], ["ramp.bias"])
    write_scorecard_table(tmp_path / "c.parquet", card)
    table = pd.read_parquet(tmp_path / "c.parquet")
    assert table.verdict.tolist() == ["FAIL"]
    assert math.isnan(table.value[0])
    assert table.low.isna().all()


@pytest.mark.parametrize("content", [b"", b"PAR1 nonsense PAR1"])
def test_broken_file_is_refused(tmp_path, content):
    (tmp_path / "s.parquet").write_bytes(content)
    with pytest.raises(InputError, match="not readable as samples"):
        read_samples(tmp_path / "s.parquet")


def test_missing_file_and_other_table_are_refused(tmp_path):
    with pytest.raises(InputError, match="not readable"):
        read_samples(tmp_path / "none.parquet")
    pd.DataFrame({"metric": ["a"]}).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(InputError, match="not readable"):
        read_samples(tmp_path / "t.parquet")
