"""A small run directory with synthetic products: truth that is known, products that are honest or broken.

No simulator and no reduction: estimates are truth plus Gaussian noise of the Cramer-Rao bound.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from iris_contract import DQ, AsBuiltMaps, Image, Reference, Subarray, Truth, load_instrument
from iris_contract.atomic import hash_file
from iris_contract.manifest import ManifestRow
from iris_contract.reftypes import load_reference_types
from iris_validators import combine, group_samples, judge, load_specifications, sample_group
from iris_validators.cramer_rao import rate_bound, read_variance

NOISE, GAIN = 11.0, 2.0
TIMES = np.arange(20.0)[None] * 10
RAMP = {"NGROUPS": 1, "NREADS": 20, "RAMPTIME": 190.0}
EVENT = [("Y", "i4"), ("X", "i4"), ("GROUP", "i4"), ("READ", "i4"), ("ELECTRONS", "f4")]
JUMP = [("Y", "i4"), ("X", "i4"), ("GROUP", "i4"), ("READ", "i4"), ("AMPLITUDE", "f4")]


class Bench:
    """Writes products and truth into a run directory and judges them."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @staticmethod
    def bound(rate, omitted=None):
        """Bound e-/s of the bench's readout, in the shape of `rate`."""
        rate = np.asarray(rate, dtype=float)
        return rate_bound(rate.ravel(), read_variance(NOISE, GAIN), TIMES, omitted).reshape(rate.shape)

    def row(self, name: str, model: str, truth: str, **more) -> ManifestRow:
        raw = f"raw/{name}"
        row = ManifestRow(
            product=f"products/{name}",
            product_sha256=hash_file(self.root / f"products/{name}"),
            model=model,
            night=1,
            setting="alone",
            exposure="ladder",
            family="ramp",
            algorithm="gls",
            raw=(raw,),
            raw_sha256=(hashlib.sha256(raw.encode()).hexdigest(),),
            truth=truth,
        )
        return replace(row, **more)

    def truth(self, name: str, scene, *, detected=None, cause=None, events=(), persistence=None, raw=None) -> str:
        """Write the truth of `raw`, by default raw/`name`; returns its path in the run."""
        path, shape = f"truth/{name}", scene.shape
        Truth(
            hashlib.sha256((raw or f"raw/{name}").encode()).hexdigest(),
            scene.astype("f4"),
            (scene if detected is None else detected).astype("f4"),
            np.full(shape, NOISE, "f4"),
            np.full(shape, GAIN, "f4"),
            np.zeros(shape, "u4") if cause is None else cause,
            np.array(list(events), dtype=EVENT),
            {"read_noise": True},
            None if persistence is None else persistence.astype("f4"),
        ).write(self.root / path)
        return path

    def image(
        self, name: str, data, err, *, model="RateModel", dq=None, jumps=None, corner=(101, 101), **cards
    ) -> None:
        """Write an image; `corner` is XSTART, YSTART, `cards` more of the header."""
        region = Subarray(*corner, *reversed(data.shape))
        header = {"DATAMODL": model, "DETECTOR": "IMG1", **region_cards(region), **RAMP, **cards}
        table = None if jumps is None else np.array(list(jumps), dtype=JUMP)
        flags = np.zeros(data.shape, "u4") if dq is None else dq
        Image(header, data.astype("f4"), err.astype("f4"), flags, None, table).write(self.root / f"products/{name}")

    def edit(self, rows: Sequence[ManifestRow], change: Callable[[Image], Image]) -> list[ManifestRow]:
        """Return rows of broken twins of image products."""
        broken = []
        for row in rows:
            product = row.product.replace("products/", "broken/")
            change(Image.read(row.path(self.root))).write(self.root / product)
            broken.append(replace(row, product=product))
        return broken

    def reference(self, kind: str, night: int, region: Subarray, family: str, cards=(), **content) -> ManifestRow:
        """Write a reference with more header `cards`; planes that are not given are zero."""
        entry, name = load_reference_types()[kind], f"{kind}{night}.fits"
        header = {"REFTYPE": kind, "DETECTOR": "IMG1", **region_cards(region), **dict(cards)}
        planes = {h.name: content.get(h.name, np.zeros(region.shape)).astype(h.dtype) for h in entry.hdus}
        Reference(header, planes).write(self.root / f"products/{name}")
        return self.row(name, entry.model, "truth/as_built/IMG1.fits", night=night, family=family, exposure=kind)

    def as_built(self, region: Subarray, **planes) -> AsBuiltMaps:
        """Write as-built maps of `region`; planes that are not given are as designed, flaws absent."""
        detector = load_instrument().detector("IMG1")
        border = region.reference_pixels(detector)
        values = {"gain": GAIN, "read_noise": NOISE, "dark": 0.005, "flat": 1.0, "offset": 3000, "well": 1e5}
        maps = {k: planes.get(k, np.full(region.shape, v)).astype("f4") for k, v in values.items()}
        bad = planes.get("bad", np.zeros(region.shape, "u4")) | np.where(border, DQ["REFERENCE_PIXEL"], 0).astype("u4")
        flaws = {name: plane for name, plane in planes.items() if name not in (*values, "bad")}
        built = AsBuiltMaps({"DETECTOR": "IMG1", **region_cards(region)}, *maps.values(), bad, **flaws)
        built.write(self.root / "truth/as_built/IMG1.fits")
        return built

    def sample(self, rows: Sequence[ManifestRow], **more):
        return [s for row in rows for s in sample_group(self.root, [row], **more)]

    def verdicts(self, rows: Sequence[ManifestRow], **more) -> dict[tuple[str, str], str]:
        """Verdict by (specification, condition) of everything sampled."""
        found = {}
        for (_, metric, setting, algorithm, condition, _), samples in group_samples(self.sample(rows, **more)).items():
            for spec in load_specifications().values():
                if spec.metric == metric and spec.applies(setting, algorithm, condition):
                    found[spec.id, condition] = judge(spec, combine(samples)).word
        return found


def region_cards(region: Subarray) -> dict[str, int]:
    return {"XSTART": region.xstart, "YSTART": region.ystart, "XSIZE": region.xsize, "YSIZE": region.ysize}


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path)


@pytest.fixture(scope="module")
def shared_bench(tmp_path_factory):
    return Bench(tmp_path_factory.mktemp("run"))
