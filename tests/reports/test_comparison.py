"""Products beside their truth."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from iris_contract.errors import LayoutError
from iris_contract.manifest import ManifestRow, read_manifest
from iris_reports.comparison import Comparer, choose_examples


@pytest.fixture
def rows(shared_run: Path) -> list[ManifestRow]:
    """Manifest of the fabricated run."""
    return read_manifest(shared_run / "manifest.json")


def _find(rows: list[ManifestRow], family: str, **more: object) -> ManifestRow:
    return next(r for r in rows if r.family == family and all(getattr(r, k) == v for k, v in more.items()))


def test_rates_are_compared_with_the_detected_rate(shared_run: Path, rows: list[ManifestRow]) -> None:
    found = Comparer(shared_run).compare(_find(rows, "ramp", algorithm="gls"))
    assert found is not None
    assert found.truth_name == "detected rate"
    assert found.pulls.std() == pytest.approx(1.0, abs=0.06)  # 4300 pulls: 5 sigma of the width
    assert not found.good[:4].any()  # reference pixels


def test_pulls_show_what_is_wrong(shared_run: Path, rows: list[ManifestRow]) -> None:
    found = Comparer(shared_run).compare(_find(rows, "ramp", algorithm="cds"))
    assert found is not None
    assert found.pulls.std() == pytest.approx(1.9, abs=0.11)


@pytest.mark.parametrize("family", ["gain", "read_noise", "dark", "flat"])
def test_references_are_compared_with_as_built_maps(shared_run: Path, rows: list[ManifestRow], family: str) -> None:
    found = Comparer(shared_run).compare(_find(rows, family))
    assert found is not None
    assert found.truth_name.startswith("as-built")
    assert found.pulls.std() == pytest.approx(1.0, abs=0.06)
    assert np.isnan(replace(found, sigma=np.zeros_like(found.sigma)).pull).all()


def test_masks_are_compared_class_by_class(shared_run: Path, rows: list[ManifestRow]) -> None:
    comparer = Comparer(shared_run)
    row = _find(rows, "bad_pixel")
    assert comparer.compare(row) is None
    classes = comparer.compare_classes(row)
    assert classes is not None
    assert int(np.sum((classes.truth != classes.product) & classes.light)) == 3
    assert comparer.compare_classes(_find(rows, "dark")) is None


def test_a_truth_of_another_shape_is_refused(shared_run: Path, rows: list[ManifestRow]) -> None:
    row = _find(rows, "ramp")
    with pytest.raises(LayoutError, match=r"DATAMODL"):
        Comparer(shared_run).compare(replace(row, truth=_find(rows, "dark").truth))


def test_examples_are_the_first_of_each_setting_and_role(rows: list[ManifestRow]) -> None:
    chosen = choose_examples(rows, "dark")
    assert [(row.setting, row.night) for row in chosen] == [("alone", 1), ("chain", 1)]
