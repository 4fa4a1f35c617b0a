"""check_file names every violation, one line each, and nothing else."""

import numpy as np
import pytest
from astropy.io import fits

from iris_contract import Image, Ramp, Reference
from iris_contract.check import check_file
from iris_contract.errors import LayoutError
from iris_contract.keywords import load_keywords
from iris_contract.layouts import load_layouts
from iris_contract.reftypes import load_reference_types

WITH_FRAME = [model for model in load_layouts() if model != "CorrectedRampModel"]


def change(path, name=0, **cards):
    """Set cards of an HDU, or take them away where the value is None."""
    with fits.open(path, mode="update", memmap=False, do_not_scale_image_data=True) as hdus:
        for key, value in cards.items():
            if value is None:
                del hdus[name].header[key]
            else:
                hdus[name].header[key] = value
    return path


@pytest.mark.parametrize("model", WITH_FRAME)
def test_conforming_file_has_no_violation(written, model):
    assert check_file(written(model)) == []


@pytest.mark.parametrize("model", ["RampModel", "RateModel", "DarkModel"])
def test_every_missing_keyword_is_named(written, model):
    role = load_layouts()[model].role
    required = [row.keyword for row in load_keywords().values() if role in row.required and row.keyword != "DATAMODL"]
    violations = check_file(change(written(model), **dict.fromkeys(required)))
    named = [line.split(" is missing (")[0] for line in violations if " is missing (" in line]
    assert len(required) > 10
    assert named == required


@pytest.mark.parametrize("model", ["RampModel", "RateModel"])
def test_file_of_the_lenslets_tells_their_setting(written, model):
    cards = {
        "DETECTOR": "IFU",
        "INSTMODE": "LENSLET",
        "IFSMODE": "LENSLET",
        "SCALE": 0.009,
        "GRATING": "4000-K",
        "LLMSKST": "FINE_MASK",
        "FILTER": "KN3",
    }
    path = change(written(model), **cards)
    assert check_file(path) == []
    for wrong, told in (
        ({"GRATING": "NONE"}, "GRATING='NONE': no such grating"),
        ({"SCALE": 0.025}, "SCALE=0.025: choose 0.004, 0.009 arcsec"),
        ({"LLMSKST": "FINE_MASK_CALIBRATION"}, "LLMSKCOL=None: a column is given"),
        ({"LLMSKST": None}, "LLMSKST=None: keyword is missing"),
    ):
        (violation,) = check_file(change(path, **cards | wrong))
        assert violation.startswith(told)


@pytest.mark.parametrize(
    ("cards", "told"),
    [
        ({"FILTER": "Q"}, "FILTER='Q': must be one of Zbb"),
        ({"FILTER": 3}, "FILTER=3: must be of type str"),
        ({"EXPTIME": "long"}, "EXPTIME='long': must be of type float"),
        ({"FILTDRFL": 1}, "FILTDRFL=1: must be of type bool"),
        ({"DATE-OBS": "2035-13-01"}, "DATE-OBS='2035-13-01': must be one of YYYY-MM-DD"),
        ({"DATALVL": 2}, "DATALVL=2: RampModel is level 0"),
        ({"NREADS": 7}, "NREADS=7: the data have nreads=4"),
        ({"NGROUPS": 7}, "NGROUPS=7: the data have ngroups=2"),
        ({"XSIZE": 4}, "XSIZE=4: the data have nx=5"),
        ({"XSTART": 4095}, "XSTART,XSIZE=(4095, 5): sub-array must lie within 1..4096 on IMG1"),
        ({"SUBARRAY": "FULL"}, "SUBARRAY='FULL': this region is CUSTOM"),
        ({"DETECTOR": "IFU"}, "INSTMODE='IMG': the detector IFU is not of this mode"),
        ({"INSTMODE": "LENSLET"}, "INSTMODE='LENSLET': the detector IMG1 is not of this mode"),
        ({"SEED": 42}, "SEED=42: keyword is not in the table"),
        ({"SCENE": "stars"}, "SCENE='stars': keyword is not in the table"),
    ],
)
def test_violation_of_a_raw_header_is_named_once(written, cards, told):
    (violation,) = check_file(change(written("RampModel"), **cards))
    assert violation.startswith(told)


def test_products_may_carry_more_keywords_than_the_table_has(written):
    assert check_file(change(written("RateModel"), R_DARK="crds://tmt_iris_dark_0001.fits")) == []


@pytest.mark.parametrize(
    ("model", "cards", "told"),
    [
        ("DarkModel", {"REFTYPE": "flat"}, "REFTYPE='flat': a flat reference has DATAMODL FlatModel"),
        ("DarkModel", {"REFTYPE": "bias"}, "REFTYPE='bias': must be one of dark"),
        ("DarkModel", {"READMODE": None}, "READMODE is missing (sampling mode)"),
        ("FlatModel", {"FILTER": None}, "FILTER is missing (filter)"),
        ("FlatModel", {"USEAFTER": "2035-01-01"}, "USEAFTER='2035-01-01': must be one of YYYY-MM-DDThh:mm:ss"),
        ("TruthModel", {"RAWSHA": None}, "RAWSHA is missing"),
    ],
)
def test_violation_of_another_header_is_named(written, model, cards, told):
    assert any(line.startswith(told) for line in check_file(change(written(model), **cards)))


def test_reference_without_pixels_needs_no_region(written):
    path = change(written("PointingModel"), **dict.fromkeys(["SUBARRAY", "XSTART", "YSTART", "XSIZE", "YSIZE"]))
    assert check_file(path) == []


def test_wrong_unit_is_named(written):
    assert check_file(change(written("RateModel"), "ERR", BUNIT="DN")) == [
        "HDU ERR has BUNIT='DN': must be 'electron/s'"
    ]


def test_every_wrong_hdu_is_named(written):
    path = written("RateModel")
    with fits.open(path, memmap=False) as hdus:
        hdus = fits.HDUList([hdu.copy() for hdu in hdus if hdu.name not in {"DATA", "DQ"}])
        hdus.append(fits.ImageHDU(np.zeros((3, 5), "u2"), name="DQ"))
        hdus.append(fits.ImageHDU(np.zeros((3, 5), "f4"), name="ERR"))
        hdus.append(fits.ImageHDU(np.zeros((3, 5), "f4"), name="NOISE"))
    hdus.writeto(path, overwrite=True)
    assert check_file(path) == [
        "HDU DATA is missing",
        "HDU DQ must be uint32, found uint16",
        "HDU ERR appears twice",
        "HDU NOISE is not part of RateModel",
    ]


def test_unordered_read_times_are_named(tmp_path, frame):
    ramp = frame("RampModel")
    Ramp(ramp.header, ramp.reads, ramp.times[:, ::-1].copy()).write(tmp_path / "a.fits")
    assert check_file(tmp_path / "a.fits") == ["HDU TIMES must increase within each ramp"]


@pytest.mark.parametrize(("value", "conforms"), [(-0.5, False), (-np.inf, False), (0.0, True), (np.nan, True)])
def test_negative_errors_break_the_layout_and_unknown_ones_do_not(tmp_path, frame, value, conforms):
    """An error that is NaN is not known: the scores have that fail, the layout allows it."""
    image, path = frame("RateModel"), tmp_path / "a.fits"
    image.err[1, 2] = value
    image.write(path)
    told = "HDU ERR must hold standard deviations: 1 of 15 are negative, the first one at (1, 2)"
    assert check_file(path) == ([] if conforms else [told])
    if conforms:
        np.testing.assert_array_equal(Image.read(path).err, image.err)
    else:
        with pytest.raises(LayoutError) as caught:
            Image.read(path)
        assert str(caught.value) == f"{path}: {told}"


@pytest.mark.parametrize(("kind", "name"), [("dark", "ERR"), ("linearity", "COEFFS_ERR"), ("fluxcal", "ERR")])
def test_negative_errors_of_references_break_the_layout(tmp_path, frame, kind, name):
    path, reference = tmp_path / "a.fits", frame(load_reference_types()[kind].model)
    reference.content[name].flat[0] = -1
    reference.write(path)
    (told,) = check_file(path)
    assert told.startswith(f"HDU {name} must hold standard deviations: 1 of ")
    with pytest.raises(LayoutError, match="are negative"):
        Reference.read(path, kind)


def test_many_violations_are_all_named_in_one_line_each(tmp_path, frame):
    image = frame("RateModel")
    header = image.header | {"FILTER": "Q", "READMODE": "MDS", "XSIZE": 9, "DATALVL": 2}
    Image(header, image.data, image.err, image.dq).write(tmp_path / "a.fits")
    violations = check_file(tmp_path / "a.fits")
    assert [line.split("=")[0] for line in violations] == ["FILTER", "READMODE", "XSIZE", "DATALVL"]
    assert all(len(line.splitlines()) == 1 for line in violations)
