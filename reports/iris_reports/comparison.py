"""A product beside its truth, as arrays: what the maps and the pull histogram are made of.

Level 1 rates stand against the detected rate, level 2 images against the scene, references against
the as-built map of their kind. Saturation levels stand against what a full well shows, and lie below it by
design; of traps the shares of both kinds together, where the charge that they refer to is that of a full well,
as truth has it. Pixels are good where truth says so and they are not reference pixels. Not modelled: what full
pixels show of neighbours whose wells differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from iris_contract.dq import has
from iris_contract.errors import LayoutError
from iris_contract.frames import AsBuiltMaps, Image, Reference, Truth, read_region
from iris_contract.instrument import load_instrument
from iris_contract.manifest import ManifestRow
from iris_contract.reftypes import load_reference_types

__all__ = ["ClassComparison", "Comparer", "Comparison", "choose_examples"]

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
_UNITS = {
    "dark": "electron/s",
    "flat": "1",
    "gain": "electron/DN",
    "readnoise": "electron",
    "saturation": "DN",
    "persist": "1",
}
_NAMES = {"saturation": "what a full well shows", "persist": "as-built share of a full well that traps keep"}


@dataclass(frozen=True, slots=True)
class Comparison:
    """Truth, product and its own sigma, float64 (ny, nx) in `unit`; `good` in truth; what truth is called."""

    row: ManifestRow
    truth: Array
    product: Array
    sigma: Array
    good: Mask
    unit: str
    truth_name: str

    @property
    def residual(self) -> Array:
        """Product minus truth."""
        return self.product - self.truth

    @property
    def pull(self) -> Array:
        """Residual over the product's own sigma; NaN where sigma is zero."""
        with np.errstate(divide="ignore", invalid="ignore"):
            pull: Array = np.where(self.sigma > 0, self.residual / self.sigma, np.nan)
        return pull

    @property
    def pulls(self) -> Array:
        """Finite pulls of good pixels, shape (n,)."""
        values = self.pull[self.good]
        kept: Array = values[np.isfinite(values)]
        return kept


@dataclass(frozen=True, slots=True)
class ClassComparison:
    """True and found classes of every pixel, uint32 (ny, nx) DQ bits; `light` is off the reference border."""

    row: ManifestRow
    truth: npt.NDArray[np.uint32]
    product: npt.NDArray[np.uint32]
    light: Mask


def choose_examples(rows: Sequence[ManifestRow], family: str) -> list[ManifestRow]:
    """Return the first product of the first night, by setting, exposure role, detector and algorithm."""
    chosen: dict[tuple[str, str, str, str], ManifestRow] = {}
    own = [row for row in rows if row.family == family]
    for row in sorted(own, key=lambda row: (*_place(row), row.night, row.product)):
        chosen.setdefault(_place(row), row)
    return list(chosen.values())


def _place(row: ManifestRow) -> tuple[str, str, str, str]:
    return row.setting, row.exposure, row.detector, row.algorithm


def _kind_of(model: str) -> str | None:
    return next((kind.kind for kind in load_reference_types().values() if kind.model == model), None)


@dataclass(slots=True)
class Comparer:
    """Compares products of the run directory `run` with truth; reads as-built maps and a row of equal truths once."""

    run: Path
    built: dict[str, AsBuiltMaps] = field(default_factory=dict)
    truth: tuple[str, Truth] | None = None

    def compare(self, row: ManifestRow) -> Comparison | None:
        """Return the comparison, or None for a product without a map to compare; raises InputError."""
        if row.model in ("RateModel", "ImagerModel"):
            return self._compare_image(row)
        kind = _kind_of(row.model)
        if kind not in _UNITS:
            return None
        content, built, cut, light = self._read(row, kind)
        truth = _find_truth(kind, built)
        if truth is None:
            return None
        planes = _widen(truth[cut], *_find_product(kind, content))
        name = _NAMES.get(kind, f"as-built {kind}")
        return Comparison(row, *planes, light & (built.bad[cut] == 0), _UNITS[kind], name)

    def compare_classes(self, row: ManifestRow) -> ClassComparison | None:
        """Return true and found pixel classes of a bad pixel map, or None for another product."""
        if _kind_of(row.model) != "mask":
            return None
        content, built, cut, light = self._read(row, "mask")
        usable = light | has(built.bad[cut], "BAD_REF_PIXEL")
        return ClassComparison(row, built.bad[cut], content["DQ"], usable)

    def _read(self, row: ManifestRow, kind: str) -> tuple[dict[str, Any], AsBuiltMaps, tuple[slice, slice], Mask]:
        """Content of a reference, as-built maps, their cut that it covers, and its light-sensitive pixels."""
        if row.truth not in self.built:
            self.built[row.truth] = AsBuiltMaps.read(row.path(self.run, "truth"))
        product, built = row.path(self.run), self.built[row.truth]
        reference = Reference.read(product, kind)
        region, cover = read_region(reference.header, product), read_region(built.header, row.truth)
        detector = load_instrument().detector(str(built.header.get("DETECTOR")))
        return reference.content, built, region.cut_from(cover), ~region.reference_pixels(detector)

    def _compare_image(self, row: ManifestRow) -> Comparison:
        if self.truth is None or self.truth[0] != row.truth:
            self.truth = row.truth, Truth.read(row.path(self.run, "truth"))
        image, truth = Image.read(row.path(self.run)), self.truth[1]
        level1 = row.model == "RateModel"
        rate = truth.rate_detected if level1 else truth.rate_scene
        if rate.shape != image.data.shape:
            raise LayoutError(f"truth is {rate.shape}", file=row.product, key="YSIZE,XSIZE", value=image.data.shape)
        name = "detected rate" if level1 else "scene rate"
        return Comparison(row, *_widen(rate, image.data, image.err), truth.cause == 0, "electron/s", name)


def _find_truth(kind: str, built: AsBuiltMaps) -> npt.NDArray[np.floating] | None:
    """Return the as-built plane (ny, nx) that a reference of `kind` measures; None where the flaw is absent."""
    if kind == "saturation":
        return built.offset + _show(built, built.well) / built.gain
    if kind == "persist":
        return None if built.traps is None else built.traps.sum(axis=2)
    plane: npt.NDArray[np.floating] = getattr(built, {"readnoise": "read_noise"}.get(kind, kind))
    return plane


def _show(built: AsBuiltMaps, charge: npt.NDArray[np.float32]) -> npt.NDArray[np.floating]:
    """Return the signal e- (ny, nx) that pixels show when they hold `charge` e-."""
    if built.loss is None or built.bend is None:
        return charge
    from iris_simulator.nonlinearity import bend_signal  # here, since it imports numba

    shown = charge[:, :, None, None].astype(np.float64)
    bend_signal(shown, built.loss.astype(np.float64), built.bend.astype(np.float64))
    return shown[:, :, 0, 0]


def _find_product(kind: str, content: Mapping[str, Any]) -> tuple[Any, Any]:
    """Return what a reference measured and its sigma (ny, nx), which is 0 where it states none."""
    data = content["DATA"]
    if kind == "persist":
        return data.sum(axis=2), np.sqrt((content["ERR"] ** 2).sum(axis=2))
    return data, content.get("ERR", np.zeros_like(data))


def _widen(
    truth: npt.NDArray[np.floating], product: npt.NDArray[np.floating], sigma: npt.NDArray[np.floating]
) -> tuple[Array, Array, Array]:
    return truth.astype(np.float64), product.astype(np.float64), sigma.astype(np.float64)
