"""Saturation levels through the pipelines, with wells, nonlinearity and coupling of the simulator."""

from datetime import UTC, datetime

import numpy as np
import pytest

from iris_contract import Exposure, Image, Readout, Reference, Subarray, load_instrument
from iris_contract.check import check_file
from iris_contract.dq import has
from iris_contract.errors import InputError, ReferenceFileError
from iris_reduction import make_reference, run_level1
from iris_reduction.steps.saturation import SaturationStep
from iris_simulator import EFFECTS, RateImage, UniformSky, build_as_built, observe, write_exposure

REGION = Subarray(1, 1, 96, 64)
BUILT = build_as_built(load_instrument().detector("IMG1"), REGION, 7)


@pytest.fixture(scope="module")
def take(tmp_path_factory):
    folder = tmp_path_factory.mktemp("full")

    def shoot(number, scene, ramps=1, **values):
        readout, start = Readout.up_the_ramp(20, 10.0, ramps), datetime(2035, 1, 10, 4, number, tzinfo=UTC)
        exposure = Exposure("x", "NFF", "IMG1", REGION, readout, start, number, **values)
        ramp, truth = observe(scene, exposure, BUILT, seed=5, night=1, effects=EFFECTS)
        raw = folder / f"2035A-P001-001_IRIS_IMG1_NFF_LVL0_{number:04d}-00.fits"
        write_exposure(ramp, truth, raw, folder / f"truth{number}.fits")
        return raw, truth

    return shoot


@pytest.fixture(scope="module")
def levels(take, tmp_path_factory):
    raw, _ = take(1, UniformSky(1000.0), ramps=5, lamp="FLAT")
    return make_reference("saturation", [raw], tmp_path_factory.mktemp("made"))


def test_the_reference(levels):
    assert check_file(levels) == []
    content = Reference.read(levels, "saturation").content
    border = has(content["DQ"], "REFERENCE_PIXEL")
    assert (content["DATA"][border] == 65535).all()
    good = BUILT.bad == 0
    assert not has(content["DQ"], "DO_NOT_USE")[good].any()
    shown = 0.91 * BUILT.well / BUILT.gain + BUILT.offset  # a well of 100 ke- loses 9 % of its signal
    ratio = (content["DATA"] / shown)[good & ~border]
    assert np.median(ratio) == pytest.approx(0.98, abs=0.02)  # deeper ones more
    assert (np.abs(ratio - 0.98) < 0.06).all()


@pytest.fixture(scope="module")
def stars(take):
    """Steep stars up to 20 times what fills a well in 190 s, on a faint sky."""
    rng, (y, x) = np.random.default_rng(4), np.mgrid[:64, :96]
    rate = np.full((64, 96), 20.0)
    for _ in range(60):
        distance2 = (y - rng.uniform(6, 58)) ** 2 + (x - rng.uniform(6, 90)) ** 2
        rate += 10 ** rng.uniform(2.3, 4.0) * np.exp(-distance2 / 2)
    return take(2, RateImage(rate, REGION))


@pytest.mark.parametrize("scene", ["stars", "even"])
def test_completeness_is_near_one(take, levels, stars, scene):
    """Of good pixels full in truth hardly one is missed; of those below 90 % of the well none is flagged."""
    raw, truth = stars if scene == "stars" else take(3, UniformSky(535.0))
    good, full = BUILT.bad == 0, has(truth.cause, "SATURATED")
    model = SaturationStep(override_saturation=str(levels)).run(str(raw))
    flagged = has(model.read_dq, "SATURATED").any(axis=(2, 3))
    assert np.count_nonzero(full & good) > 300
    assert (full & good & ~flagged).sum() <= 0.002 * (full & good).sum()
    low = truth.rate_detected * 190 < 0.9 * BUILT.well
    assert not (flagged & good & low).any()
    assert model.header["R_SATURA"] == levels.name


def test_one_level_for_all_misses_many(stars):
    """What the reference is for: nonlinear wells fill below the design's level."""
    raw, truth = stars
    model = SaturationStep().run(str(raw))
    flagged, full = has(model.read_dq, "SATURATED").any(axis=(2, 3)), has(truth.cause, "SATURATED")
    assert (full & flagged).sum() < 0.8 * full.sum()
    assert "R_SATURA" not in model.header


def test_when_the_reference_is_used(stars, levels, tmp_path, monkeypatch):
    raw, _ = stars
    whole = SaturationStep(override_saturation=str(levels)).run(str(raw)).read_dq
    alone = SaturationStep(override_saturation=str(levels), grow=0).run(str(raw)).read_dq
    assert np.array_equal(whole & 2, alone)
    assert (whole & 1).sum() > 0
    given = SaturationStep(override_saturation=str(levels), level=52000.0).run(str(raw))
    assert np.array_equal(given.read_dq, SaturationStep(level=52000.0).run(str(raw)).read_dq)
    monkeypatch.setenv("CRDS_PATH", str(tmp_path / "nowhere"))
    monkeypatch.delenv("CRDS_SERVER_URL", raising=False)
    with pytest.raises(ReferenceFileError, match="override_saturation"):
        SaturationStep(per_pixel=True).run(str(raw))


def test_level_1_takes_it_as_an_override(stars, levels, synthetic, tmp_path):
    raw, truth = stars
    values = {"mask": {}, "gain": {"DATA": 2.0}, "readnoise": {"DATA": 11.0}}
    made = {k: synthetic.write_reference(tmp_path / f"{k}.fits", k, REGION, **v) for k, v in values.items()}
    image = Image.read(run_level1(raw, tmp_path, overrides=made | {"saturation": levels}))
    flagged, full = has(image.dq, "SATURATED"), has(truth.cause, "SATURATED")
    assert (full & ~flagged & (BUILT.bad == 0)).sum() == 0


def test_faint_flats_are_refused(take, tmp_path):
    raw, _ = take(4, UniformSky(100.0), ramps=2, lamp="FLAT")
    with pytest.raises(InputError, match="brighter or longer flats"):
        make_reference("saturation", [raw], tmp_path)
