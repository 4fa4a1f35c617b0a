"""Round trips of every frame: arrays bit by bit, tables by value, headers card by card."""

import math

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from iris_contract import AsBuiltMaps, Image, Ramp, Reference, Subarray, Truth, load_instrument
from iris_contract.errors import LayoutError, ReferenceFileError
from iris_contract.frames import read_region
from iris_contract.keywords import load_keywords
from iris_contract.reftypes import load_reference_types

CARDS = st.dictionaries(
    st.sampled_from(
        [row.keyword for row in load_keywords().values() if row.type == "str" and row.keyword != "DATAMODL"]
    ),
    st.from_regex(r"[A-Za-z0-9+/'_.-]([ A-Za-z0-9+/'_.-]{0,30}[A-Za-z0-9+/'_.-])?", fullmatch=True),
) | st.dictionaries(
    st.sampled_from([row.keyword for row in load_keywords().values() if row.type == "float"]),
    st.integers(-(2**40), 2**40) | st.booleans() | st.floats(-1e12, 1e12, allow_subnormal=False),
)
SIDES = st.integers(1, 4)
floats32 = st.floats(width=32, allow_nan=True, allow_infinity=True)


def planes(dtype, shape):
    return hnp.arrays(dtype, shape, elements=floats32 if dtype == np.float32 else None)


def errors(shape):
    """Standard deviations: not known, or 0 or more."""
    return hnp.arrays(np.float32, shape, elements=st.floats(0, width=32) | st.just(np.nan))


def same(left, right):
    """Same dtype, shape and bits, so NaN equals NaN and -0 differs from 0."""
    return left.dtype == right.dtype and left.shape == right.shape and left.tobytes() == right.tobytes()


def same_cards(before, after):
    return all(
        math.isclose(after[k], v, rel_tol=1e-11) if isinstance(v, float) else after[k] == v for k, v in before.items()
    )


def tables(last):
    dtype = [("Y", "i4"), ("X", "i4"), ("GROUP", "i4"), ("READ", "i4"), (last, "f4")]
    row = st.tuples(*[st.integers(0, 4095)] * 4, floats32)
    return st.integers(0, 3).flatmap(lambda rows: hnp.arrays(dtype, rows, elements=row))


@given(st.data(), SIDES, SIDES, SIDES, st.integers(2, 5), CARDS)
def test_ramp(tmp_path_factory, data, ny, nx, groups, reads, cards):
    region = {"XSTART": 3, "YSTART": 7, "XSIZE": nx, "YSIZE": ny}
    times = np.cumsum(data.draw(hnp.arrays("f8", (groups, reads), elements=st.floats(1e-3, 1e4))), axis=1)
    ramp = Ramp(cards | region, data.draw(hnp.arrays("u2", (ny, nx, groups, reads))), times)
    path = tmp_path_factory.mktemp("ramp") / "a.fits"
    ramp.write(path)
    read = Ramp.read(path)
    assert same(read.reads, ramp.reads)
    assert same(read.times, ramp.times)
    assert same_cards(cards | region, read.header)
    assert read.region() == Subarray(3, 7, nx, ny)


@given(st.data(), SIDES, SIDES, st.booleans())
def test_image(tmp_path_factory, data, ny, nx, level1):
    model = "RateModel" if level1 else "ImagerModel"
    plane = planes(np.float32, (ny, nx))
    more = (data.draw(plane), data.draw(tables("AMPLITUDE"))) if level1 else (None, None)
    image = Image(
        {"DATAMODL": model},
        data.draw(plane),
        data.draw(errors((ny, nx))),
        data.draw(planes(np.uint32, (ny, nx))),
        *more,
    )
    path = tmp_path_factory.mktemp("image") / "a.fits"
    image.write(path)
    read = Image.read(path)
    assert read.header["DATAMODL"] == model
    assert all(same(getattr(image, name), getattr(read, name)) for name in ("data", "err", "dq"))
    assert (read.chi2 is None) == (read.jumps is None) == (not level1)
    assert not level1 or (same(read.chi2, image.chi2) and same(read.jumps, image.jumps))


@given(st.data(), SIDES, SIDES, st.dictionaries(st.from_regex(r"[a-z_]{1,12}", fullmatch=True), st.booleans()))
def test_truth(tmp_path_factory, data, ny, nx, effects):
    maps = [data.draw(planes(np.float32, (ny, nx))) for _ in range(4)]
    truth = Truth("5f" * 32, *maps, data.draw(planes(np.uint32, (ny, nx))), data.draw(tables("ELECTRONS")), effects)
    path = tmp_path_factory.mktemp("truth") / "a.fits"
    truth.write(path)
    read = Truth.read(path)
    names = ("rate_scene", "rate_detected", "read_noise", "gain", "cause", "events")
    assert all(same(getattr(truth, name), getattr(read, name)) for name in names)
    assert (read.raw_sha256, read.effects) == (truth.raw_sha256, effects)


@given(st.data(), SIDES, SIDES)
def test_as_built_maps(tmp_path_factory, data, ny, nx):
    names = ("gain", "read_noise", "dark", "flat", "offset", "well", "bad")
    planes_ = {n: data.draw(planes(np.uint32 if n == "bad" else np.float32, (ny, nx))) for n in names}
    path = tmp_path_factory.mktemp("maps") / "a.fits"
    AsBuiltMaps({"DETECTOR": "IMG1"}, **planes_).write(path)
    read = AsBuiltMaps.read(path)
    assert read.header["DETECTOR"] == "IMG1"
    assert all(same(planes_[name], getattr(read, name)) for name in names)


@pytest.mark.parametrize("kind", load_reference_types())
def test_reference_of_every_kind(tmp_path, frame, kind):
    reference = frame(load_reference_types()[kind].model)
    reference.write(tmp_path / "a.fits")
    read = Reference.read(tmp_path / "a.fits", kind)
    assert read.kind == kind
    assert set(read.content) == set(reference.content)
    for name, array in reference.content.items():
        if array.dtype.names is None:
            assert same(read.content[name], array)
        else:
            assert read.content[name].tolist() == array.tolist()
    assert same_cards(reference.header, read.header)


@given(st.data(), st.sampled_from(["dark", "mask", "linearity", "dmap"]))
def test_reference_cut_is_the_cut_of_the_whole(tmp_path_factory, data, kind):
    nx, ny, x, y = (data.draw(st.integers(1, 6)) for _ in range(4))
    lengths = {"ny": ny, "nx": nx}
    content = {}
    for spec in load_reference_types()[kind].hdus:
        shape = [lengths.get(axis, 2) for axis in spec.axes]
        content[spec.name] = (np.arange(np.prod(shape)) * 97003 + 2**31).astype(spec.dtype).reshape(shape)
    header = {"REFTYPE": kind, "XSTART": x, "YSTART": y, "XSIZE": nx, "YSIZE": ny}
    path = tmp_path_factory.mktemp("reference") / "a.fits"
    Reference(header, content).write(path)
    dx, dy = data.draw(st.integers(0, nx - 1)), data.draw(st.integers(0, ny - 1))
    region = Subarray(x + dx, y + dy, data.draw(st.integers(1, nx - dx)), data.draw(st.integers(1, ny - dy)))
    read = Reference.read(path, kind, region)
    for spec in load_reference_types()[kind].hdus:
        cut = {"ny": slice(dy, dy + region.ysize), "nx": slice(dx, dx + region.xsize)}
        expected = content[spec.name][tuple(cut.get(axis, slice(None)) for axis in spec.axes)]
        assert same(read.content[spec.name], np.ascontiguousarray(expected))


def test_full_format_reference_serves_a_sub_array_from_its_rows_alone(tmp_path, monkeypatch):
    """The cut of a 4096 x 4096 plane must not pass through the whole plane."""
    full = Subarray.full(load_instrument().detector("IMG1"))
    dq = np.zeros(full.shape, np.uint32)
    dq[100, 200] = 2**31 + 1
    path = tmp_path / "mask.fits"
    Reference({"REFTYPE": "mask", "XSTART": 1, "YSTART": 1, "XSIZE": 4096, "YSIZE": 4096}, {"DQ": dq}).write(path)
    read_bytes = []
    original = np.fromfile

    def count(*args, **more):
        array = original(*args, **more)
        read_bytes.append(array.nbytes)
        return array

    monkeypatch.setattr(np, "fromfile", count)
    read = Reference.read(path, "mask", Subarray(193, 97, 64, 32))
    assert read.content["DQ"][4, 8] == 2**31 + 1
    assert np.count_nonzero(read.content["DQ"]) == 1
    assert 0 < sum(read_bytes) <= 32 * 4096 * 4


def test_reference_that_does_not_cover_is_refused(tmp_path, frame):
    path = tmp_path / "dark.fits"
    frame("DarkModel").write(path)
    with pytest.raises(ReferenceFileError, match="dark reference covers"):
        Reference.read(path, "dark", Subarray(1, 1, 5, 3))


def test_reference_of_another_kind_is_refused(tmp_path, frame):
    path = tmp_path / "dark.fits"
    frame("DarkModel").write(path)
    with pytest.raises(ReferenceFileError, match="REFTYPE='dark': expected a flat reference"):
        Reference.read(path, "flat")
    with pytest.raises(ReferenceFileError, match="REFTYPE='nonsense': choose dark, flat"):
        Reference.read(path, "nonsense")
    with pytest.raises(ReferenceFileError, match="REFTYPE='None'"):
        Reference({}, {}).write(path)


def test_region_that_disagrees_with_the_data_is_refused(tmp_path, frame):
    for name, read in (("RampModel", Ramp.read), ("DarkModel", lambda path: Reference.read(path, "dark"))):
        good = frame(name)
        good.header["XSIZE"] = 4
        good.write(tmp_path / "a.fits")
        with pytest.raises(LayoutError, match=r"HDU DATA has \(ny, nx\)=\(3, 5\)"):
            read(tmp_path / "a.fits")


@pytest.mark.parametrize("value", [None, 0, -3, 1.0, "1", True])
def test_region_must_be_whole_numbers_from_one(value):
    header = {"XSTART": 1, "YSTART": value, "XSIZE": 5, "YSIZE": 5}
    with pytest.raises(LayoutError, match=r"YSTART=.*must be an integer from 1"):
        read_region(header)
    with pytest.raises(LayoutError, match="YSTART=None"):
        read_region({key: 1 for key in header if key != "YSTART"})


@pytest.mark.parametrize(
    "times", [[0.0, 2.0, 1.0, 3.0], [0.0, 1.0, 1.0, 2.0], [0, 1, 2, np.nan], [-1, 0, 1, 2], [0, 1, 2, np.inf]]
)
def test_read_times_that_cannot_be_are_refused(tmp_path, frame, times):
    ramp = frame("RampModel")
    Ramp(ramp.header, ramp.reads, np.array([[0, 1, 2, 3], times], dtype="f8")).write(tmp_path / "a.fits")
    with pytest.raises(LayoutError, match="HDU TIMES must"):
        Ramp.read(tmp_path / "a.fits")


def test_truth_without_its_key_is_refused(tmp_path, frame):
    path = tmp_path / "truth.fits"
    frame("TruthModel").write(path)
    fits.delval(path, "RAWSHA")
    with pytest.raises(LayoutError, match="RAWSHA"):
        Truth.read(path)


def test_detector_of_a_ramp_is_the_designed_one(frame):
    assert frame("RampModel").detector is load_instrument().detector("IMG1")


@pytest.mark.parametrize("key", ["NGROUPS", "NREADS"])
def test_counts_that_disagree_with_the_reads_are_refused(tmp_path, frame, key):
    good = frame("RampModel")
    good.header[key] = 7
    good.write(tmp_path / "a.fits")
    with pytest.raises(LayoutError, match=rf"{key}=7: HDU DATA has"):
        Ramp.read(tmp_path / "a.fits")
