"""The as-designed instrument: units, tags and sources of every number, and what must follow from them."""

import math
from importlib import resources

import pytest
import yaml
from astropy import units

from iris_contract.errors import InputError
from iris_contract.instrument import CLOCKS, DETECTORS, load_facts, load_instrument

INSTRUMENT = load_instrument()
FACTS = {fact.name: fact for fact in load_facts()}
# central wavelengths in um of oirlab/liger_iris_sim gratings_summary; not in the contract, hence an independent check
CENTRES = {
    "4000": {"Z": 0.8989, "Y": 1.0362, "J": 1.2555, "H": 1.6288, "K": 2.1825, "HK": 1.9472, "YJ": 1.1133},
    "8000": {"Z": 0.8989, "Y": 1.0362, "J": 1.2584, "H": 1.6288, "K": 2.2161},
    "10000": {"Z": 0.8989, "Y": 1.0362, "J": 1.2555, "H": 1.6288, "K": 2.1825},
}


def count_leaves(tree):
    if "tag" in tree:
        return 1
    return sum(count_leaves(branch) for branch in tree.values())


def test_no_entry_of_the_data_file_is_lost():
    tree = yaml.safe_load(resources.files("iris_contract").joinpath("data/instrument.yaml").read_text("utf-8"))
    assert len(FACTS) == count_leaves(tree)
    assert set(tree) == {"telescope", "nfiraos", "imager", "ifs", "lenslet", "detectors", "detector", "focal_planes"}


@pytest.mark.parametrize("name", FACTS)
def test_fact_has_value_unit_tag_and_source(name):
    fact = FACTS[name]
    assert fact.value not in (None, "", [])
    assert fact.tag in {"R", "W", "D", "M", "C"}
    assert len(fact.source) > 3
    if fact.unit:
        units.Unit(fact.unit)
    else:
        values = fact.value if isinstance(fact.value, list) else [fact.value]
        assert name.endswith("quadrant") or all(isinstance(value, str) for value in values)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("telescope.collecting_area", 630.0),
        ("imager.pixel_scale", 4.0),
        ("detector.format", 4096),
        ("detector.outputs", 64),
        ("detector.reference_border", 4),
        ("detector.converter_bits", 16),
        ("detectors.H4RG-10.gain", 2.0),
        ("detectors.H4RG-10.read_noise", 11.0),
        ("detectors.H4RG-10.dark_current", 0.005),
        ("detectors.H4RG-10.well_depth", 100000.0),
        ("ifs.lenslet_scales", [4.0, 9.0]),
        ("ifs.slicer_scales", [25.0, 50.0]),
        ("nfiraos.focal_ratio", 15.0),
    ],
)
def test_headline_numbers_are_frozen(name, value):
    assert FACTS[name].value == value
    assert INSTRUMENT.values[name] == value


def test_there_are_four_imager_detectors_and_one_spectrograph_detector():
    assert DETECTORS == ("IMG1", "IMG2", "IMG3", "IMG4", "IFU")
    assert CLOCKS == ("FAST", "SLOW")
    types = {name: detector.type for name, detector in INSTRUMENT.detectors.items()}
    assert types == {"IMG1": "H4RG-10", "IMG2": "H4RG-10", "IMG3": "H4RG-10", "IMG4": "H4RG-10", "IFU": "H4RG-15"}
    quadrants = {detector.quadrant for name, detector in INSTRUMENT.detectors.items() if name != "IFU"}
    assert quadrants == {(-1, 1), (1, 1), (-1, -1), (1, -1)}


@pytest.mark.parametrize("name", DETECTORS)
def test_detector_can_hold_what_it_promises(name):
    detector = INSTRUMENT.detector(name)
    assert detector.size == detector.outputs * detector.output_width
    assert detector.full_scale == 65535
    assert detector.bias_level < detector.saturation_level < detector.full_scale
    assert (detector.saturation_level - detector.bias_level) * detector.gain < detector.well_depth
    assert detector.dark_current < detector.warm_limit < detector.hot_limit
    assert 0 < detector.dead_response_limit < detector.low_response_limit < 1


def test_focal_length_follows_from_pitch_and_scale():
    pitch = INSTRUMENT.detector("IMG1").pixel_pitch * units.um
    scale = INSTRUMENT.values["imager.pixel_scale"] * units.mas
    focal_length = (pitch / scale.to_value(units.rad)).to_value(units.m)
    assert focal_length == pytest.approx(INSTRUMENT.values["imager.focal_length"], abs=0.1)


def test_filters_are_ordered_and_within_the_detector():
    by_kind = {}
    for passband in INSTRUMENT.filters.values():
        assert 0.8 < passband.cut_on < passband.cut_off < INSTRUMENT.values["detector.long_wavelength_cutoff"]
        by_kind.setdefault(passband.kind, []).append(passband.cut_on)
    assert {kind: len(cut_ons) for kind, cut_ons in by_kind.items()} == {
        "broad": 5,
        "standard": 6,
        "narrow5": 22,
        "line": 11,
        "multi": 2,
    }
    assert all(cut_ons == sorted(cut_ons) for cut_ons in by_kind.values())


def test_narrow_filters_are_five_percent_wide():
    for passband in INSTRUMENT.filters.values():
        width = (passband.cut_off - passband.cut_on) / (0.5 * (passband.cut_on + passband.cut_off))
        if passband.kind == "narrow5":
            assert 0.045 < width < 0.06, passband.name
        if passband.kind == "line":
            assert width < 0.03, passband.name


def test_zero_points_are_given_for_the_simulated_filters():
    for name in ("Y", "J", "H", "K", "Ks"):
        assert INSTRUMENT.filter(name).vega_zero_point > 1e9
        assert INSTRUMENT.filter(name).sky > 0


def test_gratings_are_complete():
    found = {(str(g.resolution), g.band) for g in INSTRUMENT.gratings.values()}
    assert found == {(resolution, band) for resolution, bands in CENTRES.items() for band in bands}
    assert all(g.name == f"{g.resolution}-{g.band}" for g in INSTRUMENT.gratings.values())


@pytest.mark.parametrize("name", INSTRUMENT.gratings)
def test_grating_equation_holds_in_first_order(name):
    """Incidence tilt + 22.5 deg, exit tilt - 22.5 deg: sin + sin = 2 sin(tilt) cos(22.5 deg) = G lambda."""
    grating = INSTRUMENT.gratings[name]
    half_angle = math.radians(INSTRUMENT.values["ifs.collimator_camera_angle"] / 2)
    path_difference = grating.line_density * 1e-3 * CENTRES[str(grating.resolution)][grating.band]
    tilt = math.degrees(math.asin(path_difference / (2 * math.cos(half_angle))))
    assert tilt == pytest.approx(grating.tilt, abs=0.06)


@pytest.mark.parametrize("name", INSTRUMENT.gratings)
def test_camera_samples_every_resolution_element_by_two_pixels(name):
    """lambda/R = 2 px cos(beta)/(G f), with G lambda from the grating equation: f is the same for all."""
    grating, half_angle = INSTRUMENT.gratings[name], math.radians(22.5)
    tilt, pixel = math.radians(grating.tilt), INSTRUMENT.detector("IFU").pixel_pitch * 1e-3
    path_difference = 2 * math.sin(tilt) * math.cos(half_angle)
    focal_length = 2 * grating.resolution * pixel * math.cos(tilt - half_angle) / path_difference
    assert focal_length == pytest.approx(INSTRUMENT.values["ifs.camera_focal_length"], abs=1.0)


def test_unknown_names_are_refused_with_the_choices():
    with pytest.raises(InputError, match="DETECTOR='IMG5': no such detector; choose IMG1"):
        INSTRUMENT.detector("IMG5")
    with pytest.raises(InputError, match="FILTER='dark': no such filter; choose Zbb"):
        INSTRUMENT.filter("dark")
