"""Exposures of two detectors in a scenario: what they take, and what is refused with line and key."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from iris_contract.errors import ScenarioError
from iris_contract.exposure import Subarray
from iris_contract.instrument import load_instrument
from iris_contract.lenslet import LensletMode
from iris_harness.exposures import Spectrograph
from iris_harness.nights import name_raw_file, plan_night
from iris_harness.run_directory import RunDirectory
from iris_harness.scenario import load_scenario

MICRO, TWO = (Path(__file__).parent / name for name in ("micro.yaml", "two.yaml"))
IFU_DARK = "ifu_dark: {detector: IFU, image_type: DRK, scene: blank, filter: dark"
ARC = """  arc:
    {detector: IFU, grating: 4000-K, image_type: ARC, scene: arc_lamp, filter: KN3, lamp: ARGON, shutter: OPEN,
     rates: [100.0], readout: {reads: 5, interval: 5.0}}
families:
"""


def load(folder, *changes):
    """The scenario of two detectors with some text changed."""
    text = TWO.read_text()
    for good, bad in changes:
        assert good in text
        text = text.replace(good, bad, 1)
    path = folder / "changed.yaml"
    path.write_text(text)
    return load_scenario(path)


def test_an_exposure_takes_the_region_of_its_detector():
    scenario = load_scenario(TWO)
    assert scenario.detectors == ("IMG1", "IFU")
    assert scenario.spectrograph == Spectrograph(Subarray(2049, 1, 48, 40), 4.0, "FINE_MASK")
    assert scenario.list_detectors("image") == ("IMG1",)
    assert scenario.list_detectors("dark") == ("IMG1", "IFU")
    assert [scenario.find_mode(name) for name in scenario.detectors] == ["IMG", "LENSLET"]
    for planned in plan_night(scenario, 1):
        wanted = scenario.spectrograph.region if planned.spec.role.startswith("ifu_") else scenario.region
        assert planned.exposure.subarray == wanted
        assert f"_{planned.exposure.detector}_" in name_raw_file(planned.exposure)


def test_numbers_run_through_the_night_and_times_go_by_the_detector_s_frame():
    scenario = load_scenario(TWO)
    planned = plan_night(scenario, 1)
    assert [p.exposure.number for p in planned] == list(range(1, len(planned) + 1))
    for before, after in pairwise(planned):
        exposure = before.exposure
        frame = exposure.subarray.frame_time(load_instrument().detector(exposure.detector), exposure.readout.clock)
        lasting = exposure.readout.ramps * (exposure.readout.times[-1] + frame) + 30
        assert (after.exposure.start - exposure.start).total_seconds() == pytest.approx(lasting, abs=1e-5)


def test_one_detector_is_as_it_was():
    scenario = load_scenario(MICRO)
    assert scenario.detectors == ("IMG1",)
    assert scenario.spectrograph is None
    assert {(p.exposure.detector, p.exposure.instrument_mode) for p in plan_night(scenario, 1)} == {("IMG1", "IMG")}


def test_a_grating_makes_it_an_exposure_of_the_lenslets(tmp_path):
    scale = ("ysize: 40}}\nnights", "ysize: 40}, scale: 9, mask: SERRATED_WIDE}\nnights")
    scenario = load(tmp_path, scale, ("families:\n", ARC))
    (arc,) = [p for p in plan_night(scenario, 1) if p.spec.role == "arc"]
    assert {p.exposure.instrument_mode for p in plan_night(scenario, 1) if p.exposure.detector == "IFU"} == {"LENSLET"}
    assert arc.exposure.lenslet == LensletMode(9.0, "SERRATED_WIDE", "4000-K", "KN3")
    assert (arc.exposure.instrument_mode, arc.exposure.lamp, arc.exposure.image_type) == ("LENSLET", "ARGON", "ARC")
    assert {p.exposure.lenslet for p in plan_night(scenario, 1) if p is not arc and p.spec.role != "arc"} == {None}


def find_modes(scenario):
    """Settings of the exposures through lenslets, by role."""
    return {p.spec.role: p.exposure.lenslet for p in plan_night(scenario, 1) if p.exposure.lenslet}


def test_the_single_column_is_chosen_in_the_block(tmp_path):
    single = ("ysize: 40}}\nnights", "ysize: 40}, mask: FINE_MASK_CALIBRATION, column: 11}\nnights")
    scenario = load(tmp_path, single, ("families:\n", ARC))
    assert scenario.spectrograph.column == 11
    mode = find_modes(scenario)["arc"]
    assert mode == LensletMode(4.0, "FINE_MASK_CALIBRATION", "4000-K", "KN3", 11)
    assert mode.to_header()["LLMSKCOL"] == 11
    assert find_modes(load(tmp_path, single, ("families:\n", ARC.replace("4000-K,", "4000-K, column: 12,"))))[
        "arc"
    ] == replace(mode, column=12)
    open_mask = load(tmp_path, single, ("families:\n", ARC.replace("4000-K,", "4000-K, mask: FINE_MASK,")))
    assert find_modes(open_mask)["arc"] == LensletMode(4.0, "FINE_MASK", "4000-K", "KN3")


def test_an_exposure_may_have_a_scale_and_a_mask_of_its_own(tmp_path):
    other = ARC.replace("  arc:", "  wide:").replace("4000-K,", "4000-K, scale: 9.0, mask: SERRATED_WIDE,")
    scenario = load(tmp_path, ("families:\n", ARC.removesuffix("families:\n") + other))
    assert find_modes(scenario) == {
        "arc": LensletMode(4.0, "FINE_MASK", "4000-K", "KN3"),
        "wide": LensletMode(9.0, "SERRATED_WIDE", "4000-K", "KN3"),
    }
    assert len(set(map(RunDirectory(tmp_path).spectrograph, scenario.lenslet_modes))) == 2


def test_the_spectrograph_may_be_the_only_one(tmp_path):
    text = MICRO.read_text().replace("detector: IMG1", "detector: IFU\nspectrograph: {mask: FINE_MASK}")
    path = tmp_path / "ifu.yaml"
    path.write_text(text)
    scenario = load_scenario(path)
    assert scenario.detectors == ("IFU",)
    assert scenario.find_region("IFU") == scenario.region == scenario.spectrograph.region


FLATS, LAMP = "[flat_off, flat_high", "flat_high:\n    {image_type: NFF, scene: flat_lamp, filter:"
BROKEN = [
    ([("spectrograph: {region: {xstart: 2049, ystart: 1, xsize: 48, ysize: 40}}\n", "")], "no block spectrograph"),
    ([("xstart: 2049", "xstart: 4090")], "XSTART,XSIZE"),
    ([("ysize: 40}}\nnights", "ysize: 40}, scale: 5.0}\nnights")], "spectrograph.scale=5.0: must be one of [4.0, 9.0]"),
    ([("ysize: 40}}\nnights", "ysize: 40}, mask: HALF}\nnights")], "spectrograph.mask='HALF'"),
    ([("ysize: 40}}\nnights", "ysize: 40}, slit: 1}\nnights")], "spectrograph.slit"),
    ([(IFU_DARK, IFU_DARK.replace("IFU", "IMG2"))], "must be one of IMG1, IFU"),
    ([("families:\n", ARC.replace("grating: 4000-K, ", ""))], "seen through lenslets: add a grating"),
    ([("families:\n", ARC.replace("4000-K", "9000-K"))], "exposures.arc.grating='9000-K'"),
    ([("families:\n", ARC.replace("detector: IFU, ", ""))], "only the spectrograph has one"),
    ([("families:\n", ARC.replace("arc_lamp", "ladder"))], "lenslets see arc_lamp, white_light or blank"),
    ([("families:\n", ARC.replace("ARGON", "RADON"))], "exposures.arc.lamp='RADON'"),
    ([("families:\n", ARC.replace("[100.0]", "[]"))], "a arc_lamp scene needs a rate"),
    ([("ysize: 40}}\nnights", "ysize: 40}, mask: FINE_MASK_CALIBRATION}\nnights")],
     "spectrograph.column: FINE_MASK_CALIBRATION lights one column of FINE_MASK: say which, from 0"),
    ([("ysize: 40}}\nnights", "ysize: 40}, mask: FINE_MASK_CALIBRATION, column: 23}\nnights")],
     "LLMSKCOL=23: must be 0..22"),
    ([("ysize: 40}}\nnights", "ysize: 40}, column: 2}\nnights")], "a column is given for FINE_MASK_CALIBRATION"),
    ([("families:\n", ARC.replace("4000-K,", "4000-K, column: true,"))], "exposures.arc.column=True: must be int"),
    ([("families:\n", ARC.replace("4000-K,", "4000-K, scale: 5,"))], "exposures.arc.scale=5.0: must be one of"),
    ([(IFU_DARK, IFU_DARK.replace("IFU,", "IFU, mask: FINE_MASK,"))], "exposures.ifu_dark.mask='FINE_MASK': only an"),
    ([("xsize: 48", "xsize: 5")], "5 columns of it see light"),
    ([("xsize: 48, ysize: 40", "xsize: 12, ysize: 12")], "96 pixels of output 32 see light; the family gain needs 256"),
    # The lamp that a header names is the one that shines.
    *(([("families:\n", ARC.replace(good, bad))], said) for good, bad, said in (
        ("ARGON", "FLAT", "exposures.arc.lamp='FLAT': a scene arc_lamp has lamp: ARGON or KRYPTON or XENON or NEON"),
        ("lamp: ARGON, ", "", "exposures.arc.lamp='NONE': a scene arc_lamp has lamp"),
        ("shutter: OPEN", "shutter: CLOSED", "exposures.arc.shutter='CLOSED': the light of a scene arc_lamp comes"),
        (" shutter: OPEN,", "", "exposures.arc.shutter='CLOSED'"),
        ("ARC,", "SCI,", "exposures.arc.image_type='SCI': a scene arc_lamp has image_type: ARC"),
        ("ARC,", "DRK,", "exposures.arc.image_type='DRK'"),
        ("KN3", "PaBeta", "exposures.arc.lamp='ARGON': has no listed line in the filter PaBeta; leave this"),
        ("KN3", "dark", "exposures.arc.filter='dark': FILTER='dark': has no two ends"),
        ("[100.0]", "[100.0, 9.0]", "exposures.arc.rates=[100.0, 9.0]: a scene arc_lamp has one rate"),
        ("[100.0]", "[0]", "exposures.arc.rates=[0.0]: a lamp shines"),
        ("arc_lamp", "blank", "exposures.arc.lamp='ARGON': a scene blank has no light"),
        ("arc_lamp", "white_light", "exposures.arc.lamp='ARGON': a scene white_light has lamp: FLAT"),
        ("4000-K,", "4000-K, mask: FINE_MASK_CALIBRATION, column: 23,", "exposures.arc.column=23: LLMSKCOL=23: must"),
        ("4000-K,", "4000-K, column: 2,", "exposures.arc.column=2: LLMSKCOL=2: a column is given"),
    )),
    ([("lamp: FLAT, shutter: OPEN, rates: [2000.0]", "lamp: FLAT, rates: [2000.0]")],
     "exposures.flat_high.shutter='CLOSED': the light of a scene flat_lamp comes"),
    # What the chain of one detector lacks is not made up for by the other's.
    ([("dark: {exposures: [dark, ifu_dark]", "dark: {exposures: [ifu_dark]")],
     "exposures=['sky']: the chain's image needs a dark of IMG1; add exposures of it to the family dark"),
    ([("exposures: [dark, ifu_dark], algorithms: [differences]", "exposures: [dark], algorithms: [differences]")],
     "the chain's bad_pixel needs a readnoise of IFU; add exposures of it to the family read_noise"),
    ([(f"{FLATS}, ifu_off, ifu_high], algorithms: [lamp", f"{FLATS}, ifu_high], algorithms: [lamp")],
     "it needs a flat without light (image_type: NFF, lamp: NONE) of IFU"),
    ([("scene: uniform_sky, filter: H", "scene: uniform_sky, filter: K")],
     "the chain's flat of IMG1 is of filter H, but sky"),
    ([(f"{LAMP} H", f"{LAMP} K")],
     "it needs a flat with light (image_type: NFF, lamp: FLAT, shutter: OPEN) of IMG1 of filter H"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "said"), BROKEN, ids=[said[:40] for _, said in BROKEN])
def test_what_is_wrong_with_two_detectors_is_refused_with_file_line_and_key(tmp_path, changes, said):
    with pytest.raises(ScenarioError) as caught:
        load(tmp_path, *changes)
    assert said in str(caught.value)
    assert f"{tmp_path / 'changed.yaml'}:" in str(caught.value)
