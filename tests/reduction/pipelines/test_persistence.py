"""Afterglow through the pipelines: flat and dark make the reference, which treats what follows a star field."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from stpipe import Step

from iris_contract import Exposure, Image, Readout, Reference, Subarray, load_instrument
from iris_contract.check import check_file
from iris_contract.dq import has
from iris_contract.errors import InputError, ReferenceFileError
from iris_contract.fitsio import read_header
from iris_reduction import make_reference, run_level1
from iris_reduction.datamodel import open_model
from iris_reduction.steps.persistence import PersistenceStep
from iris_simulator import Blank, Earlier, RateImage, UniformSky, build_as_built, observe, write_exposure

REGION = Subarray(1, 1, 96, 64)
EFFECTS = ("photon_noise", "flat", "dark", "read_noise", "reset_noise", "saturation", "persistence")
BUILT = build_as_built(load_instrument().detector("IMG1"), REGION, 7)
START = datetime(2035, 1, 10, 4, tzinfo=UTC)


@pytest.fixture(scope="module")
def night(synthetic, tmp_path_factory):
    """Raw files and truth of a flat, the dark after it, a star field two hours later, and the sky after it."""
    folder = tmp_path_factory.mktemp("night")
    stars = np.full(REGION.shape, 20.0)
    stars[20:30, 30:50] = 450.0
    stars[40:44, 60:64] = 5000.0
    plan = {
        "flat": ("NFF", UniformSky(480.0), 2, 0, {"lamp": "FLAT"}),
        "dark": ("DRK", Blank(), 8, 400, {"filter": "dark"}),
        "stars": ("SCI", RateImage(stars, REGION), 1, 9000, {}),
        "sky": ("SCI", UniformSky(0.05), 1, 9200, {}),
    }
    made, past = {}, []
    for number, (role, (kind, scene, ramps, seconds, values)) in enumerate(plan.items(), 1):
        readout, start = Readout.up_the_ramp(20, 10.0, ramps), START + timedelta(seconds=seconds)
        exposure = Exposure(role, kind, "IMG1", REGION, readout, start, number, **values)
        ramp, truth = observe(scene, exposure, BUILT, seed=5, night=1, effects=EFFECTS, history=past)
        raw = folder / f"2035A-P001-001_IRIS_IMG1_{kind}_LVL0_{number:04d}-00.fits"
        write_exposure(ramp, truth, raw, folder / f"truth{number}.fits")
        made[role] = raw, truth
        past.append(Earlier(scene, exposure))
    return made


@pytest.fixture(scope="module")
def references(night, synthetic, tmp_path_factory):
    folder = tmp_path_factory.mktemp("references")
    maps = BUILT.acting(EFFECTS, REGION)
    planes = {
        "mask": {"DQ": maps.bad},
        "gain": {"DATA": maps.gain},
        "readnoise": {"DATA": np.hypot(maps.read_noise, maps.gain / 12**0.5)},
        "dark": {"DATA": maps.dark},
    }
    made = {k: synthetic.write_reference(folder / f"{k}.fits", k, REGION, **v) for k, v in planes.items()}
    files = [night["flat"][0], night["dark"][0]]
    return made | {"persist": make_reference("persist", files, folder, made)}


def test_the_reference(references):
    """What the traps give back of 91 ke- in 150 s, on which all depends, within 10 %."""
    assert check_file(references["persist"]) == []
    reference = Reference.read(references["persist"], "persist")
    header, content = reference.header, reference.content
    assert header["PERSCHRG"] == pytest.approx(91200 * np.median(BUILT.flat[BUILT.bad == 0]), rel=0.01)
    assert (header["PERSPOW"], header["PIPELINE"], header["NINPUTS"]) == (1.0, "PersistencePipeline", 10)
    assert (content["DATA"][BUILT.bad != 0].shape[-1], content["TIMES"].shape) == (2, (2,))
    border = REGION.reference_pixels(load_instrument().detector("IMG1"))
    assert (content["DATA"][border] == 0).all()
    true = BUILT.traps * np.sqrt(0.912) * -np.expm1(-150 / np.array([40.0, 400.0]))
    found = content["DATA"] * -np.expm1(-150 / content["TIMES"])
    assert found[~border].sum(axis=-1).mean() == pytest.approx(true[~border].sum(axis=-1).mean(), rel=0.1)


@pytest.fixture(scope="module")
def before(night, references, tmp_path_factory):
    return run_level1(night["stars"][0], tmp_path_factory.mktemp("before"), overrides=references)


@pytest.fixture(scope="module")
def treat(night, references, before, tmp_path_factory):
    def run(**parameters):
        chosen = {"persistence": {"skip": False, "previous": str(before), **parameters}} if parameters else {}
        out = tmp_path_factory.mktemp("out")
        return Image.read(run_level1(night["sky"][0], out, overrides=references, parameters=chosen))

    return run


def test_afterglow_is_flagged_where_it_is(treat, night):
    truth, plain, image = night["sky"][1], treat(), treat(method="flag")
    assert (plain.header["S_PERS"], image.header["S_PERS"]) == ("SKIPPED", "COMPLETE")
    assert np.array_equal(plain.data, image.data)
    flagged, good = has(image.dq, "PERSISTENCE"), ~has(image.dq, "DO_NOT_USE")
    assert not has(plain.dq, "PERSISTENCE").any()
    glows = truth.persistence > 0.05
    assert (good & glows).sum() > 100
    assert flagged[good & glows].mean() > 0.95
    assert not flagged[good & (truth.persistence < 0.01)].any()


def test_the_model_takes_it_away(treat, night):
    """Of the sum of 200 pixels less than a quarter is left; noise leaves 5 %, the reference 10 %. Errors grow too."""
    truth, plain, image = night["sky"][1], treat(), treat(method="model")
    sel = ~has(image.dq, "DO_NOT_USE") & (truth.persistence > 0.05)
    left = (image.data - (truth.rate_detected - truth.persistence))[sel].sum() / truth.persistence[sel].sum()
    undone = (plain.data - (truth.rate_detected - truth.persistence))[sel].sum() / truth.persistence[sel].sum()
    assert undone > 0.6  # a straight line sees less than the mean of what fades
    assert abs(left) < 0.25
    assert (image.err[sel] > plain.err[sel]).all()
    dark = ~sel & (truth.persistence < 1e-3)
    np.testing.assert_allclose(image.data[dark], plain.data[dark], atol=5e-3)
    border = has(image.dq, "REFERENCE_PIXEL")
    assert (image.data[border] == 0).all()


def test_the_read_variance_grows_with_the_error(night, references, before):
    rate = open_model(before).evolve({"EXPJDST": 2464703.0, "EXPJDEND": 2464703.003, "S_PERS": "SKIPPED"})
    rate = rate.evolve({"EXPJDST": read_header(before)["EXPJDEND"] + 1e-4}, var_poisson=0.25 * rate.err**2)
    rate = rate.evolve(var_read=0.75 * rate.err**2)
    step = PersistenceStep(override_persist=str(references["persist"]), previous=str(before), method="model")
    done = step.run(rate)
    np.testing.assert_allclose(done.var_poisson + done.var_read, done.err**2, rtol=1e-5)
    assert np.array_equal(done.var_poisson, rate.var_poisson)


def test_what_previous_must_be(night, references, before, tmp_path):
    def run(previous, **changes):
        step = PersistenceStep(override_persist=str(references["persist"]), previous=previous)
        return step.run(
            open_model(before).evolve({"EXPJDST": 2.5e6, "EXPJDEND": 2.5e6 + 1, "S_PERS": "SKIPPED", **changes})
        )

    assert run(f"{before}, {before}").header["S_PERS"] == "COMPLETE"
    assert PersistenceStep(override_persist="N/A").run(open_model(before)).header["S_PERS"] == "SKIPPED"
    for wrong, words in ((None, "names the earlier"), (f"{before},", "names the earlier")):
        with pytest.raises(InputError, match=words):
            run(wrong)
    with pytest.raises(InputError, match="rate image of level 1"):
        run(str(night["sky"][0]))
    with pytest.raises(InputError, match="ends after the start"):
        run(str(before), EXPJDST=2.4e6)
    with pytest.raises(InputError, match="does not cover"):
        run(open_model(before).evolve({"XSTART": 51}).save(tmp_path / "beside.fits"))
    with pytest.raises(InputError, match="not of the detector"):
        run(str(before), DETECTOR="IMG2")
    reference = Reference.read(references["persist"], "persist")
    Reference({k: v for k, v in reference.header.items() if k != "PERSPOW"}, reference.content).write(
        tmp_path / "p.fits"
    )
    with pytest.raises(ReferenceFileError, match="PERSPOW"):
        PersistenceStep(override_persist=str(tmp_path / "p.fits"), previous=str(before)).run(
            open_model(before).evolve({"EXPJDST": 2.5e6, "EXPJDEND": 2.5e6 + 1, "S_PERS": "SKIPPED"})
        )


def test_strun_takes_a_list(night, references, before, treat, tmp_path):
    """Twice the same past is that past; alone, the step is not skipped."""
    rate = run_level1(night["sky"][0], tmp_path, overrides=references)
    options = [f"--previous={before},{before}", f"--override_persist={references['persist']}", "--method=model"]
    Step.from_cmdline(["persistence", str(rate), *options, f"--output_dir={tmp_path}", "--save_results=true"])
    (saved,) = tmp_path.glob("*_persistence.fits")
    assert np.array_equal(Image.read(saved).data, treat(method="model").data)


def test_a_dark_before_the_flat_tells_nothing(night, references, tmp_path):
    overrides = {kind: path for kind, path in references.items() if kind != "persist"}
    files = [night["dark"][0], *(night[role][0] for role in ("flat",))]
    late = Exposure(
        "f", "NFF", "IMG1", REGION, Readout.up_the_ramp(20, 10.0, 1), START + timedelta(hours=1), 9, lamp="FLAT"
    )
    ramp, truth = observe(UniformSky(480.0), late, BUILT, seed=5, night=1, effects=EFFECTS)
    write_exposure(ramp, truth, tmp_path / "late.fits", tmp_path / "truth.fits")
    with pytest.raises(InputError, match="no dark follows"):
        make_reference("persist", [files[0], tmp_path / "late.fits"], tmp_path, overrides)
