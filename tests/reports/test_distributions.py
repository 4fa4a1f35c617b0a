"""Pull histograms, per-output figures, timings."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from iris_contract.exposure import Subarray
from iris_contract.instrument import load_instrument
from iris_contract.manifest import ManifestRow
from iris_reports.comparison import Comparison
from iris_reports.distributions import (
    draw_output_figures,
    draw_pulls,
    draw_timings,
    measure_outputs,
    measure_pulls,
)

ROW = ManifestRow("p", "0" * 64, "GainModel", 1, "alone", "gain", "gain", "x", ("r",), ("0" * 64,), "t")
REGION = Subarray(1, 1, 128, 32)


def _comparison(seed: int, width: float = 1.0, error: float = 0.0) -> Comparison:
    noise = np.random.default_rng(seed).normal(0, width, (32, 128))
    truth = np.full((32, 128), 2.0)
    product = truth + 0.01 * noise
    product[:, 64:] *= 1 + error
    good = np.ones(truth.shape, dtype=bool)
    return Comparison(ROW, truth, product, np.full(truth.shape, 0.01), good, "electron/DN", "as-built gain")


def test_histogram_counts_every_pull() -> None:
    histogram = measure_pulls(_comparison(1, width=2.0))
    assert histogram is not None
    assert histogram.counts.sum() + histogram.beyond == histogram.number == 4096
    assert histogram.width == pytest.approx(2.0, abs=0.12)
    assert histogram.expected.sum() == pytest.approx(4096, rel=1e-6)
    assert "width" in histogram.alt
    assert len(histogram.table()[1]) == 60
    assert "N(0,1)" in draw_pulls(histogram)


def test_no_pulls_no_histogram() -> None:
    comparison = _comparison(1)
    assert measure_pulls(replace(comparison, good=np.zeros_like(comparison.good))) is None


def test_outputs_show_the_one_that_is_off() -> None:
    nights = [_comparison(night, error=0.02) for night in range(5)]
    figures = measure_outputs(nights, REGION, load_instrument().detector("IMG1"))
    assert figures is not None
    assert figures.outputs == (0, 1)
    assert figures.values == pytest.approx([0, 2], abs=0.1)  # per cent
    assert np.all(figures.lows < figures.values)
    assert "output 1" in figures.alt
    assert len(figures.table()[1]) == 2
    assert "Output" in draw_output_figures({"alone": figures, "chain": figures})


def test_an_output_without_good_pixels_gives_no_figures() -> None:
    comparison = _comparison(1)
    good = comparison.good.copy()
    good[:, 64:] = False
    assert measure_outputs([replace(comparison, good=good)], REGION, load_instrument().detector("IMG1")) is None


def test_timings_name_stage_and_seconds() -> None:
    svg = draw_timings([("as_built", 3.0), ("simulate", 107.2)])
    assert "107.2 s" in svg
    assert "as built" in svg
