"""The Step `wavelength`: the arc of the frame's own setting, and no other."""

import numpy as np
import pytest

from iris_contract import DQ, Image, Reference
from iris_contract.errors import LayoutError, ReferenceFileError
from iris_reduction.datamodel import ImageModel
from iris_reduction.pipelines import run_level2
from iris_reduction.steps.wavelength import WavelengthStep


def make_frame(bench, **cards):
    plane = np.ones(bench.region.shape, "f4")
    header = {"TELESCOP": "TMT", "INSTRUME": "IRIS", "READMODE": "UTR", "DATALVL": 1, "DATAMODL": "RateModel"}
    header |= {"DATE-OBS": "2035-01-10", "TIME-OBS": "04:00:00.000"} | bench.cards() | cards
    return ImageModel(header, "white_LVL1.fits", plane, plane, np.zeros(bench.region.shape, "u4"))


def write_arc(bench, **cards):
    product = bench.root / bench.row(1).product
    arc = Reference.read(product, "arc")
    path = bench.root / "arc.fits"
    header = arc.header | {"DATE-OBS": "2035-01-10", "TIME-OBS": "02:00:00.000"} | cards
    Reference(header, arc.content).write(path)
    return path


def run(bench, frame, arc):
    step = WavelengthStep()
    step.override_arc = str(arc)
    return step.run(frame)


def test_the_arc_of_the_setting_gives_lenslet_and_wavelength(shared_arc_bench):
    result = run(shared_arc_bench, make_frame(shared_arc_bench), write_arc(shared_arc_bench))
    assert result.header["S_WAVE"] == "COMPLETE"
    lit = result.lenslet >= 0
    assert set(np.unique(result.lenslet[lit])) >= set(shared_arc_bench.whole())
    lenslet = int(shared_arc_bench.whole()[0])
    y, x = np.nonzero(result.lenslet == lenslet)
    nm = result.wavelength[y, x]
    place = shared_arc_bench.true_place(lenslet, nm)[0] + shared_arc_bench.shift[0] - shared_arc_bench.region.xstart + 1
    assert np.abs(place - x).max() < 6 * shared_arc_bench.sigma


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("FILTER", "KN2"),
        ("GRATING", "8000-K"),
        ("SCALE", 0.009),
        ("LLMSKST", "SERRATED_WIDE"),
        ("DETECTOR", "IMG1"),
    ],
)
def test_the_arc_of_another_setting_is_refused_by_its_keyword(shared_arc_bench, key, value):
    arc = write_arc(shared_arc_bench, **{key: value})
    with pytest.raises(ReferenceFileError, match=f"{key}={value!r}: the frame has .*arc reference of its setting"):
        run(shared_arc_bench, make_frame(shared_arc_bench), arc)


@pytest.mark.parametrize("key", ["DOMAIN", "COEFFS", "TRACE", "COLUMN", "ROW"])
def test_an_arc_that_says_nothing_of_a_lenslet_is_refused(shared_arc_bench, key):
    path = write_arc(shared_arc_bench)
    arc = Reference.read(path, "arc")
    values = arc.content[key]
    if key in ("COLUMN", "ROW"):
        arc.content[key] = values[::-1].copy()
    else:
        values[shared_arc_bench.whole()[0]] = np.nan
    arc.write(path)
    with pytest.raises(ReferenceFileError, match=f"{key}="):
        run(shared_arc_bench, make_frame(shared_arc_bench), path)


def test_reference_pixels_have_no_wavelength(shared_arc_bench):
    frame = make_frame(shared_arc_bench)
    before = run(shared_arc_bench, frame, write_arc(shared_arc_bench)).lenslet
    row = int(np.argmax((before >= 0).sum(axis=1)))
    frame.dq[row] = DQ["REFERENCE_PIXEL"]
    result = run(shared_arc_bench, frame, write_arc(shared_arc_bench))
    assert np.isnan(result.wavelength[row]).all()
    assert (result.lenslet[row] == -1).all()
    np.testing.assert_array_equal(np.delete(result.lenslet, row, 0), np.delete(before, row, 0))


def test_the_arc_of_a_smaller_region_is_refused(shared_arc_bench):
    arc = write_arc(shared_arc_bench, XSIZE=shared_arc_bench.region.xsize - 1)
    with pytest.raises(ReferenceFileError, match="covers"):
        run(shared_arc_bench, make_frame(shared_arc_bench), arc)


@pytest.mark.parametrize(("key", "value"), [("IFSMODE", "NONE"), ("SCALE", 0.005)])
def test_a_frame_that_is_not_of_the_lenslets_is_refused(shared_arc_bench, key, value):
    with pytest.raises(LayoutError, match=key):
        run(shared_arc_bench, make_frame(shared_arc_bench, **{key: value}), write_arc(shared_arc_bench))


def test_no_arc_is_no_frame(shared_arc_bench):
    with pytest.raises(ReferenceFileError, match="cannot do without"):
        run(shared_arc_bench, make_frame(shared_arc_bench), "N/A")


def test_level2_of_the_lenslets_is_written_and_read(shared_arc_bench, tmp_path):
    frame = make_frame(shared_arc_bench)
    frame.save(tmp_path / frame.filename)
    overrides = {"dark": "N/A", "arc": write_arc(shared_arc_bench)}
    image = Image.read(run_level2(tmp_path / frame.filename, tmp_path, overrides))
    assert (image.header["DATAMODL"], image.header["S_DARK"], image.header["R_ARC"]) == (
        "LensletModel", "SKIPPED", "arc.fits",
    )  # fmt: skip
    assert image.wavelength.dtype == np.float64
    assert (image.lenslet >= 0).any()
