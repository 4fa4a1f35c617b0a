"""Arcs through the pipeline: raw frames of a strip of the detector, of the tests' own making."""

from dataclasses import replace

import numpy as np
import pytest

from iris_contract import Reference, Subarray
from iris_contract.check import check_file
from iris_contract.dq import DQ, has
from iris_contract.errors import InputError
from iris_contract.fitsio import read_header
from iris_contract.lenslet import LensletMode
from iris_reduction import make_reference

TIMES = 20.0 * np.arange(6)
LAMPS = ("ARGON", "KRYPTON", "XENON")


@pytest.fixture(scope="module")
def take(synthetic, tmp_path_factory):
    """A function that writes a raw arc frame of a rate in e-/s."""
    folder = tmp_path_factory.mktemp("arcs")

    def write(built, rate, lamp, **cards):
        rng = np.random.default_rng((7, len(list(folder.iterdir()))))
        shown = np.where(built.region.reference_pixels(synthetic.detector), 0.0, rate + 0.02)
        reads = synthetic.draw_reads(rng, shown, TIMES)
        stated = built.mode.to_header() | {"DETECTOR": "IFU", "INSTMODE": "LENSLET", "IFSMODE": "LENSLET"}
        stated |= {"IMTYPE": "ARC", "CALLAMP": lamp, "CALSHUT": "OPEN"}
        path = folder / f"{lamp.lower()}-{len(list(folder.iterdir()))}.fits"
        return synthetic.write_raw(path, reads, TIMES, built.region, **(stated | cards))

    return write


@pytest.fixture(scope="module")
def built(build):
    return build()


@pytest.fixture(scope="module")
def references(synthetic, built, tmp_path_factory):
    folder = tmp_path_factory.mktemp("references")
    values = {"mask": {}, "gain": {"DATA": 2.0}, "readnoise": {"DATA": 11.015}}
    write = synthetic.write_reference
    return {kind: write(folder / f"{kind}.fits", kind, built.region, **v) for kind, v in values.items()}


@pytest.fixture(scope="module")
def frames(built, take):
    made = {lamp: take(built, built.draw(lamp), lamp) for lamp in LAMPS}
    return made | {"NONE": take(built, np.zeros(built.region.shape), "NONE")}


@pytest.fixture(scope="module")
def made(frames, references, tmp_path_factory):
    return make_reference("arc", list(frames.values()), tmp_path_factory.mktemp("made"), references)


def find_error(reference, built, wavelength):
    """Error in px (n, k) of a reference where wavelengths truly are."""
    columns, content = built.place(wavelength)[0], reference.content
    u = (2 * columns - content["DOMAIN"].sum(axis=1)[:, None]) / np.diff(content["DOMAIN"], axis=1)
    found = np.einsum(
        "nkc,nc->nk", np.polynomial.legendre.legvander(u, content["COEFFS"].shape[1] - 1), content["COEFFS"]
    )
    return (found - wavelength) / 0.2728, u


def test_the_reference(made, built):
    """Nine lines of a spectrum, of 60 to 500 e-/s for 100 s: offset to 0.005 px, and scale."""
    assert check_file(made) == []
    assert made.name.startswith("IRIS_IFU_ARC_4mas_KN3_4000-K_FINE_MASK_2035")
    reference = Reference.read(made, "arc")
    header, content = reference.header, reference.content
    assert (header["WAVEMETH"], header["PIPELINE"], header["NINPUTS"]) == ("physical", "ArcPipeline", 4)
    assert {key: header[key] for key in built.mode.to_header()} == built.mode.to_header()
    assert "no edge of the field" not in header["NOTTREAT"]
    assert content["COEFFS"].shape[0] == 2048
    whole = content["DQ"] == 0
    assert 60 < whole.sum() < 80
    error, u = find_error(reference, built, np.array([2105.0, 2150.0, 2222.0]))
    assert np.sqrt(np.mean(error[whole] ** 2)) < 0.01
    rows = built.place([2150.0])[1][whole, 0]
    trace = np.einsum("nc,nc->n", np.polynomial.legendre.legvander(u[:, 1], 3), content["TRACE"])[whole]
    assert np.sqrt(np.mean((trace - rows) ** 2)) < 0.01
    np.testing.assert_allclose(content["WIDTH"][whole], 0.85, atol=0.01)
    assert np.mean(content["NLINES"][whole] == 9) > 0.9  # the outermost lines lie beyond half transmission
    assert (content["RMS"][whole] < 0.03).all()


def test_spectra_that_the_strip_cuts_or_misses_say_so(made, built):
    content = Reference.read(made, "arc").content
    x, y = built.place([2122.9, 2231.7])
    inside = (x[:, 0] > 1502) & (x[:, 1] < 2599) & (y.min(axis=1) > 1902) & (y.max(axis=1) < 2058)
    assert (content["DQ"][inside] == 0).all()
    far = (y.max(axis=1) < 1890) | (y.min(axis=1) > 2070)
    assert has(content["DQ"][far], "DO_NOT_USE").all()
    assert has(content["DQ"][far], "UNRELIABLE_WS").all()
    cut = (y[:, 0] > 1905) & (y[:, 1] < 2055) & ((x[:, 0] < 1495) | (x[:, 1] > 2606))
    assert has(content["DQ"][cut], "NON_SCIENCE").all()
    assert np.isfinite(content["COEFFS"]).all()


def test_the_lines_are_told(made, built):
    lines = Reference.read(made, "arc").content["LINES"]
    used = lines["USED"] == 1
    assert used.sum() > 500
    assert set(lines["LAMP"][used]) == set(LAMPS)
    assert set(np.round(lines["WAVELENGTH"][used], 1)) <= {round(w, 1) for of in built.lines.values() for w in of}
    assert (lines["X_ERR"][used] > 0).all()


def test_solvers_can_be_chosen(frames, references, built, tmp_path):
    files = list(frames.values())

    def choose(method):
        return make_reference("arc", files, tmp_path, references, parameters={"calibrate_arc": {"method": method}})

    for method, limit in (("legendre", 0.1), ("polynomial", 0.1)):
        path = choose(method)
        assert read_header(path)["WAVEMETH"] == method
        reference = Reference.read(path, "arc")
        error = find_error(reference, built, np.array([2130.0, 2150.0, 2205.0]))[0][reference.content["DQ"] == 0]
        assert np.sqrt(np.mean(error**2)) < limit
    with pytest.raises(InputError, match=r"method.*best"):
        choose("best")


def test_each_lamp_alone(frames, references, built, tmp_path):
    """Argon alone has five lines of each spectrum, krypton two; nowhere is the pattern taken for another."""
    for lamp in ("ARGON", "KRYPTON"):
        reference = Reference.read(make_reference("arc", [frames[lamp], frames["NONE"]], tmp_path, references), "arc")
        whole = reference.content["DQ"] == 0
        assert whole.sum() > 60
        error = find_error(reference, built, np.array([2125.0, 2150.0, 2190.0]))[0][whole]
        assert np.sqrt(np.mean(error**2)) < 0.02


def test_dark_lamps_are_told(built, frames, take, references, tmp_path):
    dark = take(built, np.zeros(built.region.shape), "ARGON")
    with pytest.raises(InputError, match=rf"{dark.name}: CALLAMP='ARGON': no light of lines found"):
        make_reference("arc", [dark, frames["NONE"]], tmp_path, references)
    with pytest.raises(InputError, match="no arc_on exposure"):
        make_reference("arc", [frames["NONE"]], tmp_path, references)
    with pytest.raises(InputError, match="no arc_off exposure"):
        make_reference("arc", [frames["ARGON"]], tmp_path, references)


def test_a_lamp_that_is_called_by_another_name(built, frames, take, references, tmp_path):
    """Krypton shines where the header says argon: beside others it would hide, alone take other lenslets."""
    wrong = take(built, built.draw("KRYPTON"), "ARGON")
    with pytest.raises(
        InputError, match=rf"{wrong.name}: CALLAMP='ARGON': .* those of KRYPTON; leave the exposure out"
    ):
        make_reference("arc", [wrong, frames["KRYPTON"], frames["XENON"], frames["NONE"]], tmp_path, references)
    with pytest.raises(InputError, match=rf"{wrong.name}: CALLAMP='ARGON': the lines of this lamp are not those"):
        make_reference("arc", [wrong, frames["NONE"]], tmp_path, references)


def test_the_lamp_of_an_exposure_is_blamed_not_the_setting_and_not_the_first_file(
    built, frames, take, references, tmp_path
):
    """Argon is called xenon: the brightest of the set, so most of all light is strange."""
    wrong = take(built, 2 * built.draw("ARGON"), "XENON")
    with pytest.raises(InputError, match=rf"{wrong.name}: CALLAMP='XENON': 2\d% .* another exposure's \d\d%; was it"):
        make_reference("arc", [frames["KRYPTON"], wrong, frames["NONE"]], tmp_path, references)


@pytest.mark.parametrize("second", ["KRYPTON", "XENON"])
def test_two_lamps_at_once(built, frames, take, references, second, tmp_path):
    both = take(built, built.draw("ARGON") + built.draw(second), "ARGON")
    with pytest.raises(InputError, match=rf"{both.name}: CALLAMP='ARGON': lines of {second} are seen too; take lamps"):
        make_reference("arc", [both, frames["NONE"]], tmp_path, references)


@pytest.mark.parametrize(
    ("cards", "told"),
    [
        ({"CALLAMP": "ARGON+KRYPTON"}, r"CALLAMP='ARGON.KRYPTON': take lamps one at a time"),
        ({"CALLAMP": "argon,xenon"}, "CALLAMP='argon,xenon': take lamps one at a time"),
        ({"CALLAMP": "HELIUM"}, "CALLAMP='HELIUM': has no line list; choose one of ARGON"),
        ({"FILTER": "dark"}, "FILTER='dark': no light passes; arcs need a filter"),
        ({"FILTER": "Kbb+KN3"}, "FILTER='Kbb.KN3': a header has one filter, not a series"),
        ({"SCALE": 0.025}, r"SCALE=0\.025: choose 0\.004, 0\.009 arcsec"),
    ],
)
def test_headers_that_no_arc_has_are_told_in_one_line(built, take, references, cards, told, tmp_path):
    blank = np.zeros(built.region.shape)
    files = [take(built, blank, "ARGON", **cards), take(built, blank, "NONE", **(cards | {"CALLAMP": "NONE"}))]
    with pytest.raises(InputError, match=rf"{files[0].name}: {told}") as caught:
        make_reference("arc", files, tmp_path, references)
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize(
    "stated",
    [
        LensletMode(4.0, "FINE_MASK", "4000-K", "KN2"),
        LensletMode(4.0, "FINE_MASK", "4000-H", "HN3"),
        LensletMode(4.0, "SERRATED_WIDE", "4000-K", "KN3"),
    ],
)
def test_headers_that_are_not_what_is_seen(stated, built, take, references, tmp_path):
    """The frames show KN3 through the fine mask."""
    frames = [take(built, built.draw(lamp), lamp, **stated.to_header()) for lamp in ("ARGON", "KRYPTON")]
    off = take(built, np.zeros(built.region.shape), "NONE", **stated.to_header())
    with pytest.raises(InputError, match=rf"fits: FILTER,GRATING,LLMSKST=\('{stated.filter}'.*check filter"):
        make_reference("arc", [*frames, off], tmp_path, references)


def test_inside_the_wide_field_a_reference_says_that_no_edge_is_seen(build, take, references, tmp_path):
    wide = build(mode=LensletMode(9.0, "SERRATED_WIDE", "4000-K", "KN3"))
    files = [take(wide, wide.draw("ARGON"), "ARGON"), take(wide, np.zeros(wide.region.shape), "NONE")]
    path = make_reference("arc", files, tmp_path, references)
    assert check_file(path) == []
    assert read_header(path)["NOTTREAT"].endswith("offset by a column of lenslets, since no edge of the field is seen")


def light_column(built, column):
    """A spectrograph of which only one column of lenslets is lit."""
    return replace(built, mode=LensletMode(4.0, "FINE_MASK_CALIBRATION", "4000-K", "KN3", column))


def test_a_single_column(built, take, references, tmp_path):
    lit = light_column(built, 11)
    frames = [take(lit, lit.draw(lamp), lamp) for lamp in ("ARGON", "KRYPTON")]
    off = take(lit, np.zeros(lit.region.shape), "NONE")
    reference = Reference.read(make_reference("arc", [*frames, off], tmp_path, references), "arc")
    assert check_file(make_reference("arc", [*frames, off], tmp_path, references)) == []
    assert (reference.header["LLMSKCOL"], set(reference.content["COLUMN"])) == (11, {11})
    error = find_error(reference, lit, np.array([2125.0, 2150.0, 2190.0]))[0][reference.content["DQ"] == 0]
    assert len(error) >= 4
    assert np.sqrt(np.mean(error**2)) < 0.02
    other = take(lit, lit.draw("XENON"), "XENON", LLMSKCOL=12)
    with pytest.raises(InputError, match=rf"{other.name}: LLMSKCOL=12: differs from"):
        make_reference("arc", [*frames, off, other], tmp_path, references)


@pytest.mark.parametrize("stated", [10, 12])
def test_light_of_the_neighbouring_column_is_refused(built, take, references, stated, tmp_path):
    """It lies a step of the lattice from where the header has it, beyond what is searched."""
    lit = light_column(built, 11)
    frames = [take(lit, lit.draw(lamp), lamp, LLMSKCOL=stated) for lamp in ("ARGON", "KRYPTON")]
    off = take(lit, np.zeros(lit.region.shape), "NONE", LLMSKCOL=stated)
    with pytest.raises(InputError, match="LLMSKST"):
        make_reference("arc", [*frames, off], tmp_path, references)


def test_saturated_arcs_are_told(built, frames, take, references, tmp_path):
    """Every line fills the well between the first two reads."""
    bright = take(built, 3000 * np.minimum(built.draw("KRYPTON"), 60.0), "KRYPTON")
    with pytest.raises(InputError, match=rf"{bright.name}: CALLAMP='KRYPTON': all lines.*saturated"):
        make_reference("arc", [bright, frames["ARGON"], frames["NONE"]], tmp_path, references)


def test_what_cannot_be_arcs_of_the_lenslets(built, frames, take, references, tmp_path):
    blank = np.zeros(built.region.shape)
    slicer = [take(built, blank, lamp, IFSMODE="SLICER") for lamp in ("ARGON", "NONE")]
    with pytest.raises(InputError, match="IFSMODE='SLICER'"):
        make_reference("arc", slicer, tmp_path, references)
    unknown = [take(built, blank, lamp, LLMSKST="NONE") for lamp in ("ARGON", "NONE")]
    with pytest.raises(InputError, match="fits: LLMSKST='NONE'"):
        make_reference("arc", unknown, tmp_path, references)
    with pytest.raises(InputError, match="differs from"):
        make_reference("arc", [frames["ARGON"], unknown[1]], tmp_path, references)
    with pytest.raises(InputError, match=rf"{frames['NONE'].name}: .*stands twice in the arc set; list it once"):
        make_reference("arc", [frames["ARGON"], frames["NONE"], frames["NONE"]], tmp_path, references)
    flat = take(built, built.draw("ARGON"), "FLAT")
    with pytest.raises(InputError, match="CALLAMP='FLAT'"):
        make_reference("arc", [flat, frames["NONE"]], tmp_path, references)


def test_a_region_that_cuts_all_spectra_is_told(build, take, references, tmp_path):
    narrow = build(region=Subarray(1501, 1901, 300, 160))
    frames = [take(narrow, np.zeros(narrow.region.shape), lamp) for lamp in ("ARGON", "NONE")]
    with pytest.raises(InputError, match=r"argon.*XSIZE.*cuts every spectrum"):
        make_reference("arc", frames, tmp_path, references)


def test_flags_are_those_of_the_table(made):
    dq = Reference.read(made, "arc").content["DQ"]
    assert not (dq & ~np.uint32(DQ["DO_NOT_USE"] | DQ["NON_SCIENCE"] | DQ["UNRELIABLE_WS"])).any()
