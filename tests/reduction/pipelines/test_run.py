"""Pipelines end to end on a small region, with the night's own references."""

import json
import shutil

import numpy as np
import pytest
from astropy.io import fits

from iris_contract import Image, Ramp, Reference, Subarray
from iris_contract.check import check_file
from iris_contract.dq import has
from iris_contract.errors import InputError, LayoutError, ReferenceFileError, RunDirectoryError
from iris_contract.fitsio import read_header
from iris_reduction import make_reference, run_level1, run_level2
from iris_reduction.pipelines.flat import FlatPipeline
from iris_reduction.pipelines.imager import ImagerPipeline


def test_references_conform_and_tell_where_they_come_from(references, night):
    inputs = {"gain": 30, "readnoise": 10, "mask": 30, "dark": 10, "flat": 30}
    for kind, path in references.items():
        assert check_file(path) == []
        header = read_header(path)
        assert header["NINPUTS"] == inputs[kind]
        assert header["PEDIGREE"] == "SIMULATION"
        assert header["NOTTREAT"]
        assert header["PIPELINE"] == f"{kind.capitalize()}Pipeline"
        assert header["INPUT001"] in {raw.name for raw in night.raw.values()}
    assert read_header(references["dark"])["USEAFTER"] == "2035-01-10T00:00:00"
    assert read_header(references["flat"])["R_MASK"] == references["mask"].name
    assert read_header(references["readnoise"])["R_GAIN"] == references["gain"].name
    assert references["flat"].name == "IRIS_IMG1_FLAT_H_20350110T044000.fits"


def test_gain(references, night):
    """Two outputs, 3600 pixels each: within 5.3 errors (false alarm 2e-7)."""
    gain = Reference.read(references["gain"], "gain").content
    for column in (10, 100):
        assert abs(gain["DATA"][20, column] - night.gain[20, column]) < 5.3 * gain["ERR"][20, column]
    assert (gain["ERR"] / gain["DATA"]).max() < 0.004


def test_read_noise(references, night):
    noise = Reference.read(references["readnoise"], "readnoise").content["DATA"]
    good = np.ones(noise.shape, bool)
    good[tuple(zip(*night.classes["BAD_REF_PIXEL"], strict=True))] = False
    assert np.median(noise[good]) == pytest.approx(np.hypot(11, 2 / 12**0.5), rel=0.01)


def test_mask_finds_all_and_nothing_else(references, night):
    dq = Reference.read(references["mask"], "mask").content["DQ"]
    for name, pixels in night.classes.items():
        assert sorted(map(tuple, np.argwhere(has(dq, name)).tolist())) == pixels
    assert has(dq, "DO_NOT_USE").sum() == sum(len(night.classes[n]) for n in ("HOT", "DEAD", "BAD_REF_PIXEL"))


def test_dark(references, night):
    """Mean within 5 sigma (6e-7); chi-square per pixel within 10 % (sampling 1.6 %)."""
    dark = Reference.read(references["dark"], "dark").content
    good = ~has(dark["DQ"], "DO_NOT_USE")
    residual, error = (dark["DATA"] - night.dark)[good], dark["ERR"][good]
    assert abs(residual.mean()) < 5 * residual.std() / np.sqrt(residual.size)
    assert np.mean((residual / error) ** 2) == pytest.approx(1, abs=0.1)
    border = has(dark["DQ"], "REFERENCE_PIXEL")
    assert (dark["DATA"][border] == 0).all()


def test_flat(references, night):
    """Per output, whose gain error is common: relative rms below 0.2 %, chi-square within 10 % (sampling 2 %)."""
    flat = Reference.read(references["flat"], "flat").content
    good = ~has(flat["DQ"], "DO_NOT_USE", "LOW_QE")
    assert np.median(flat["DATA"][good]) == pytest.approx(1, abs=1e-3)
    for half in (slice(0, 64), slice(64, 128)):
        ok = good[:, half]
        ratio = flat["DATA"][:, half][ok] / night.flat[:, half][ok]
        ratio /= ratio.mean()
        assert ratio.std() < 0.002
        pulls = (ratio - 1) / (flat["ERR"] / flat["DATA"])[:, half][ok]
        assert np.mean(pulls**2) == pytest.approx(1, abs=0.1)


@pytest.fixture(scope="module")
def products(night, references, tmp_path_factory):
    out = tmp_path_factory.mktemp("products")
    rate = run_level1(night.raw["science"], out, overrides=references)
    return rate, run_level2(rate, out, overrides=references)


def test_products_conform_and_are_right(products, night, references):
    """Level 2 is 40 e-/s on good pixels: mean within 0.5 % (gain), pull width within 5 %."""
    rate, image = products
    assert check_file(rate) == []
    assert check_file(image) == []
    assert rate.name == night.raw["science"].name.replace("LVL0", "LVL1")
    assert image.name == night.raw["science"].name.replace("LVL0", "LVL2")
    found = Image.read(image)
    good = ~has(found.dq, "DO_NOT_USE", "WARM", "LOW_QE", "JUMP_DET")
    assert found.data[good].mean() == pytest.approx(40, rel=0.005)
    pulls = (found.data[good] - found.data[good].mean()) / found.err[good]
    assert pulls.std() == pytest.approx(1, abs=0.05)
    warm = night.classes["WARM"][0]
    assert found.data[warm] == pytest.approx(40, abs=5 * float(found.err[warm]))
    assert not has(found.dq, "DO_NOT_USE")[warm]
    assert has(found.dq, "DO_NOT_USE")[night.classes["HOT"][0]]
    assert np.isfinite(found.data).all()


def test_provenance_of_products(products, references):
    header = read_header(products[1])
    for kind, keyword in (("mask", "R_MASK"), ("gain", "R_GAIN"), ("dark", "R_DARK"), ("flat", "R_FLAT")):
        assert header[keyword] == references[kind].name
    for status in ("S_DQ", "S_BPM", "S_SAT", "S_REF", "S_RAMP", "S_DARK", "S_FLAT"):
        assert header[status] == "COMPLETE"
    assert header["RAMPFIT"] == "gls"


def test_reruns_are_byte_identical_wherever_they_run(products, night, references, tmp_path):
    moved = {kind: shutil.copy(path, tmp_path / path.name) for kind, path in references.items()}
    raw = shutil.copy(night.raw["science"], tmp_path)
    rate = run_level1(raw, tmp_path / "new" / "folder", overrides=moved)
    assert rate.read_bytes() == products[0].read_bytes()
    assert run_level2(rate, tmp_path, overrides=moved).read_bytes() == products[1].read_bytes()
    again = make_reference("dark", night.flats("dark"), tmp_path / "again", overrides=references)
    assert again.read_bytes() == references["dark"].read_bytes()


def test_imager_is_both_levels_in_one(products, night, references):
    pipeline = ImagerPipeline()
    for name in pipeline.step_defs:
        step = getattr(pipeline, name)
        for kind in references.keys() & set(step.reference_file_types):
            setattr(step, f"override_{kind}", str(references[kind]))
    image, expected = pipeline.run(str(night.raw["science"])), Image.read(products[1])
    assert np.array_equal(image.data, expected.data)
    assert np.array_equal(image.err, expected.err)
    assert np.array_equal(image.dq, expected.dq)


def test_a_smaller_region_uses_larger_references(night, references, tmp_path):
    ramp = Ramp.read(night.raw["science"])
    header = ramp.header | {"XSTART": 65, "XSIZE": 64, "YSIZE": 40}
    Ramp(header, np.ascontiguousarray(ramp.reads[:40, 64:]), ramp.times).write(tmp_path / "part_LVL0_1.fits")
    part = Image.read(run_level1(tmp_path / "part_LVL0_1.fits", tmp_path, overrides=references))
    whole = Image.read(run_level1(night.raw["science"], tmp_path, overrides=references))
    cut = Subarray(65, 1, 64, 40).cut_from(Subarray(1, 1, 128, 64))
    assert np.array_equal(part.dq & ~np.uint32(4), whole.dq[cut] & ~np.uint32(4))
    assert np.abs(part.data - whole.data[cut]).max() < 0.2  # reference levels of fewer outputs are shrunk otherwise


def test_sets_run_like_lists(night, references, tmp_path):
    content = {
        "schema": "iris-testbed/set/1",
        "kind": "flat",
        "files": [str(f) for f in night.flats("off", "low", "high")],
    }
    (tmp_path / "flats.json").write_text(json.dumps(content), "utf-8")
    pipeline = FlatPipeline()
    for kind, step in (("mask", "mask"), ("gain", "ramp_fit"), ("readnoise", "ramp_fit")):
        setattr(getattr(pipeline, step), f"override_{kind}", str(references[kind]))
    flat = pipeline.run(str(tmp_path / "flats.json"))
    assert np.array_equal(flat.reference.content["DATA"], Reference.read(references["flat"], "flat").content["DATA"])
    (tmp_path / "flats.json").write_text(json.dumps(content | {"kind": "dark", "files": content["files"][:1]}), "utf-8")
    with pytest.raises(InputError, match="kind='dark'"):
        pipeline.run(str(tmp_path / "flats.json"))


# --- bad input: one clear line, nothing half-written ------------------------------------------------


def spoil(raw, path, how):
    """Write a broken version of a raw file."""
    if how == "truncated":
        path.write_bytes(raw.read_bytes()[:30000])
        return path
    with fits.open(raw) as hdus:
        if how == "no TIMES":
            del hdus["TIMES"]
        elif how == "float32":
            hdus["DATA"] = fits.ImageHDU(hdus["DATA"].data.astype(np.float32), name="DATA")
        elif how == "shape":
            hdus["DATA"] = fits.ImageHDU(np.ascontiguousarray(hdus["DATA"].data[:10]), name="DATA")
        elif how == "times":
            hdus["TIMES"].data[0, 3] = np.nan
        elif how.startswith("no "):
            del hdus[0].header[how[3:]]
        hdus.writeto(path)
    return path


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("truncated", "truncated"),
        ("no TIMES", "TIMES"),
        ("float32", "uint16"),
        ("shape", "YSIZE"),
        ("times", "TIMES"),
        ("no DETECTOR", "DETECTOR"),
        ("no XSTART", "XSTART"),
        ("no DATE-OBS", "DATE-OBS"),
        ("no DATAMODL", "DATAMODL"),
    ],
)
def test_broken_raw_files(night, references, tmp_path, how, told):
    path = spoil(night.raw["science"], tmp_path / "broken.fits", how)
    with pytest.raises(LayoutError) as caught:
        run_level1(path, tmp_path / "out", overrides=references)
    assert told in str(caught.value)
    assert "broken.fits" in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_missing_things(night, references, tmp_path, monkeypatch):
    monkeypatch.setenv("CRDS_PATH", str(tmp_path / "nowhere"))
    monkeypatch.delenv("CRDS_SERVER_URL", raising=False)
    with pytest.raises(LayoutError, match="no such file"):
        run_level1(tmp_path / "absent.fits", tmp_path)
    with pytest.raises(ReferenceFileError, match="no CRDS cache to take the mask"):
        run_level1(night.raw["science"], tmp_path)
    with pytest.raises(ReferenceFileError, match="no CRDS cache to take the gain"):
        make_reference("readnoise", night.flats("dark"), tmp_path)
    with pytest.raises(InputError, match=r"kind='rectmat'.*gain"):
        make_reference("rectmat", night.flats("dark"), tmp_path)
    with pytest.raises(InputError, match="has no flat_on"):
        make_reference("flat", night.flats("off"), tmp_path, overrides=references)
    with pytest.raises(InputError, match="lists no files"):
        make_reference("flat", [], tmp_path)
    with pytest.raises(InputError, match=r"fitter='best'.*gls"):
        run_level1(night.raw["science"], tmp_path, fitter="best", overrides=references)
    with pytest.raises(InputError, match="photon transfer"):
        make_reference("gain", night.flats("high"), tmp_path)


def test_nothing_is_written_where_a_file_is_in_the_way(night, references, tmp_path):
    (tmp_path / "out").write_text("", "utf-8")
    with pytest.raises(RunDirectoryError, match="out"):
        run_level1(night.raw["science"], tmp_path / "out", overrides=references)


def test_level_two_refuses_raw_files_and_its_own(night, products, references, tmp_path):
    with pytest.raises(LayoutError, match="takes ImageModel"):
        run_level2(night.raw["science"], tmp_path, overrides=references)
    with pytest.raises(InputError, match="S_DARK='COMPLETE'"):
        run_level2(products[1], tmp_path, overrides=references)


def test_calibrations_offer_their_methods(night, references, tmp_path):
    """Neither coupling nor slow noise is in these exposures: the other method finds the same within its errors."""
    overrides = {"gain": references["gain"]}
    gain = make_reference(
        "gain",
        night.flats("off", "low", "high"),
        tmp_path,
        parameters={"calibrate_gain": {"method": "photon_transfer_covariance"}},
    )
    noise = make_reference(
        "readnoise",
        night.flats("dark"),
        tmp_path,
        overrides=overrides,
        parameters={"calibrate_readnoise": {"method": "effective"}},
    )
    for kind, path in (("gain", gain), ("readnoise", noise)):
        assert path.read_bytes() != references[kind].read_bytes()
        found, plain = (Reference.read(p, kind).content for p in (path, references[kind]))
        pull = (found["DATA"] - plain["DATA"]) / np.hypot(found["ERR"], plain["ERR"])
        assert abs(np.median(pull)) < 5


def test_an_unknown_method_is_named(night, tmp_path):
    with pytest.raises(InputError, match=r"method.*best"):
        make_reference("gain", night.flats("off", "high"), tmp_path, parameters={"calibrate_gain": {"method": "best"}})


def test_telegraph_pixels_are_looked_for_on_request(night, references, synthetic, tmp_path):
    """A pixel that switches in every ramp of the dark is TELEGRAPH, usable, and the only one."""
    ramp = Ramp.read(night.raw["dark"])
    reads = ramp.reads.copy()
    reads[30, 60, :, 5:9] += 60
    reads[30, 60, ::2, 14:] += 60
    path = tmp_path / night.raw["dark"].name
    Ramp(ramp.header, reads, ramp.times).write(path)
    files = [path, *night.flats("off", "high")]
    for wanted in (True, False):
        mask = make_reference(
            "mask",
            files,
            tmp_path / str(wanted),
            overrides=references,
            parameters={"calibrate_mask": {"telegraph": wanted}},
        )
        dq = Reference.read(mask, "mask").content["DQ"]
        assert np.argwhere(has(dq, "TELEGRAPH")).tolist() == [[30, 60]] * wanted
        assert not has(dq, "DO_NOT_USE")[30, 60]
