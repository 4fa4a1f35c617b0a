"""A small fabricated run directory: what the harness would leave behind, without simulating anything.

Products are truth plus noise of the stated sigma, samples are drawn around chosen values, and the
scorecard holds every verdict there is. Names carry markup where a careless page would break.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from iris_contract.atomic import write_json
from iris_contract.dq import DQ
from iris_contract.exposure import Subarray
from iris_contract.frames import AsBuiltMaps, Image, Reference, Truth
from iris_contract.manifest import ManifestRow, write_manifest
from iris_contract.reftypes import load_reference_types
from iris_contract.scorecard import Scorecard, ScoreRow, write_scorecard
from iris_validators.measurement import combine
from iris_validators.metric import Metric
from iris_validators.parquet import write_samples
from iris_validators.sample import Sample, group_samples
from iris_validators.sampling import METRICS
from iris_validators.specification import load_specifications
from iris_validators.verdict import judge

NASTY = "quick<script>alert('x')</script>&"
NIGHTS = 4
SIZE = 72
REGION = Subarray(1, 1, SIZE, SIZE)
RATES = (0.02, 0.1, 0.5, 2.0, 10.0, 50.0, 200.0, 500.0)
FITTERS = {"cds": 1.9, "mcds": 1.13, "ols": 1.05, "gls": 1.001}
BAND = {"alone": 0.0, "chain": 0.004}
HASH = "0" * 64
EVENTS = np.zeros(0, dtype=[("Y", "i4"), ("X", "i4"), ("GROUP", "i4"), ("READ", "i4"), ("ELECTRONS", "f4")])
KINDS = {"gain": "gain", "read_noise": "readnoise", "dark": "dark", "flat": "flat", "bad_pixel": "mask"}
ALGORITHMS = {
    "gain": "photon_transfer",
    "read_noise": "differences",
    "dark": "ramp_mean",
    "flat": "lamp_on_off",
    "bad_pixel": "class_limits",
}

Array = npt.NDArray[np.float32]


def _noise(seed: int, shape: tuple[int, ...] = (SIZE, SIZE)) -> npt.NDArray[np.float64]:
    return np.random.default_rng(seed).normal(size=shape)


def as_built() -> AsBuiltMaps:
    """As-built maps with two outputs of slightly different gain and some bad pixels."""
    y, x = np.mgrid[:SIZE, :SIZE]
    gain = np.where(x < 64, 2.0, 2.06).astype(np.float32)
    flat = (1 + 0.03 * np.sin(x / 11.0) * np.cos(y / 17.0)).astype(np.float32)
    dark = (0.005 + 0.002 * np.abs(_noise(3))).astype(np.float32)
    bad = np.zeros((SIZE, SIZE), dtype=np.uint32)
    for number, name in enumerate(("DEAD", "HOT", "WARM", "LOW_QE")):
        bad[10 + number * 9, 9::13] = DQ[name]
    bad[:4] |= DQ["REFERENCE_PIXEL"]
    bad[:, :4] |= DQ["REFERENCE_PIXEL"]
    header = {"DETECTOR": "IMG1", "XSTART": 1, "YSTART": 1, "XSIZE": SIZE, "YSIZE": SIZE, "TELESCOP": "TMT"}
    noise = np.full((SIZE, SIZE), 11, np.float32)
    offset, well = np.full((SIZE, SIZE), 1000, np.float32), np.full((SIZE, SIZE), 1e5, np.float32)
    return AsBuiltMaps(header, gain, noise, dark, flat, offset, well, bad)


def _scene(level2: bool) -> Array:
    y, x = np.mgrid[:SIZE, :SIZE]
    if level2:
        star = 4000 * np.exp(-((x - 30) ** 2 + (y - 44) ** 2) / 8)
        return (77 + star).astype(np.float32)
    rates = np.asarray(RATES)[(x // 9 + 3 * (y // 9)) % 8]
    return rates.astype(np.float32)


def _header(model: str, **more: object) -> dict[str, object]:
    base: dict[str, object] = {"DATAMODL": model, "TELESCOP": "TMT", "INSTRUME": "IRIS", "DETECTOR": "IMG1"}
    base |= {"XSTART": 1, "YSTART": 1, "XSIZE": SIZE, "YSIZE": SIZE, "OBS_ID": "<script>alert('header')</script>"}
    return base | more


class RunBuilder:
    """Writes the fabricated run below `root`."""

    def __init__(self, root: Path, scenario: str = NASTY) -> None:
        self.root, self.scenario = root, scenario
        self.built = as_built()
        self.rows: list[ManifestRow] = []

    def write(self) -> Path:
        """Write everything and return the run directory."""
        self.root.mkdir(parents=True)
        self._write_products()
        write_manifest(self.root / "manifest.json", self.rows)
        samples = list(fabricate_samples())
        (self.root / "scores").mkdir()
        write_samples(self.root / "scores" / "samples.parquet", samples)
        write_scorecard(self.root / "scores" / "scorecard.json", self.make_scorecard(samples))
        self._write_side_files()
        return self.root

    def _write_products(self) -> None:
        truth = self.root / "truth" / "as_built" / "IMG1.fits"
        truth.parent.mkdir(parents=True)
        self.built.write(truth)
        for algorithm in ("cds", "gls"):
            self._write_image("ramp", algorithm, "alone", "ladder", FITTERS[algorithm])
        self._write_image("image", "gls", "chain", "stars", 1.0)
        for night in range(1, NIGHTS + 1):
            for family in KINDS:
                self._write_reference(family, "alone", night)
            self._write_reference("dark", "chain", night)

    def _truth(self, setting: str, role: str) -> tuple[str, Truth]:
        scene = _scene(role == "stars")
        detected = (scene * self.built.flat + self.built.dark).astype(np.float32)
        truth = Truth(
            HASH, scene, detected, self.built.read_noise, self.built.gain, self.built.bad, EVENTS, {"dark": True}
        )
        relative = f"truth/{setting}/001/{role}.fits"
        path = self.root / relative
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            truth.write(path)
        return relative, truth

    def _write_image(self, family: str, algorithm: str, setting: str, role: str, factor: float) -> None:
        relative, truth = self._truth(setting, role)
        rate = truth.rate_scene if family == "image" else truth.rate_detected
        sigma = np.sqrt(0.04**2 + rate / 190).astype(np.float32)
        data = (rate + factor * sigma * _noise(len(self.rows))).astype(np.float32)
        data[20, 20] = np.nan
        model = "ImagerModel" if family == "image" else "RateModel"
        dq = np.zeros(rate.shape, np.uint32)
        product = f"products/{setting}/{family}/{algorithm}/001/{role}.fits"
        Image(_header(model), data, sigma, dq).write(self._made(product))
        self._add(product, model, 1, setting, role, family, algorithm, relative, {"dark": "tmt_iris_dark_0001.fits"})

    def _write_reference(self, family: str, setting: str, night: int) -> None:
        kind = KINDS[family]
        model = load_reference_types()[kind].model
        product = f"products/{setting}/{family}/{ALGORITHMS[family]}/{night:03d}/{kind}.fits"
        dq = np.zeros((SIZE, SIZE), np.uint32)
        if kind == "mask":
            dq = self.built.bad.copy()
            dq[10, 9], dq[60, 60], dq[19, 9] = 0, DQ["HOT"], DQ["WARM"]
            content: dict[str, npt.NDArray[np.generic]] = {"DQ": dq}
        else:
            true = getattr(self.built, {"readnoise": "read_noise"}.get(kind, kind))
            sigma = np.full(true.shape, {"dark": 0.002, "flat": 0.0015}.get(kind, 0.003), np.float32)
            data = (true + sigma * _noise(17 * night + len(kind))).astype(np.float32)
            content = {"DATA": data, "ERR": sigma, "DQ": dq}
        Reference(_header(model, REFTYPE=kind), content).write(self._made(product))
        self._add(product, model, night, setting, kind, family, ALGORITHMS[family], "truth/as_built/IMG1.fits", {})

    def _made(self, product: str) -> Path:
        path = self.root / product
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _add(
        self,
        product: str,
        model: str,
        night: int,
        setting: str,
        role: str,
        family: str,
        algorithm: str,
        truth: str,
        references: dict[str, str],
    ) -> None:
        self.rows.append(
            ManifestRow(
                product,
                HASH,
                model,
                night,
                setting,
                role,
                family,
                algorithm,
                (f"raw/{role}.fits",),
                (HASH,),
                truth,
                references,
                "tmt_0002.pmap" if setting == "chain" else "tmt_0001.pmap",
            )
        )

    def make_scorecard(self, samples: list[Sample]) -> Scorecard:
        """Judge the samples by the project's own table; add the verdicts that do not come by themselves."""
        rows = []
        specifications = load_specifications()
        groups = group_samples(samples)
        for spec in specifications.values():
            for (family, metric, setting, algorithm, condition, _), found in groups.items():
                if (family, metric) == (spec.family, spec.metric) and spec.applies(setting, algorithm, condition):
                    measured = combine(found)
                    verdict = judge(spec, measured)
                    rows.append(
                        score_row(
                            metric=spec.metric,
                            family=family,
                            algorithm=algorithm,
                            setting=setting,
                            condition=condition,
                            nights=measured.n,
                            value=measured.value,
                            unit=spec.unit,
                            low=measured.low,
                            high=measured.high,
                            method=measured.method,
                            limit_low=spec.limits.low,
                            limit_high=spec.limits.high,
                            goal_low=spec.goals.low if spec.goals else None,
                            goal_high=spec.goals.high if spec.goals else None,
                            verdict=verdict.word,
                            reason=verdict.reason,
                            provenance=spec.provenance,
                            requirement=spec.id,
                            scenario=self.scenario,
                        )
                    )
        plugin = "plug<img src=x onerror=alert(1)>in"
        rows += [
            score_row(metric="image.yield", family="image", verdict="NOT_MEASURED", reason="no sample"),
            score_row(metric="ramp.bias", family="ramp", algorithm=plugin, verdict="ERROR", reason="ImportError: <b>"),
        ]
        run = {"scenario": self.scenario, "nights": NIGHTS, "detector": "IMG1", "seeds": "20350110", "outside": []}
        return Scorecard(run, tuple(rows))

    def _write_side_files(self) -> None:
        controls = [
            ("inverted_error", "the error array is inverted", "ramp.pull_width", "PASS", "FAIL", 1.0, 4.2, True),
            (
                "error_times_0.8",
                "the error array is multiplied by 0.8",
                "ramp.pull_width",
                "PASS",
                "FAIL",
                1.0,
                1.25,
                True,
            ),
            ("dropped_bits", "DQ bits from 16 on are <lost>", "bad_pixel.yield", "PASS", "PASS", 1.0, "NaN", False),
        ]
        entries = [
            {"name": name, "fault": fault, "specification": spec, "condition": "rate=10", "twin_verdict": twin,
             "broken_verdict": broken, "twin_value": a, "broken_value": b, "unmoved": ["ramp.bias"], "held": held,
             "reason": "" if held else "the specification did not notice"}
            for name, fault, spec, twin, broken, a, b, held in controls
        ]  # fmt: skip
        write_json(self.root / "scores" / "controls.json", {"schema": "iris-testbed/controls/1", "controls": entries})
        provenance = {
            "schema": "iris-testbed/provenance/1", "versions": {"iris-testbed": "0.1.0", "numpy": "2.1.0"},
            "scenario": self.scenario, "seed": 20350110, "nights": NIGHTS, "command": "iris-testbed run <quick>",
            "contexts": {"crds": "tmt_0002.pmap", "crds-oracle": "tmt_0002.pmap"}, "platform": "Linux x86_64",
        }  # fmt: skip
        write_json(self.root / "provenance.json", provenance)
        stages = [("simulate", 41.3, 80), ("calibrate", 22.9, 16), ("crds", 12.0, 2), ("reduce", 60.2, 128),
                  ("validate", 11.7, 144), ("controls", 8.8, 9)]  # fmt: skip
        timings = {"schema": "iris-testbed/timings/1", "total": sum(seconds for _, seconds, _ in stages),
                   "stages": [{"stage": s, "seconds": t, "tasks": n} for s, t, n in stages]}  # fmt: skip
        write_json(self.root / "timings.json", timings)


def score_row(**values: object) -> ScoreRow:
    """A score row with everything that is not given left empty."""
    empty: dict[str, object] = {
        "algorithm": "", "setting": "", "condition": "", "mode": "IMG", "detector": "IMG1", "scenario": "quick",
        "nights": 0, "n_excluded": 0, "value": None, "unit": "1", "low": None, "high": None, "method": "",
        "limit_low": None, "limit_high": None, "goal_low": None, "goal_high": None, "goal_met": None, "reason": "",
        "provenance": "engineering", "requirement": "our choice", "context": "tmt_0002.pmap", "seeds": "20350110",
        "artifacts": ("manifest.json", "../../etc/passwd"), "reproduce": "iris-testbed run quick --seed 20350110",
    }  # fmt: skip
    return ScoreRow(**(empty | values))  # type: ignore[arg-type]


def _sample(metric: Metric, algorithm: str, setting: str, condition: str, night: int, **values: object) -> Sample:
    values = {"value": float("nan"), "kind": metric.kind, "unit": metric.unit, "night": night} | values
    values |= {"metric": metric.name, "family": metric.family, "algorithm": algorithm}
    values |= {"setting": setting, "condition": condition}
    return Sample(**values)  # type: ignore[arg-type]


def fabricate_samples() -> Iterator[Sample]:
    """Samples around chosen values for every night; the same every time."""
    random = np.random.default_rng(20350110)
    for setting, extra in BAND.items():
        for night in range(1, NIGHTS + 1):
            for place, rate in enumerate(RATES):
                common = random.normal(0, 0.003)
                for algorithm, factor in FITTERS.items():
                    faint = place / 7 if algorithm == "ols" else 0.25 + 0.75 * np.exp(-place / 3)
                    excess = (factor - 1) * faint
                    values = {
                        "ramp.bias": random.normal(0, 0.003),
                        "ramp.rms_over_crb": 1 + extra * place + excess + common + random.normal(0, 0.0008),
                    }
                    for name, value in values.items():
                        yield _sample(METRICS[name], algorithm, setting, f"rate={rate:.6g}", night, value=float(value))
            yield from _fabricate_jumps(random, setting, night)
            yield from _fabricate_calibrations(random, setting, night)


def _fabricate_jumps(random: np.random.Generator, setting: str, night: int) -> Iterator[Sample]:
    shares = {"significance=3-4.5": 0.2, "significance=4.5-7": 0.85, "significance=7-15": 0.999,
              "significance=15-50": 0.9999, "significance=50-inf": 1.0, "significance>7": 0.999}  # fmt: skip
    for algorithm, loss in (("gls", 1.0), ("ols", 0.9)):
        for condition, share in shares.items():
            k = int(random.binomial(400, share * loss))
            yield _sample(METRICS["jump.completeness"], algorithm, setting, condition, night, value=k / 400, k=k, n=400)
        k = int(random.poisson(14))
        metric = METRICS["jump.false_alarms"]
        yield _sample(metric, algorithm, setting, "all", night, value=k / 1e5, k=k, n=100_000)
    yield _sample(METRICS["jump.completeness"], "cds", setting, "significance>7", night, reason="detects no jumps")


def _fabricate_calibrations(random: np.random.Generator, setting: str, night: int) -> Iterator[Sample]:
    for family in ("gain", "read_noise"):
        for output in range(2):
            metric = METRICS[f"{family}.relative_error"]
            value = float(random.normal(0.0085 if output else 0.001, 0.002))
            yield _sample(metric, ALGORITHMS[family], setting, f"output={output}", night, value=value)
    for name, value, scatter in (
        ("dark.mean_bias", 1e-5, 4e-5),
        ("dark.chi2", 1.0, 0.004),
        ("flat.residual", 0.0017, 1e-5),
    ):
        metric = METRICS[name]
        drawn = float(random.normal(value, scatter))
        yield _sample(metric, ALGORITHMS[metric.family], setting, "", night, value=drawn)
    for name in ("DEAD", "HOT", "WARM", "LOW_QE"):
        metric = METRICS["bad_pixel.completeness"]
        k = 90 if name == "WARM" else 400
        yield _sample(metric, "class_limits", setting, f"class={name}", night, value=k / 400, k=k, n=400)


@pytest.fixture
def build_run(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a fabricated run and returns its directory."""

    def build(name: str = "run", **options: str) -> Path:
        return RunBuilder(tmp_path / name, **options).write()

    return build


@pytest.fixture
def make_row() -> Callable[..., ScoreRow]:
    """Return a function that makes a score row from what is given, with the rest empty."""
    return score_row


@pytest.fixture(scope="session")
def shared_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fabricated run, rendered once; tests only read it."""
    from iris_reports import render_report

    run = RunBuilder(tmp_path_factory.mktemp("shared") / "run").write()
    render_report(run)
    return run
