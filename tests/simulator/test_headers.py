"""Headers carry what the contract requires, true to the exposure, and nothing that is truth."""

from collections.abc import Callable
from datetime import datetime, timedelta, timezone

import pytest

from iris_contract import DQ, Detector, Exposure, Readout, Subarray, load_instrument
from iris_contract.errors import InputError
from iris_contract.fitsio import Header
from iris_contract.keywords import find_problem, load_keywords
from iris_contract.lenslet import LensletMode
from iris_simulator import EFFECTS, AsBuilt, Blank, UniformSky, observe
from iris_simulator.headers import make_header

Expose = Callable[..., Exposure]


def make(detector: Detector, exposure: Exposure) -> Header:
    return make_header(exposure, detector, seed=987654321, night=7)


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"image_type": "DRK", "filter": "dark", "shutter": "CLOSED"},
        {"image_type": "NFF", "filter": "Kbb", "lamp": "FLAT"},
        {"image_type": "SKY", "filter": "through"},
        {"readout": Readout.fowler(1, 1.0, 30.0)},
        {"readout": Readout.fowler(4, 1.0, 30.0, ramps=3, clock="SLOW")},
    ],
)
def test_header_conforms(detector: Detector, expose: Expose, values: dict[str, object]) -> None:
    header = make(detector, expose(**values))
    table = load_keywords()
    required = {k for k, row in table.items() if "raw" in row.required}
    assert required <= set(header) <= set(table)
    assert [find_problem(table[k], v) for k, v in header.items() if find_problem(table[k], v)] == []


@pytest.mark.parametrize("mask", ["FINE_MASK", "SERRATED_WIDE", "FINE_MASK_CALIBRATION"])
def test_lenslet_header_conforms_and_gives_its_mode_back(expose: Expose, mask: str) -> None:
    mode = LensletMode(9.0, mask, "4000-K", "KN3", 5 if "CALIBRATION" in mask else None)
    more = {"filter": "KN3", "detector": "IFU", "image_type": "ARC", "lamp": "XENON"}
    header = make(load_instrument().detector("IFU"), expose(lenslet=mode, **more))
    table = load_keywords()
    assert {k for k, row in table.items() if "raw" in row.required} <= set(header) <= set(table)
    assert [find_problem(table[k], v) for k, v in header.items() if find_problem(table[k], v)] == []
    assert LensletMode.from_header(header) == mode
    assert (header["DETECTOR"], header["INSTMODE"], header["IFSMODE"]) == ("IFU", "LENSLET", "LENSLET")
    assert (header["SCALE"], header["SPECRES"]) == (0.009, 4000)


def test_header_repeats_the_command(detector: Detector, expose: Expose) -> None:
    region = Subarray(33, 65, 100, 90)
    readout = Readout.up_the_ramp(6, 10.0, ramps=3)
    h = make(detector, expose(region, readout, number=12, filter="J", program=("2035B", "P009", "017")))
    assert (h["XSTART"], h["YSTART"], h["XSIZE"], h["YSIZE"], h["SUBARRAY"]) == (33, 65, 100, 90, "CUSTOM")
    assert (h["NGROUPS"], h["NREADS"], h["READTIME"], h["RAMPTIME"], h["EXPTIME"]) == (3, 6, 10.0, 50.0, 150.0)
    assert (h["FILTER"], h["WAVEMIN"], h["WAVEMAX"], h["WAVECEN"]) == ("J", 1.166, 1.33, 1.248)
    assert (h["EXPNUM"], h["OBS_ID"], h["SCALE"]) == (12, "2035B-P009-017", 0.004)
    assert (h["DATE-OBS"], h["TIME-OBS"]) == ("2035-01-10", "06:30:00.000")


def test_full_format_is_told(detector: Detector, expose: Expose) -> None:
    h = make(detector, expose(Subarray.full(detector)))
    assert (h["SUBARRAY"], h["SUBARRID"]) == ("FULL", 0)


def test_a_cds_of_the_full_format_takes_three_frames(detector: Detector, expose: Expose) -> None:
    """Reset and two reads of 0.72 s: 2.16 s, as in the data rates of oirlab/iris_drs_assembly."""
    h = make(detector, expose(Subarray.full(detector), Readout.fowler(1, 0.72, 0.72)))
    assert (h["EXPJDEND"] - h["EXPJDST"]) * 86400 == pytest.approx(2.16, abs=1e-3)
    assert h["EXPJDMID"] == pytest.approx((h["EXPJDEND"] + h["EXPJDST"]) / 2, abs=1e-8)


def test_time_is_given_in_utc(detector: Detector, expose: Expose) -> None:
    hawaii = datetime(2035, 1, 9, 20, 30, tzinfo=timezone(timedelta(hours=-10)))
    assert make(detector, expose(start=hawaii)) == make(detector, expose())


def test_header_does_not_depend_on_scene_or_effects(inner: AsBuilt, expose: Expose) -> None:
    exposure = expose(readout=Readout.fowler(1, 1.0, 5.0))
    ramps = [
        observe(scene, exposure, inner, seed=1, night=1, effects=effects, cosmic_ray_boost=boost)[0]
        for scene, effects, boost in ((Blank(), (), 1.0), (UniformSky(50.0), EFFECTS, 500.0))
    ]
    assert ramps[0].header == ramps[1].header


def test_header_betrays_no_truth(detector: Detector, expose: Expose) -> None:
    header = make(detector, expose(role="ladder"))
    text = " ".join(f"{key}={value}" for key, value in header.items()).lower()
    secrets = ("987654321", "ladder", "seed", "scene", "effect", *EFFECTS, *(name.lower() for name in DQ))
    assert [secret for secret in secrets if secret in text.replace("filter=dark", "")] == []


def test_the_bare_detector_of_the_spectrograph_is_not_the_imagers(expose: Expose) -> None:
    header = make(load_instrument().detector("IFU"), expose(detector="IFU", image_type="DRK", filter="dark"))
    assert (header["DETECTOR"], header["INSTMODE"], header["IFSMODE"]) == ("IFU", "LENSLET", "NONE")
    assert (header["GRATING"], header["LLMSKST"]) == ("NONE", "NONE")


def test_unknown_filter_is_named(detector: Detector, expose: Expose) -> None:
    with pytest.raises(InputError, match="FILTER='Q'"):
        make(detector, expose(filter="Q"))
