"""Products beside their truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from iris_contract.errors import LayoutError
from iris_contract.fitsio import read_header
from iris_contract.frames import AsBuiltMaps, Reference
from iris_contract.manifest import ManifestRow, read_manifest
from iris_contract.reftypes import load_reference_types
from iris_reports.comparison import Comparer, Comparison, choose_examples
from iris_reports.maps import draw_maps


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


@pytest.fixture
def flawed(shared_run: Path, rows: list[ManifestRow], tmp_path: Path) -> Callable[..., Comparison | None]:
    """Compare planes of a reference of `kind` with a detector that bends and has traps; or with a polite one."""

    def compare(kind: str, planes: dict[str, Any], *, polite: bool = False) -> Comparison | None:
        dark = _find(rows, "dark")
        built = AsBuiltMaps.read(dark.path(shared_run, "truth"))
        if not polite:
            flat = np.ones(built.well.shape, np.float32)
            traps = np.stack([1e-4 * flat, 2e-4 * flat], axis=2)
            built = replace(built, loss=0.05 * flat, bend=0.5 * flat, traps=traps)
        built.write(tmp_path / "truth.fits")
        header = read_header(dark.path(shared_run)) | {"REFTYPE": kind}
        Reference(header, planes).write(tmp_path / "product.fits")
        model = load_reference_types()[kind].model
        return Comparer(tmp_path).compare(replace(dark, product="product.fits", truth="truth.fits", model=model))

    return compare


def test_saturation_levels_are_compared_with_what_a_full_well_shows(flawed: Callable[..., Comparison | None]) -> None:
    """By hand: u = 1.25, so 100 000 e- lose 5 % of u^2 (0.5 sqrt(u) + 0.5 u) = 0.0925; 1000 DN below, at 2 e-/DN."""
    shape, flags = (72, 72), np.zeros((72, 72), np.uint32)
    found = flawed("saturation", {"DATA": np.full(shape, 46_000, np.float32), "DQ": flags})
    assert found is not None
    assert found.truth[30, 30] == pytest.approx(
        1000 + 50_000 * (1 - 0.05 * 1.5625 * (0.5 * 1.25**0.5 + 0.625)), rel=1e-5
    )
    assert found.residual[30, 30] == pytest.approx(46_000 - found.truth[30, 30])
    assert (found.unit, found.truth_name) == ("DN", "what a full well shows")
    assert [m.name for m in draw_maps(found, 1.0)] == ["truth", "product", "residual"]  # no error, no pull
    polite = flawed("saturation", {"DATA": np.full(shape, 46_000, np.float32), "DQ": flags}, polite=True)
    assert polite is not None
    assert polite.truth[30, 30] == pytest.approx(51_000)


def test_traps_are_compared_by_both_kinds_together(flawed: Callable[..., Comparison | None]) -> None:
    share, times = np.ones((72, 72), np.float32), np.array([40.0, 400.0])
    planes = {"DATA": np.stack([2e-4 * share] * 2, axis=2), "ERR": np.stack([3e-5 * share, 4e-5 * share], axis=2)}
    found = flawed("persist", {**planes, "TIMES": times})
    assert found is not None
    assert found.truth[30, 30] == pytest.approx(3e-4)
    assert found.residual[30, 30] == pytest.approx(1e-4, rel=1e-4)
    assert found.pull[30, 30] == pytest.approx(2, rel=1e-4)
    assert flawed("persist", {**planes, "TIMES": times}, polite=True) is None


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
