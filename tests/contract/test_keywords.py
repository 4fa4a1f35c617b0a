"""Contract 1, keywords: names, types, required files and allowed values, spelled out."""

import re

import pytest
from astropy import units
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st

from iris_contract.keywords import find_problem, load_keywords

TYPES = {
    "str": """DATAMODL TELESCOP INSTRUME INSTERA DETECTOR INSTMODE FILTER PUPIL GRATING CALLAMP CALSHUT SEMID
        PROGNUM OBSNUM OBS_ID IMTYPE DATE-OBS TIME-OBS READMODE CLOCK SUBARRAY BUNIT PNTGST ADCFOLL AOLOOP IFSMODE
        WAVEMETH LLMSKST SLMSKST REFTYPE USEAFTER PEDIGREE AUTHOR DESCRIP PIPELINE CAL_VER CRDS_CTX CRDS_VER RAMPFIT
        NOTTREAT REFMETH SNOWMETH LINFIT SARRMODE S_DQ S_SAT S_REF S_LIN S_SNOW S_RAMP S_PERS S_IPC S_DARK S_FLAT S_WAVE
        S_BPM""",
    "int": """DATALVL SPECRES EXPNUM NGROUPS NREADS CHANNELS SUBARRID XSTART YSTART XSIZE YSIZE NINPUTS FIRSTRD NSNOW
        ODGWXSTA ODGWYSTA ODGWXSIZ ODGWYSIZ LLMSKCOL""",
    "float": """SCALE WAVEMIN WAVEMAX WAVECEN EXPTIME RAMPTIME EXPJDST EXPJDMID EXPJDEND READTIME RA DEC EQUINOX
        PARANG AZ EL ZA HA AIRMASS LST PA INROTANG PROTANG ENVTAIR ENVPRES ENVRH ENVWIND ADCPRISA ADCPRISB ADCWAVE
        LGSR0 LGSL0 LGSTAU0 LGSTHT0 AORATEHO AORATELO AOENCPRE ODGWIMEL ODGWIMS1 ODGWIMS2 ODGWIMRT CLDSTPX CLDSTPY
        CLDSTPTH IMGDTEMP IFSDTEMP IPCVAR LINNORM PERSCHRG PERSPOW ODGWINTV""",
    "bool": "FILTDRFL",
}
OF_AN_EXPOSURE = """DATAMODL DATALVL TELESCOP INSTRUME INSTERA DETECTOR INSTMODE FILTER PUPIL SCALE WAVEMIN WAVEMAX
    WAVECEN FILTDRFL CALLAMP CALSHUT SEMID PROGNUM OBSNUM OBS_ID IMTYPE DATE-OBS TIME-OBS EXPTIME RAMPTIME EXPNUM
    EXPJDST EXPJDMID EXPJDEND READMODE NGROUPS NREADS READTIME CLOCK CHANNELS SUBARRAY SUBARRID XSTART YSTART XSIZE
    YSIZE RA DEC AZ EL AIRMASS PA PNTGST ENVTAIR ENVPRES ENVRH ENVWIND ADCPRISA ADCPRISB ADCWAVE ADCFOLL LGSR0
    AORATEHO AOLOOP IFSMODE IMGDTEMP"""
REQUIRED = {
    "raw": OF_AN_EXPOSURE,
    "product": OF_AN_EXPOSURE,
    "reference": """DATAMODL TELESCOP INSTRUME INSTERA DETECTOR DATE-OBS TIME-OBS SUBARRAY XSTART YSTART XSIZE YSIZE
        REFTYPE USEAFTER PEDIGREE AUTHOR DESCRIP""",
    "truth": "DATAMODL",
}
ALLOWED = {
    "DATALVL": "0 1 2 3",
    "TELESCOP": "TMT",
    "INSTRUME": "IRIS",
    "DETECTOR": "IMG1 IMG2 IMG3 IMG4 IFU",
    "INSTMODE": "IMG SLICER LENSLET",
    "FILTER": """Zbb Ybb Jbb Hbb Kbb Z Y J H Ks K ZN1 ZN2 ZN3 ZN4 YN1 YN2 YN3 YN4 JN1 JN2 JN3 JN4 HN1 HN2 HN3 HN4 HN5
        KN1 KN2 KN3 KN4 KN5 CaIIw HeI Jcont PaBeta Hcont FeII H2one Kcont Br_Gamma H2two CO YJ HK dark through""",
    "PUPIL": "CLEAR STOP",
    "GRATING": """4000-Z 4000-Y 4000-J 4000-H 4000-K 4000-HK 4000-YJ 8000-Z 8000-Y 8000-J 8000-H 8000-K 10000-Z
        10000-Y 10000-J 10000-H 10000-K NONE MIRROR""",
    "CALLAMP": "NONE FLAT XENON ARGON NEON KRYPTON",
    "CALSHUT": "OPEN CLOSED",
    "IMTYPE": "SCI SKY DRK NFF TEL PSF ARC SPX PIN FIB",
    "DATE-OBS": "@date",
    "TIME-OBS": "@time",
    "READMODE": "CDS MCDS UTR",
    "CLOCK": "FAST SLOW",
    "CHANNELS": "1 4 16 32 64",
    "SUBARRAY": "FULL CUSTOM",
    "SARRMODE": "FULL_FRAME SUB_ARRAY ODGW",
    "BUNIT": "DN electron electron/s electron/DN 1 s",
    "PNTGST": "SLEWING TRACKING INPOSITION",
    "ADCFOLL": "FOLLOWING NOT_FOLLOWING",
    "AOLOOP": "OPEN CLOSED",
    "IFSMODE": "LENSLET SLICER NONE",
    "LLMSKCOL": "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22",
    "LLMSKST": "FULL_OPEN SERRATED_WIDE FINE_MASK FINE_MASK_CALIBRATION NONE",
    "SLMSKST": "FULL_OPEN HALF NONE",
    "REFTYPE": """dark flat mask gain readnoise linearity saturation ipc persist arc rectmat lenflat fiber dmap psfstar
        sky fluxcal adcres env insconf nfconf psfmeta ptg""",
    "USEAFTER": "@datetime",
    "PEDIGREE": "SIMULATION GROUND DUMMY INFLIGHT MODEL",
    **dict.fromkeys(
        (
            "S_DQ",
            "S_SAT",
            "S_REF",
            "S_LIN",
            "S_SNOW",
            "S_RAMP",
            "S_PERS",
            "S_IPC",
            "S_DARK",
            "S_FLAT",
            "S_WAVE",
            "S_BPM",
        ),
        "COMPLETE SKIPPED",
    ),
}


def test_names_and_types_are_frozen():
    found = {row.keyword: row.type for row in load_keywords().values()}
    assert found == {name: kind for kind, names in TYPES.items() for name in names.split()}


@pytest.mark.parametrize("role", REQUIRED)
def test_required_keywords_are_frozen(role):
    found = {row.keyword for row in load_keywords().values() if role in row.required}
    assert found == set(REQUIRED[role].split())


def test_allowed_values_are_frozen():
    found = {row.keyword: list(row.allowed) for row in load_keywords().values() if row.allowed}
    assert found == {name: values.split() for name, values in ALLOWED.items()}


def test_no_file_is_required_to_carry_a_keyword_of_an_unknown_role():
    assert {role for row in load_keywords().values() for role in row.required} == set(REQUIRED)


@pytest.mark.parametrize("name", load_keywords())
def test_row_is_a_fits_keyword_with_path_unit_source_and_description(name):
    row = load_keywords()[name]
    assert re.fullmatch(r"[A-Z0-9_-]{1,8}", row.keyword)
    assert re.fullmatch(r"META(\.[A-Z0-9_]+)+", row.path)
    assert row.source
    assert row.description
    units.Unit(row.unit)


def test_no_two_keywords_share_a_path():
    paths = [row.path for row in load_keywords().values()]
    assert len(set(paths)) == len(paths)


def test_no_keyword_means_something_else_to_astropy():
    assert not set(load_keywords()) & set(fits.PrimaryHDU().header)


@pytest.mark.parametrize(
    ("keyword", "value", "problem"),
    [
        ("FILTER", "H", None),
        ("FILTER", "Q", "must be one of Zbb, "),
        ("FILTER", 3, "must be of type str"),
        ("CHANNELS", 64, None),
        ("CHANNELS", 63, "must be one of 1, 4"),
        ("CHANNELS", "64", "must be of type int"),
        ("CHANNELS", True, "must be of type int"),
        ("EXPTIME", 3, None),
        ("EXPTIME", 3.5, None),
        ("EXPTIME", "3.5", "must be of type float"),
        ("FILTDRFL", True, None),
        ("FILTDRFL", 1, "must be of type bool"),
        ("DATE-OBS", "2035-02-28", None),
        ("DATE-OBS", "2035-02-29", "must be one of YYYY-MM-DD"),
        ("DATE-OBS", "20350228", "must be one of YYYY-MM-DD"),
        ("TIME-OBS", "23:59:59.999", None),
        ("TIME-OBS", "24:00:01", "must be one of hh:mm:ss.sss"),
        ("USEAFTER", "2035-02-28T00:00:00", None),
        ("USEAFTER", "2035-02-28", "must be one of YYYY-MM-DDThh:mm:ss"),
    ],
)
def test_problem_is_named_in_words(keyword, value, problem):
    found = find_problem(load_keywords()[keyword], value)
    assert found is None if problem is None else found is not None and found.startswith(problem)


@given(
    st.sampled_from(sorted(load_keywords())),
    st.none() | st.text() | st.integers() | st.floats() | st.booleans() | st.binary(),
)
def test_any_value_is_either_accepted_or_explained(name, value):
    row = load_keywords()[name]
    problem = find_problem(row, value)
    if problem is None:
        assert row.type in {"float": ("float",), "int": ("int", "float")}.get(
            type(value).__name__, (type(value).__name__,)
        )
