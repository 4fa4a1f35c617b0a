"""Linearity through the pipelines: a bent night of the test's own making, calibrated and corrected."""

import numpy as np
import pytest

from iris_contract import Image, Reference
from iris_contract.check import check_file
from iris_contract.dq import DQ, has
from iris_contract.errors import InputError, LayoutError, ReferenceFileError
from iris_contract.fitsio import read_header
from iris_reduction import make_reference, run_level1
from iris_reduction.datamodel import open_model
from iris_reduction.steps.linearity import LinearityStep
from iris_reduction.steps.saturation import SaturationStep

ON = {"linearity": {"skip": False}}


@pytest.fixture(scope="module")
def bent(synthetic, tmp_path_factory):
    """Raw files of a flat (480 e-/s), a science frame (420 e-/s, 80 ke-) and a faint one; 2 e-/DN, 5 % at 80 ke-."""
    folder, rng = tmp_path_factory.mktemp("bent"), np.random.default_rng(3)
    border = synthetic.region.reference_pixels(synthetic.detector)
    amplitude = rng.normal(1, 0.08, border.shape)[:, :, None, None]

    def take(name, rate, ramps, **cards):
        steps = np.diff(synthetic.long, prepend=0.0)
        charge = rng.poisson(rate * steps, (*border.shape, ramps, len(steps))).astype(float).cumsum(axis=-1)
        charge *= 1 - 0.05 * amplitude * (charge / 80_000) ** 2.5
        charge[border] = 0
        charge += 35 * rng.standard_normal((*border.shape, ramps, 1)) + 11 * rng.standard_normal(charge.shape)
        reads = np.rint(charge / 2 + 5000).astype(np.uint16)
        return synthetic.write_raw(folder / name, reads, synthetic.long, CALSHUT="OPEN", **cards)

    return {
        "flat": take("flat.fits", 480.0, 6, IMTYPE="NFF", CALLAMP="FLAT"),
        "science": take("science.fits", 420.0, 1, IMTYPE="SCI"),
        "faint": take("faint.fits", 20.0, 1, IMTYPE="SCI"),
        "off": take("off.fits", 0.0, 6, IMTYPE="NFF", CALLAMP="NONE"),
    }


@pytest.fixture(scope="module")
def made(bent, synthetic, tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    values = {"mask": {}, "gain": {"DATA": 2.0}, "readnoise": {"DATA": 11.015}}
    found = {kind: synthetic.write_reference(folder / f"{kind}.fits", kind, **v) for kind, v in values.items()}
    return found | {"linearity": make_reference("linearity", [bent["flat"]], folder)}


def test_the_reference(made, synthetic):
    assert check_file(made["linearity"]) == []
    reference = Reference.read(made["linearity"], "linearity")
    header, border = reference.header, synthetic.region.reference_pixels(synthetic.detector)
    assert 42400 < header["LINNORM"] < 43900  # the 99.9 % quantile of signals of 42440 DN in the mean
    assert (header["LINFIT"], header["NINPUTS"], header["PIPELINE"]) == ("common_shape", 6, "LinearityPipeline")
    assert (reference.content["COEFFS"][border] == 0).all()
    assert np.array_equal(has(reference.content["DQ"], "REFERENCE_PIXEL"), border)
    assert not has(reference.content["DQ"], "NONLINEAR").any()


def test_methods_can_be_chosen(bent, tmp_path):
    path = make_reference(
        "linearity", [bent["flat"]], tmp_path, parameters={"calibrate_linearity": {"method": "polynomial"}}
    )
    assert read_header(path)["LINFIT"] == "polynomial"
    assert Reference.read(path, "linearity").content["COEFFS"].shape == (64, 128, 4)
    with pytest.raises(InputError, match=r"'method'.*best"):
        make_reference("linearity", [bent["flat"]], tmp_path, parameters={"calibrate_linearity": {"method": "best"}})
    with pytest.raises(InputError, match="three reads after the first 18"):
        make_reference("linearity", [bent["flat"]], tmp_path, parameters={"calibrate_linearity": {"skip_first": 18}})


def test_level_1_is_right_where_it_was_6_percent_off(bent, made, tmp_path):
    """Rates in the mean within 0.1 % (0.01 % of photons, anchor), and chi-square that was far too large near 1."""
    off = Image.read(run_level1(bent["science"], tmp_path / "off", "ols", made))
    on = Image.read(run_level1(bent["science"], tmp_path / "on", "ols", made, ON))
    good = ~has(on.dq, "DO_NOT_USE")
    assert (off.header["S_LIN"], on.header["S_LIN"]) == ("SKIPPED", "COMPLETE")
    assert on.header["R_LINEAR"] == made["linearity"].name
    assert off.data[good].mean() / 420 - 1 < -0.04
    assert abs(on.data[good].mean() / 420 - 1) < 1e-3
    pulls = (on.data[good] - on.data[good].mean()) / on.err[good]
    assert pulls.std() == pytest.approx(1, abs=0.05)


def test_faint_ramps_stay_as_they_are(bent, made, tmp_path):
    on = Image.read(run_level1(bent["faint"], tmp_path / "on", overrides=made, parameters=ON))
    off = Image.read(run_level1(bent["faint"], tmp_path / "off", overrides=made))
    good = ~has(on.dq, "DO_NOT_USE")
    np.testing.assert_allclose(on.data[good], off.data[good], rtol=2e-4, atol=1e-3)


def test_the_step_alone(bent, made):
    """Run by itself it is not skipped; the override N/A leaves everything as it is."""
    model = LinearityStep(override_linearity=str(made["linearity"])).run(str(bent["science"]))
    assert model.header["S_LIN"] == "COMPLETE"
    assert model.reads.dtype == np.float32
    with pytest.raises(InputError, match="applied already"):
        LinearityStep(override_linearity=str(made["linearity"])).run(model)
    with pytest.raises(InputError, match="raw DN"):
        SaturationStep().run(model)
    untouched = LinearityStep(override_linearity="N/A").run(str(bent["science"]))
    assert untouched.header["S_LIN"] == "SKIPPED"
    assert untouched.reads.dtype == np.uint16
    with pytest.raises(InputError, match="skip_first=19"):
        LinearityStep(override_linearity=str(made["linearity"]), skip_first=19).run(str(bent["science"]))


def test_pixels_that_cannot_be_corrected_say_so(bent, made, synthetic, tmp_path):
    """Flagged by the reference, or with a signal that it does not cover."""
    reference = Reference.read(made["linearity"], "linearity")
    dq = reference.content["DQ"].copy()
    dq[20, 30] |= DQ["NONLINEAR"]
    Reference(reference.header | {"LINNORM": 36000.0}, reference.content | {"DQ": dq}).write(tmp_path / "low.fits")
    model = open_model(bent["science"])
    reads = model.reads.copy()
    reads = np.minimum(reads, 5000 + 36000).astype(np.uint16)
    reads[21, 31, 0, -1] = 5000 + 37500
    found = LinearityStep(override_linearity=str(tmp_path / "low.fits")).run(model.evolve(reads=reads))
    assert np.argwhere(has(found.dq, "NONLINEAR")).tolist() == [[20, 30], [21, 31]]


def test_a_reference_without_its_norm_is_refused(bent, made, tmp_path):
    reference = Reference.read(made["linearity"], "linearity")
    header = {k: v for k, v in reference.header.items() if k != "LINNORM"}
    Reference(header, reference.content).write(tmp_path / "no.fits")
    with pytest.raises(ReferenceFileError, match="LINNORM"):
        LinearityStep(override_linearity=str(tmp_path / "no.fits")).run(str(bent["science"]))
    with pytest.raises(LayoutError):
        LinearityStep(override_linearity=str(made["linearity"])).run(str(made["gain"]))


@pytest.mark.parametrize(("parameters", "low", "high"), [({}, 0.05, 1.0), (ON, -0.02, 0.02)])
def test_a_gain_needs_straight_flats(parameters, low, high, bent, made, tmp_path):
    """Up to 90 ke- the variance of bent increments is lower by 13 times the loss; sigma of an output is 0.3 %."""
    path = make_reference("gain", [bent["flat"], bent["off"]], tmp_path, overrides=made, parameters=parameters)
    gain = Reference.read(path, "gain").content["DATA"][30, [20, 100]]
    assert ((gain / 2 - 1 > low) & (gain / 2 - 1 < high)).all()
