"""Which family samples what, mixed groups, and what has no metrics."""

from dataclasses import replace

import numpy as np
import pytest

from iris_contract import Subarray
from iris_contract.errors import LayoutError, ManifestError
from iris_validators import FAMILY_MODELS, METRICS, sample_group

PLANE = np.ones((6, 8))


@pytest.fixture
def row(bench):
    bench.image("a.fits", PLANE, PLANE, jumps=[])
    return bench.row("a.fits", "RateModel", bench.truth("a.fits", PLANE))


def families(samples):
    return {s.family for s in samples}


def test_family_chooses_the_metrics(bench, row):
    assert families(sample_group(bench.root, [row])) == {"ramp"}
    assert families(sample_group(bench.root, [replace(row, family="jump")])) == {"jump"}


@pytest.mark.parametrize(
    ("kind", "family"),
    [("dark", "dark"), ("flat", "flat"), ("gain", "gain"), ("readnoise", "read_noise"), ("mask", "bad_pixel")],
)
def test_references(bench, kind, family):
    region = Subarray(1, 1, 80, 10)
    bench.as_built(region)
    row = bench.reference(kind, 1, region, family)
    samples = sample_group(bench.root, [row])
    assert families(samples) == {family}
    assert {s.metric for s in samples} <= set(METRICS)


@pytest.mark.parametrize("family", ["linearity", "image", "dark"])
def test_other_families_and_layouts_are_refused(bench, row, family):
    with pytest.raises(ManifestError, match=f"model='RateModel': the family {family} does not judge it"):
        sample_group(bench.root, [replace(row, family=family)])


def test_every_metric_s_family_has_its_layout():
    assert set(FAMILY_MODELS) == {metric.family for metric in METRICS.values()}


@pytest.mark.parametrize("other", [{"night": 2}, {"detector": "IFU"}])
def test_rows_of_two_groups_are_refused(bench, row, other):
    with pytest.raises(ManifestError, match="must share"):
        sample_group(bench.root, [row, replace(row, **other)])


def test_samples_know_the_detector_of_their_row(bench, row):
    assert {s.detector for s in sample_group(bench.root, [replace(row, detector="IFU")])} == {"IFU"}
    assert {s.detector for s in sample_group(bench.root, [row])} == {""}


def test_missing_product_is_one_line(bench, row):
    with pytest.raises(LayoutError, match="no such file"):
        sample_group(bench.root, [replace(row, product="products/none.fits")])


def test_every_sample_is_of_a_registered_metric(bench, row):
    for family in ("ramp", "jump"):
        for sample in sample_group(bench.root, [replace(row, family=family)]):
            metric = METRICS[sample.metric]
            assert (sample.kind, sample.unit, sample.family) == (metric.kind, metric.unit, metric.family)
