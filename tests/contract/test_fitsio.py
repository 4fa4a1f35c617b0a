"""Damaged, disguised and foreign files: one line of LayoutError, never another exception."""

import warnings
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import example, given, settings
from hypothesis import strategies as st

from iris_contract import AsBuiltMaps, Image, Ramp, Reference, Subarray, Truth
from iris_contract.check import check_file
from iris_contract.errors import LayoutError, ReferenceFileError
from iris_contract.fitsio import read_header, read_layout, write_layout

READERS = {
    "RampModel": Ramp.read,
    "RateModel": Image.read,
    "ImagerModel": Image.read,
    "LensletModel": Image.read,
    "TruthModel": Truth.read,
    "AsBuiltModel": AsBuiltMaps.read,
    "DarkModel": lambda path: Reference.read(path, "dark", Subarray(1, 9, 2, 2)),
    "EnvironmentModel": lambda path: Reference.read(path, "env"),
}


def refusal(read, path) -> str:
    """The message with which `read` refuses a file."""
    with pytest.raises(LayoutError) as caught:
        read(path)
    assert len(str(caught.value).splitlines()) == 1
    assert str(path) in str(caught.value)
    return str(caught.value)


def complain(path) -> list[str]:
    """What check_file finds wrong, be it one refusal or several violations."""
    try:
        return check_file(path)
    except LayoutError as error:
        return [str(error)]


def rewrite(path: Path, name: str, hdu) -> Path:
    """Put another HDU in the place of the one called `name`."""
    with fits.open(path, memmap=False) as hdus:
        hdus = fits.HDUList([hdu if old.name == name else old.copy() for old in hdus])
    hdus.writeto(path, overwrite=True)
    return path


@pytest.mark.parametrize("model", READERS)
def test_conforming_file_is_read(written, model):
    READERS[model](written(model))


@pytest.mark.parametrize("model", READERS)
def test_every_cut_off_file_is_refused(written, model):
    path = written(model)
    content = path.read_bytes()
    for length in (0, 1, 79, 2879, 2880, 5000, len(content) - 2880, len(content) - 1):
        path.write_bytes(content[:length])
        refusal(READERS[model], path)
        assert complain(path)


@pytest.mark.parametrize("model", READERS)
def test_what_is_no_fits_file_is_refused(tmp_path, model):
    (tmp_path / "text.fits").write_text("SIMPLE, but no FITS file\n" * 200)
    (tmp_path / "zeros.fits").write_bytes(bytes(5760))
    (tmp_path / "zip.fits").write_bytes(b"PK\x03\x04" + bytes(3000))
    (tmp_path / "gzip.fits").write_bytes(b"\x1f\x8b\x08" + bytes(3000))
    for name in ("text.fits", "zeros.fits", "zip.fits", "gzip.fits"):
        refusal(READERS[model], tmp_path / name)
        refusal(check_file, tmp_path / name)


@pytest.mark.parametrize("read", [*READERS.values(), check_file, read_header])
def test_missing_file_and_directory_are_told_apart(tmp_path, read):
    assert "no such file" in refusal(read, tmp_path / "none.fits")
    assert "is a directory" in refusal(read, tmp_path)


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("RampModel", "DATA"),
        ("RampModel", "TIMES"),
        ("RateModel", "DQ"),
        ("DarkModel", "ERR"),
        ("TruthModel", "EVENTS"),
    ],
)
def test_missing_hdu_is_named(written, model, name):
    path = rewrite(written(model), name, fits.ImageHDU(np.zeros((2, 2)), name="OTHER"))
    assert f"HDU {name} is missing" in refusal(READERS[model], path)


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (np.zeros((3, 5), "f8"), "must be float32, found float64"),
        (np.zeros((3, 5), ">f8"), "must be float32, found float64"),
        (np.zeros((3, 5), "i8"), "must be float32, found int64"),
        (np.zeros((3, 5), "i4"), "must be float32, found int32"),
        (np.zeros((3, 5), "u2"), "must be float32, found uint16"),
        (np.zeros((3, 5), "u1"), "must be float32, found uint8"),
        (np.zeros((3, 4), "f4"), "HDU ERR has nx=5 where 4 was expected"),
        (np.zeros((2, 5), "f4"), "HDU ERR has ny=3 where 2 was expected"),
        (np.zeros(5, "f4"), "must be an uncompressed image with axes (ny, nx)"),
        (np.zeros((1, 3, 5), "f4"), "must be an uncompressed image with axes (ny, nx)"),
        (np.zeros((0, 5), "f4"), "must be an uncompressed image"),
        (None, "must be an uncompressed image with axes (ny, nx)"),
    ],
)
def test_wrong_dtype_or_shape_is_named(written, data, told):
    path = rewrite(written("RateModel"), "DATA", fits.ImageHDU(data, name="DATA"))
    message = refusal(Image.read, path)
    assert told in message or "is empty" in message
    assert check_file(path)


@pytest.mark.parametrize("key", ["NAXIS", "TFIELDS"])
@pytest.mark.parametrize("value", [99999999999, -1, 1000, 1.5, "'x'"])
def test_absurd_counts_are_refused_before_anybody_counts(written, key, value):
    path = written("TruthModel")
    content = path.read_bytes()
    at = next(at for at in range(len(content) // 2, len(content), 80) if content[at : at + 8].rstrip() == key.encode())
    path.write_bytes(content[:at] + f"{key:8}= {value:>20}".ljust(80).encode() + content[at + 80 :])
    assert f"{key}=" in refusal(Truth.read, path)
    assert complain(path)


def test_table_in_the_place_of_an_image_and_the_reverse(written):
    table = fits.BinTableHDU(np.zeros(2, dtype=[("A", "f4")]), name="DATA")
    assert "must be an uncompressed image" in refusal(Image.read, rewrite(written("RateModel"), "DATA", table))
    image = fits.ImageHDU(np.zeros((2, 2)), name="JUMPS")
    assert "must be a binary table" in refusal(Image.read, rewrite(written("RateModel"), "JUMPS", image))


def test_compressed_image_is_refused(written):
    plane = fits.CompImageHDU(np.zeros((3, 5), "f4"), name="DATA")
    assert "must be an uncompressed image" in refusal(Image.read, rewrite(written("ImagerModel"), "DATA", plane))


@pytest.mark.parametrize("kind", ["i2", "i4", "u1"])
def test_scaled_integers_are_refused_though_astropy_would_make_floats_of_them(written, kind):
    plane = fits.ImageHDU(np.zeros((3, 5), kind), name="DATA")
    plane.header["BSCALE"], plane.header["BZERO"] = 0.5, 10.0
    path = rewrite(written("ImagerModel"), "DATA", plane)
    path.write_bytes(path.read_bytes())
    refusal(Image.read, path)


def write_card(path: Path, name: str, key: str, value) -> Path:
    """Set a card of an HDU on disk without astropy scaling the data."""
    with fits.open(path, mode="update", memmap=False, do_not_scale_image_data=True) as hdus:
        hdus[name].header[key] = value
    return path


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("BSCALE", 2.0, "must be uint16, found int16 scaled by BSCALE=2.0 BZERO=32768"),
        ("BZERO", 0, "must be uint16, found int16"),
        ("BZERO", 32767, "must be uint16, found int16 scaled by BSCALE=1 BZERO=32767"),
        ("BLANK", -1, "must be uint16, found uint16 with BLANK=-1"),
        ("BZERO", "text", "must be uint16, found int16 scaled by BSCALE=1 BZERO=text"),
    ],
)
def test_cards_that_disguise_a_raw_plane_are_refused(written, key, value, told):
    path = write_card(written("RampModel"), "DATA", key, value)
    assert told in refusal(Ramp.read, path)
    assert any(told in violation for violation in check_file(path))


@pytest.mark.parametrize(
    ("column", "told"),
    [
        (fits.Column("AMPLITUDE", "2E", array=np.zeros((2, 2))), "column AMPLITUDE must hold one float per row"),
        (fits.Column("AMPLITUDE", "10A", array=["a", "b"]), "column AMPLITUDE must hold one float per row"),
        (fits.Column("AMPLITUDE", "J", array=[1, 2]), "column AMPLITUDE must hold one float per row"),
        (
            fits.Column("AMPLITUDE", "E", bscale=2, bzero=1, array=[1, 2]),
            "column AMPLITUDE must hold one float per row",
        ),
        (fits.Column("AMPLITUDE", "PE()", array=np.array([[1.0], [1.0, 2.0]], dtype=object)), "column AMPLITUDE"),
        (fits.Column("OTHER", "E", array=[1, 2]), "lacks the column AMPLITUDE"),
    ],
)
def test_wrong_column_is_named(written, column, told):
    columns = [fits.Column(name, "J", array=[0, 1]) for name in ("Y", "X", "GROUP", "READ")]
    path = rewrite(written("RateModel"), "JUMPS", fits.BinTableHDU.from_columns([*columns, column], name="JUMPS"))
    assert told in refusal(Image.read, path)
    assert any(told in violation for violation in check_file(path))


@pytest.mark.parametrize("model", [None, "", "NoModel", 3, "DarkModel"])
def test_file_of_another_layout_is_refused(written, model):
    path = written("RampModel")
    if model is None:
        fits.delval(path, "DATAMODL")
    else:
        fits.setval(path, "DATAMODL", value=model)
    assert "expected RampModel" in refusal(Ramp.read, path)


def test_bare_file_and_garbage_before_the_first_hdu_are_refused(tmp_path):
    fits.PrimaryHDU(np.zeros((3, 5))).writeto(tmp_path / "bare.fits")
    assert "DATAMODL=None" in refusal(Image.read, tmp_path / "bare.fits")
    assert check_file(tmp_path / "bare.fits")[0].startswith("DATAMODL=None: names no layout")
    fits.PrimaryHDU(header=fits.Header({"DATAMODL": "ImagerModel"})).writeto(tmp_path / "empty.fits")
    assert "HDU DATA is missing" in refusal(Image.read, tmp_path / "empty.fits")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"DATA": np.zeros((2, 2), "f8")}, "HDU DATA must be float32 (ny, nx), got float64 (2, 2)"),
        ({"DATA": np.zeros(2, "f4")}, "HDU DATA must be float32 (ny, nx), got float32 (2,)"),
        ({"DATA": np.zeros((0, 2), "f4")}, "HDU DATA is empty: ny=0"),
        ({"ERR": np.zeros((2, 3), "f4")}, "HDU ERR has nx=3 where 2 was expected"),
        ({"DQ": np.zeros((2, 2), "u2")}, "HDU DQ must be uint32 (ny, nx), got uint16 (2, 2)"),
        ({"JUMPS": np.zeros(1, [("Y", "i4")])}, "HDU JUMPS lacks the column X"),
        ({"JUMPS": np.zeros((2, 2))}, "HDU JUMPS lacks the column Y"),
        ({"NOISE": np.zeros((2, 2), "f4")}, "the layout has no HDU NOISE"),
    ],
)
def test_nothing_that_breaks_the_layout_is_written(tmp_path, content, told):
    plane = np.zeros((2, 2), "f4")
    good = {"DATA": plane, "ERR": plane, "DQ": plane.astype("u4")}
    with pytest.raises(LayoutError) as caught:
        write_layout(tmp_path / "a.fits", "RateModel", {}, good | content)
    assert told in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_big_endian_arrays_are_written_and_come_back_native(tmp_path):
    plane = np.arange(4, dtype=">f4").reshape(2, 2)
    write_layout(tmp_path / "a.fits", "ImagerModel", {}, {"DATA": plane, "ERR": plane, "DQ": plane.astype(">u4")})
    _, _, content = read_layout(tmp_path / "a.fits")
    assert {array.dtype.str for array in content.values()} == {np.dtype("f4").str, np.dtype("u4").str}
    np.testing.assert_array_equal(content["DATA"], plane)


BYTES = st.integers(0, 255) | st.sampled_from(b"0123456789 '=TF-.EU/")
CARDS = """SIMPLE XTENSION BITPIX NAXIS NAXIS1 NAXIS2 NAXIS3 PCOUNT GCOUNT TFIELDS TFORM1 TTYPE1 TTYPE5 EXTNAME BZERO
    BSCALE EXTEND END DATAMODL REFTYPE XSTART YSIZE RAWSHA"""
VALUES = """T F 0 -1 -32 8 16 64 7 99999999999 1E400 NaN 1.5 '' 'x' 'IMAGE' 'BINTABLE' 'A3DTABLE' '1J' '1PE(9)' '0E'
    '99999999E' 'DATA' 'DarkModel' (1,2) / ="""


def survives(model: str, path: Path) -> None:
    """Reading and checking end well or with a refusal in one line; anything else is a failure."""
    told = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            READERS[model](path)
        except (LayoutError, ReferenceFileError) as error:
            told.append(str(error))
        told += complain(path)
    assert all(len(line.splitlines()) == 1 for line in told)


@pytest.fixture(scope="module")
def originals(tmp_path_factory, frame) -> dict[str, bytes]:
    """The bytes of one conforming file of each model."""
    folder = tmp_path_factory.mktemp("originals")
    for model in READERS:
        frame(model).write(folder / model)
    return {model: (folder / model).read_bytes() for model in READERS}


@settings(max_examples=300)
@given(
    st.sampled_from(sorted(READERS)),
    st.floats(0, 1),
    st.lists(st.tuples(st.floats(0, 1), BYTES), min_size=1, max_size=6),
)
@example("RampModel", 0.999, [(0.0, 0)])
def test_damaged_bytes(tmp_path_factory, originals, model, keep, flips):
    content = bytearray(originals[model])
    for place, value in flips:
        content[int(place * (len(content) - 1))] = value
    path = tmp_path_factory.mktemp("damaged") / "a.fits"
    path.write_bytes(content if keep > 0.2 else content[: int(keep * 5 * len(content))])
    survives(model, path)


@settings(max_examples=300)
@given(
    st.sampled_from(sorted(READERS)), st.sampled_from(CARDS.split()), st.sampled_from(VALUES.split()), st.integers(0, 8)
)
def test_damaged_cards(tmp_path_factory, originals, model, key, value, which):
    content = bytearray(originals[model])
    starts = [at for at in range(0, len(content), 80) if content[at : at + 8].rstrip() == key.encode()]
    at = starts[which % len(starts)] if starts else 80
    content[at : at + 80] = f"{key:8}= {value:>20}".ljust(80)[:80].encode()
    path = tmp_path_factory.mktemp("damaged") / "a.fits"
    path.write_bytes(content)
    survives(model, path)
