"""Every Step and Pipeline: registration, options, references, status, errors."""

import pickle
from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest
from stpipe import Pipeline
from stpipe.exceptions import StpipeExitException

from iris_contract import Ramp, Reference
from iris_contract.dq import has
from iris_contract.errors import InputError, LayoutError, ReferenceFileError
from iris_reduction.datamodel import ReferenceModel, open_model
from iris_reduction.ramp import RAMP_FITTERS
from iris_reduction.steps import get_steps
from iris_reduction.steps.dark import DarkStep
from iris_reduction.steps.flat import FlatStep
from iris_reduction.steps.mask import MaskStep
from iris_reduction.steps.ramp_fit import RampFitStep
from iris_reduction.steps.reference_pixel import ReferencePixelStep
from iris_reduction.steps.saturation import SaturationStep
from iris_reduction.steps.snowball import SnowballStep


@pytest.fixture
def no_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("CRDS_PATH", str(tmp_path / "nowhere"))
    monkeypatch.delenv("CRDS_SERVER_URL", raising=False)


@pytest.fixture
def planes(synthetic, tmp_path):
    """Write a reference with constant planes."""

    def write(kind, **values):
        return str(synthetic.write_reference(tmp_path / f"{kind}.fits", kind, **values))

    return write


def find_class(path):
    module, _, name = path.rpartition(".")
    return getattr(import_module(module), name)


@pytest.mark.parametrize(("path", "alias", "is_pipeline"), get_steps(), ids=[alias for _, alias, _ in get_steps()])
def test_the_table_of_steps_agrees_with_the_classes(path, alias, is_pipeline):
    found = find_class(path)
    assert found.class_alias == alias
    assert issubclass(found, Pipeline) == is_pipeline
    assert found.__doc__
    assert found.load_spec_file()  # the options parse


def test_every_step_class_is_in_the_table():
    from iris_reduction.steps.step import IrisStep

    def descend(cls):
        return {cls}.union(*(descend(sub) for sub in cls.__subclasses__()))

    listed = {find_class(path) for path, _, _ in get_steps()}
    own = {c for c in descend(IrisStep) if c.__module__.startswith("iris_reduction") and c.class_alias}
    assert own == listed


def test_fitters_offered_are_those_of_the_family():
    assert RampFitStep.load_spec_file()["fitter"].startswith("option(" + ", ".join(f"'{n}'" for n in RAMP_FITTERS))
    assert RampFitStep().fitter == "gls"


def test_mask_step(night, planes):
    dq = np.zeros((64, 128), np.uint32)
    dq[20, 30] = 2048
    model = MaskStep(override_mask=planes("mask", DQ=dq)).run(str(night.raw["science"]))
    assert np.argwhere(has(model.dq, "HOT")).tolist() == [[20, 30]]
    assert has(model.dq, "DO_NOT_USE")[20, 30]
    assert (model.header["S_DQ"], model.header["S_BPM"], model.header["R_MASK"]) == (
        "COMPLETE",
        "COMPLETE",
        "mask.fits",
    )
    assert "CRDS_CTX" not in model.header


def test_na_skips_only_where_that_makes_sense(night, planes):
    model = MaskStep(override_mask="N/A").run(str(night.raw["science"]))
    assert (model.header["S_BPM"], model.header["R_MASK"]) == ("SKIPPED", "N/A")
    assert np.array_equal(model.dq != 0, model.region.reference_pixels(model.detector))
    step = RampFitStep(override_gain="N/A", override_readnoise=planes("readnoise", DATA=11))
    with pytest.raises(ReferenceFileError, match="override_gain='N/A'"):
        step.run(model)


def test_a_guide_window_is_not_used(night, synthetic, tmp_path):
    ramp = Ramp.read(night.raw["science"])
    cards = {"ODGWXSTA": 41, "ODGWYSTA": 11, "ODGWXSIZ": 8, "ODGWYSIZ": 6, "ODGWINTV": 0.1}
    replace(ramp, header=ramp.header | cards).write(tmp_path / "guided.fits")
    model = MaskStep(override_mask="N/A").run(str(tmp_path / "guided.fits"))
    light = ~model.region.reference_pixels(model.detector)
    window = np.zeros((64, 128), bool)
    window[10:16, 40:48] = True
    assert np.array_equal(has(model.dq, "DO_NOT_USE") & light, window)
    assert np.array_equal(has(model.dq, "NON_SCIENCE") & light, window)
    replace(ramp, header=ramp.header | cards | {"ODGWXSTA": 125}).write(tmp_path / "outside.fits")
    with pytest.raises(InputError, match="does not cover"):
        MaskStep(override_mask="N/A").run(str(tmp_path / "outside.fits"))


def test_saturation_is_judged_on_raw_data(night, planes):
    model = SaturationStep(level=6000.0).run(str(night.raw["high"]))
    assert model.header["S_SAT"] == "COMPLETE"
    assert np.array_equal(model.read_dq != 0, np.logical_or.accumulate(model.reads >= 6000, axis=-1))
    assert SaturationStep().run(str(night.raw["science"])).read_dq is None
    corrected = ReferencePixelStep().run(str(night.raw["high"]))
    with pytest.raises(InputError, match="before reference subtraction"):
        SaturationStep().run(corrected)


def test_reference_pixel_step(night, synthetic, tmp_path):
    model = ReferencePixelStep().run(str(night.raw["science"]))
    assert model.reads.dtype == np.float32
    assert model.header["S_REF"] == "COMPLETE"
    with pytest.raises(InputError, match="applied already"):
        ReferencePixelStep().run(model)
    inner = synthetic.write_raw(
        tmp_path / "inner.fits", np.zeros((64, 128, 1, 2), np.uint16), [0.0, 5.0], XSTART=65, YSTART=65
    )
    untouched = ReferencePixelStep().run(str(inner))
    assert untouched.header["S_REF"] == "SKIPPED"
    assert untouched.reads.dtype == np.uint16


def test_snowballs_are_flagged_for_the_ramp_fit(night, planes, synthetic, tmp_path):
    """A halo of charge too weak for a test of single pixels spoils rates, unless it is left out."""
    references = {"override_gain": planes("gain", DATA=2.0), "override_readnoise": planes("readnoise", DATA=11.0)}
    model = open_model(str(night.raw["science"])).evolve({"S_LIN": "COMPLETE"})
    distance = np.hypot(np.arange(64)[:, None] - 30, np.arange(128) - 50) / 4
    charge = np.where(distance <= 4, 1000 / np.maximum(distance, 1) ** 3, 0)  # DN
    reads = model.reads.copy()
    reads[:, :, 0, 9:] += np.rint(charge).astype(np.uint16)[:, :, None]
    hit = model.evolve(reads=reads)
    flagged = SnowballStep(**references).run(hit)
    assert {key: flagged.header[key] for key in ("S_SNOW", "SNOWMETH", "NSNOW", "R_GAIN", "R_READNO")} == {
        "S_SNOW": "COMPLETE",
        "SNOWMETH": "grow",
        "NSNOW": 1,
        "R_GAIN": "gain.fits",
        "R_READNO": "readnoise.fits",
    }
    y, x, group, read = np.nonzero(flagged.read_dq)
    assert set(zip(group.tolist(), read.tolist(), strict=True)) == {(0, 9)}
    assert flagged.read_dq[(distance < 3.9) & ~has(model.dq, "REFERENCE_PIXEL")][:, 0, 9].all()
    halo = (distance > 2.5) & (distance < 4) & ~has(model.dq, "DO_NOT_USE")
    clean, before, after = (RampFitStep(**references).run(m) for m in (model, hit, flagged))
    assert has(after.dq, "JUMP_DET")[y, x].all()
    pulls = [((fit.data - clean.data)[halo] / clean.err[halo]).mean() for fit in (before, after)]
    assert pulls[0] > 0.2
    assert abs(pulls[1]) < 0.05
    none = SnowballStep(method="none", **references).run(hit)
    assert (none.read_dq is None, none.header["NSNOW"]) == (True, 0)
    with pytest.raises(InputError, match="skip_first=19"):
        SnowballStep(skip_first=19, **references).run(hit)


@pytest.mark.parametrize("status", [None, "SKIPPED"])
def test_snowballs_are_not_searched_for_where_bright_light_bends(planes, synthetic, tmp_path, status):
    """1000 e-/s that loses 10 % by the end of the ramp: every pixel would be flagged, so the Step refuses."""
    signal = 1000 * 5.0 * np.arange(20) / 2  # DN
    dn = np.broadcast_to(5000 + signal * (1 - 0.1 * signal / signal[-1]), (64, 128, 1, 20))
    noise = np.random.default_rng(1).normal(scale=5.5, size=dn.shape)
    raw = synthetic.write_raw(tmp_path / "bright.fits", np.rint(dn + noise).astype(np.uint16), 5.0 * np.arange(20))
    references = {"override_gain": planes("gain", DATA=2.0), "override_readnoise": planes("readnoise", DATA=11.0)}
    model = open_model(str(raw))
    bent = model if status is None else model.evolve({"S_LIN": status})
    with pytest.raises(InputError, match=rf"bright\.fits: S_LIN={status!r}: .* nonlinear=True"):
        SnowballStep(**references).run(bent)
    flagged = SnowballStep(nonlinear=True, **references).run(bent)
    assert has(flagged.read_dq, "JUMP_DET").any(axis=(2, 3)).mean() > 0.9


@pytest.mark.parametrize("fitter", RAMP_FITTERS)
def test_ramp_fit_step(night, planes, fitter):
    step = RampFitStep(
        override_gain=planes("gain", DATA=2.0), override_readnoise=planes("readnoise", DATA=11.0), fitter=fitter
    )
    model = step.run(str(night.raw["science"]))
    border = has(model.dq, "REFERENCE_PIXEL")
    assert np.isfinite(model.data).all()
    assert np.isfinite(model.err).all()
    assert (model.data[border] == 0).all()
    assert has(model.dq, "DO_NOT_USE")[border].all()
    assert np.median(model.data[~border]) == pytest.approx(40, rel=0.05)
    assert (model.header["RAMPFIT"], model.header["DATAMODL"], model.header["DATALVL"]) == (fitter, "RateModel", 1)
    assert (model.header["R_GAIN"], model.header["R_READNO"]) == ("gain.fits", "readnoise.fits")


@pytest.mark.parametrize("fitter", ["ols", "gls"])
def test_first_reads_that_still_settle_are_left_out(night, planes, fitter):
    """A first read that is 30 DN off biases the rate; without it the rate is that of the other reads."""
    references = {"override_gain": planes("gain", DATA=2.0), "override_readnoise": planes("readnoise", DATA=11.0)}
    model = open_model(str(night.raw["science"]))
    spoilt = model.reads.copy()
    spoilt[..., 0] += np.uint16(30)
    spoilt = model.evolve(reads=spoilt)
    rest = model.evolve(reads=model.reads[..., 1:].copy(), times=model.times[:, 1:])
    expected = RampFitStep(**references, fitter=fitter).run(rest)
    found = RampFitStep(**references, fitter=fitter, skip_first=1).run(spoilt)
    np.testing.assert_array_equal(found.data, expected.data)
    assert np.any(RampFitStep(**references, fitter=fitter).run(spoilt).data != expected.data)
    if expected.jumps is not None:
        np.testing.assert_array_equal(found.jumps["READ"], expected.jumps["READ"] + 1)
    with pytest.raises(InputError, match="leaves fewer than two reads"):
        RampFitStep(**references, skip_first=99).run(model)


def drop_column(table):
    return table[["Y", "X", "GROUP", "READ"]]


def move_read(table):
    table["READ"] = 999
    return table


def lose_amplitude(table):
    table["AMPLITUDE"] = np.nan
    return table


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (drop_column, "wants a table of"),
        (move_read, "READ in 999..999, where RampFitter wants 0..4"),
        (lose_amplitude, "AMPLITUDE that is not finite"),
        (lambda table: table.tolist(), "jumps as list, where RampFitter wants a table of"),
        (lambda table: table[:, np.newaxis], "wants a table of"),
    ],
)
def test_a_plugin_with_broken_jumps_is_named(monkeypatch, spoil, said):
    """As an error of its own, not of the files: it must not stop the other algorithms."""
    from iris_reduction.ramp import JUMP_COLUMNS, RAMP_FAMILY, RampFit
    from iris_reduction.ramp.plugins import Family
    from iris_reduction.steps import ramp_fit

    table = np.ones(1, JUMP_COLUMNS)
    plane = np.ones((4, 4), np.float32)

    def fit(reads, times, **_):
        return RampFit(plane, plane, np.zeros((4, 4), np.uint32), plane, jumps)

    monkeypatch.setattr(Family, "load", lambda self: {**RAMP_FAMILY.built_in, "mine": fit})
    reads = np.zeros((4, 4, 2, 5), np.uint16)
    jumps = table.copy()
    assert ramp_fit.run_fitter("mine", reads, None, {}).jumps is jumps
    jumps = spoil(table)
    with pytest.raises(RuntimeError, match="ramp fitter mine returned jumps") as caught:
        ramp_fit.run_fitter("mine", reads, None, {})
    assert said in str(caught.value)


def test_pixels_without_a_fit_are_zero_and_flagged(night, planes):
    model = open_model(night.raw["science"])
    flags = np.zeros(model.reads.shape, np.uint8)
    flags[20, 20] = 2
    step = RampFitStep(override_gain=planes("gain", DATA=2.0), override_readnoise=planes("readnoise", DATA=11.0))
    image = step.run(model.evolve(read_dq=flags))
    assert (image.data[20, 20], image.err[20, 20], image.chi2[20, 20]) == (0, 0, 0)
    assert has(image.dq, "DO_NOT_USE")[20, 20]
    assert has(image.dq, "SATURATED")[20, 20]
    assert not has(image.dq, "DO_NOT_USE")[21, 21]


@pytest.fixture
def rate(night, planes):
    step = RampFitStep(override_gain=planes("gain", DATA=2.0), override_readnoise=planes("readnoise", DATA=11.0))
    return step.run(str(night.raw["science"]))


def test_dark_step(rate, planes):
    dq = np.zeros((64, 128), np.uint32)
    dq[20, 20] = 1 << 23
    model = DarkStep(override_dark=planes("dark", DATA=1.5, ERR=0.25, DQ=dq)).run(rate)
    inside = ~has(rate.dq, "REFERENCE_PIXEL")
    assert np.allclose(model.data[inside], rate.data[inside] - 1.5, atol=1e-5)
    assert np.allclose(model.err[inside], np.hypot(rate.err, 0.25)[inside])
    assert (model.data[~inside] == 0).all()
    assert has(model.dq, "UNRELIABLE_DARK")[20, 20]
    assert DarkStep(override_dark="N/A").run(rate).header["S_DARK"] == "SKIPPED"


def test_flat_step(rate, planes):
    response = np.full((64, 128), 2.0)
    response[20, 20] = 0
    model = FlatStep(override_flat=planes("flat", DATA=response, ERR=0.1)).run(rate)
    inside = ~has(rate.dq, "REFERENCE_PIXEL")
    inside[20, 20] = False
    assert np.allclose(model.data[inside], rate.data[inside] / 2)
    assert np.allclose(model.err[inside], np.hypot(rate.err / 2, rate.data / 2 * 0.1 / 2)[inside], rtol=1e-5)
    assert model.data[20, 20] == rate.data[20, 20]
    assert has(model.dq, "DO_NOT_USE")[20, 20]
    assert FlatStep(override_flat="N/A").run(rate).header["S_FLAT"] == "SKIPPED"


def test_a_reference_in_memory_is_cut_to_the_data(rate, synthetic):
    from iris_contract import Subarray

    cover = Subarray(1, 1, 256, 100)
    whole = np.arange(256 * 100, dtype=np.float32).reshape(100, 256)
    header = synthetic.make_header("reference", cover, DATAMODL="DarkModel", REFTYPE="dark")
    content = {"DATA": whole, "ERR": 0 * whole, "DQ": np.zeros((100, 256), np.uint32)}
    given = ReferenceModel(header, "memory", Reference(header, content))
    model = DarkStep(override_dark=given).run(rate)
    assert rate.data[30, 40] - model.data[30, 40] == pytest.approx(whole[30, 40], rel=1e-4)
    assert model.header["R_DARK"] == "override://memory"
    small = ReferenceModel(header | {"XSIZE": 64}, "memory", given.reference)
    with pytest.raises(ReferenceFileError, match="covers"):
        DarkStep(override_dark=small).run(rate)
    with pytest.raises(ReferenceFileError, match="REFTYPE='dark'"):
        FlatStep(override_flat=given).run(rate)


@pytest.mark.parametrize("step", [MaskStep, RampFitStep, DarkStep, FlatStep])
def test_a_missing_reference_is_an_error_naming_kind_and_file(step, night, rate, no_cache):
    model = rate if step in (DarkStep, FlatStep) else str(night.raw["science"])
    with pytest.raises(ReferenceFileError) as caught:
        step().run(model)
    text = str(caught.value)
    assert f"override_{step.reference_file_types[0]}" in text
    assert night.raw["science"].name in text
    assert len(text.splitlines()) == 1


def test_an_override_that_is_no_file(night):
    with pytest.raises(ReferenceFileError, match=r"DETECTOR=IMG1, DATE-OBS=2035-01-10.*absent\.fits"):
        MaskStep(override_mask="absent.fits").run(str(night.raw["science"]))


def test_an_override_of_another_kind_or_region(night, planes, synthetic, tmp_path):
    from iris_contract import Subarray

    with pytest.raises(ReferenceFileError, match="REFTYPE='gain'"):
        MaskStep(override_mask=planes("gain")).run(str(night.raw["science"]))
    small = synthetic.write_reference(tmp_path / "small.fits", "mask", Subarray(1, 1, 64, 64))
    with pytest.raises(ReferenceFileError, match="covers"):
        MaskStep(override_mask=str(small)).run(str(night.raw["science"]))


def test_wrong_level_and_errors_that_travel(rate, night):
    with pytest.raises(LayoutError, match="takes RampModel") as caught:
        MaskStep(override_mask="N/A").run(rate)
    assert isinstance(caught.value, StpipeExitException)  # strun ends without a traceback
    assert caught.value.exit_status == 2
    copy = pickle.loads(pickle.dumps(caught.value))
    assert type(copy) is LayoutError
    assert str(copy) == str(caught.value)


def test_an_unknown_fitter_is_named(night, planes):
    step = RampFitStep(override_gain=planes("gain"), override_readnoise=planes("readnoise"))
    step.fitter = "best"
    with pytest.raises(InputError, match=r"fitter.*best"):
        step.run(str(night.raw["science"]))


def test_a_step_that_is_skipped_says_so(rate):
    from iris_reduction.pipelines.level2 import Level2Pipeline

    pipeline = Level2Pipeline(steps={"dark": {"skip": True}, "flat": {"override_flat": "N/A"}})
    image = pipeline.run(rate)
    assert (image.header["S_DARK"], image.header["S_FLAT"]) == ("SKIPPED", "SKIPPED")
