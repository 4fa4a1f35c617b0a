"""Scenarios: what ships is sound, and every broken one is refused with file, line and key."""

import re
from itertools import pairwise
from pathlib import Path

import pytest

from iris_contract.errors import ScenarioError
from iris_harness.nights import name_raw_file, plan_night
from iris_harness.scenario import find_scenario, list_scenarios, load_scenario, name_in_run
from iris_validators import load_specifications

MICRO = Path(__file__).parent / "micro.yaml"


@pytest.mark.parametrize("path", list_scenarios().values(), ids=list(list_scenarios()))
def test_scenarios_that_ship_are_sound(path):
    scenario = load_scenario(path)
    assert scenario.name == path.stem
    used = {role for family in scenario.families.values() for role in family.exposures}
    assert used == set(scenario.exposures)


@pytest.mark.parametrize(("text", "name"), [("", "quick"), ("# mine\n", "scenario.yaml")])
def test_commands_in_a_run_name_what_ships_by_name_and_others_by_their_copy(tmp_path, text, name):
    path = tmp_path / "any.yaml"
    path.write_text(text + find_scenario("quick").read_text())
    assert name_in_run(load_scenario(path)) == name


def test_every_specification_is_measured_by_some_scenario():
    required = {name for path in list_scenarios().values() for name in load_scenario(path).specifications}
    assert required == set(load_specifications())


def test_quick_has_eight_nights_and_touches_the_reference_border():
    scenario = load_scenario(find_scenario("quick"))
    assert scenario.nights >= 8
    assert (scenario.region.xstart, scenario.region.ystart) == (1, 1)
    assert scenario.exposures["dark"].readout.ramps >= 10  # a set is one multi-ramp file
    assert scenario.exposures["flat_high"].readout.ramps >= 10


BROKEN = [
    ("nights: 2", "nights: -1", "nights=-1"),
    ("nights: 2", "nights: two", "nights='two'"),
    ("nights: 2", "nights: true", "nights=True"),
    ("detector: IMG1", "detector: IMG9", "detector='IMG9'"),
    ("xsize: 64", "xsize: 5000", "XSTART,XSIZE"),
    ("title: Every", "titel: Every", "title"),
    ("seed: 11", "seed: 11\nsurprise: 1", "surprise"),
    ("interval: 5.0", "interval: 0.0001", "frame time"),
    ("filter: dark", "filter: purple", "purple"),
    ("exposures: [dark]", "exposures: [drak]", "drak"),
    ("settings: [alone, chain]", "settings: [alone, cahin]", "cahin"),
    ("rates: [2000.0]", "rates: [-3]", "-3"),
    ("rates: [2000.0]", "rates: []", "rates"),
    ("first_night: 2035-01-10", "first_night: someday", "first_night"),
    ("[ramp.bias,", "[ramp.bais,", "ramp.bais"),
    ("alone_without: [cosmic_rays]", "alone_without: [cosmic_ray]", "cosmic_ray"),
    ("schema: iris-testbed/scenario/1", "schema: iris-testbed/scenario/9", "schema"),
    *(
        ("rates: [77.0],", f"rates: [77.0], guide_window: {{xstart: {x}, ystart: 9, xsize: 8, ysize: 8{more}}},", said)
        for x, more, said in (
            (60, ", interval: 0.1", "guide window must lie inside the region"),
            (2, ", interval: 0.1", "guide window must not hold reference pixels"),
            (9, ", interval: 1.0e-5", "a reset and two reads of the window"),
            (9, ", interval: 11", "one read of the exposure"),
            (9, "", "guide_window.interval: is missing"),
            (9, ", interval: 1, gain: 3", "guide_window.gain"),
        )
    ),
    ("nights: 2", "nights: 2\nnights: 3", "twice"),
    ("nights: 2", "nights: [2", "not valid YAML"),
    ("  ramp: {", "  rampe: {", "rampe"),
    ("name: micro", "name: ../micro", "../micro"),
    ("algorithms: [ols, gls]", "algorithms: [ols, ../../gls]", "../../gls"),
    ("algorithms: [ols, gls]", "algorithms: [ols, glss]", "glss"),
    ("reads: 8, interval: 10.0, ramps: 4", "reads: 99000, interval: 10.0, ramps: 9900", "pixels times reads"),
    (
        "scene: uniform_sky, filter: H, rates: [77.0]",
        "scene: star_field, filter: H, rates: [77.0], stars: 5",
        "star_field",
    ),
    (
        "scene: uniform_sky, filter: H, rates: [77.0]",
        "scene: star_field, filter: H, rates: [7, 9], stars: -5",
        "star_field",
    ),
]


GAIN = "gain: {exposures: [flat_off, flat_high], algorithms: [photon_transfer], settings: [alone, chain]}"
FLAT = "  flat: {exposures: [flat_off, flat_high], algorithms: [lamp_on_off], settings: [alone, chain]}\n"
BROKEN += [  # what could only be found when much had been simulated
    (GAIN, GAIN.replace("flat_off, flat_high", "ladder"), "families.gain.exposures=['ladder']: it needs a flat with"),
    (GAIN, GAIN.replace("alone, chain", "alone"), "families.read_noise.settings=['alone', 'chain']: the chain's"),
    (FLAT, "", "the chain's image needs a flat of the same night; add the family flat"),
    ("exposures: [dark, flat_off, flat_high]", "exposures: [dark, flat_high]", "needs a flat without light"),
    ("exposures: [dark], algorithms: [ramp_mean]", "exposures: [sky], algorithms: [ramp_mean]", "needs a dark"),
    ("scene: uniform_sky, filter: H", "scene: uniform_sky, filter: K", "the chain's flat is of filter H, but sky"),
    ("seed: 11", "seed: 11\nreduction: {ipc: {skip: false}}", "the chain's image needs a ipc"),
    ("seed: 11", "seed: 11\nreduction: {saturation: {per_pixel: true}}", "needs a saturation of the same night"),
    ("seed: 11", "seed: 11\nreduction: {snowball: {skip: false}}", "snowballs are searched for in linear reads"),
    ("xsize: 64", "xsize: 1", "'xsize': 1, 'ysize': 64}: 0 rows and 0 columns of it see light"),
    ("xsize: 64", "xsize: 11", "60 rows and 7 columns of it see light"),
    ("xsize: 64", "xsize: 130", "120 pixels of output 2 see light; the family gain needs 256"),
    ("xstart: 1", "xstart: 0", "region={'xstart': 0"),
    ("seed: 11", "seed: -1", "seed=-1"),
    ("seed: 11", f"seed: {2**63}", "2**63 - 1"),
    ("  dark: {image_type", "  on: {image_type", "YAML reads on, off, yes and no as true and false"),
    ("exposures: [dark], algorithms: [ramp_mean]", "exposures: [off], algorithms: [ramp_mean]", "put a name in quotes"),
    ("rates: [2000.0]", "rates: [1e-9]", "YAML reads this as text: write a number as 1.0e-9"),
    ("interval: 5.0", "interval: 5e0", "YAML reads this as text"),
]


@pytest.mark.parametrize(("good", "bad", "said"), BROKEN, ids=[b[1][:30] for b in BROKEN])
def test_broken_scenario_is_refused_with_file_line_and_key(tmp_path, good, bad, said):
    text = MICRO.read_text()
    assert good in text
    path = tmp_path / "broken.yaml"
    path.write_text(text.replace(good, bad, 1))
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path)
    message = str(caught.value)
    assert said in message
    assert "\n" not in message
    assert f"{path}:" in message


@pytest.mark.parametrize(("xsize", "held"), [(360, False), (440, True)])
def test_a_region_that_cuts_every_spectrum_is_refused_before_it_is_simulated(tmp_path, xsize, held):
    """Spectra of KN3 are 395 to 407 px long, and begin every 27.5 px."""
    text, path = list_scenarios()["lenslet"].read_text(), tmp_path / "narrow.yaml"
    assert "xstart: 1409" in text
    path.write_text(text.replace("xstart: 1409", "xstart: 1700").replace("xsize: 1280", f"xsize: {xsize}"))
    if held:
        load_scenario(path)
        return
    with pytest.raises(ScenarioError, match=r"narrow.yaml:\d+: region=.*cuts every spectrum of KN3 with 4000-K"):
        load_scenario(path)


@pytest.mark.parametrize(
    ("region", "said"),
    [
        ("xstart: 1409, ystart: 1953, xsize: 1280, ysize: 31", "31 rows of it see light; arcs take 32, one row"),
        ("xstart: 1, ystart: 1, xsize: 64, ysize: 64", "no spectrum of KN3 with 4000-K and FINE_MASK falls on it"),
    ],
)
def test_a_region_that_lenslets_hardly_light_is_refused(tmp_path, region, said):
    text, path = list_scenarios()["lenslet"].read_text(), tmp_path / "dark.yaml"
    was = "xstart: 1409, ystart: 1953, xsize: 1280, ysize: 192"
    assert was in text
    path.write_text(text.replace(was, region))
    with pytest.raises(ScenarioError, match=rf"dark.yaml:\d+: region=.*{said}"):
        load_scenario(path)


def test_only_wavelengths_need_whole_spectra(tmp_path):
    import yaml

    tree = yaml.safe_load(list_scenarios()["lenslet"].read_text())
    tree["region"] = {"xstart": 1700, "ystart": 1953, "xsize": 64, "ysize": 16}
    tree["families"] = {"ramp": {"exposures": ["white"], "algorithms": ["gls"], "settings": ["alone"]}}
    path = tmp_path / "white.yaml"
    path.write_text(yaml.safe_dump(tree))
    load_scenario(path)


def test_line_is_that_of_the_key(tmp_path):
    path = tmp_path / "broken.yaml"
    path.write_text(MICRO.read_text().replace("seed: 11", "seed: eleven"))
    line = MICRO.read_text().splitlines().index("seed: 11") + 1
    with pytest.raises(ScenarioError, match=f"broken.yaml:{line}: seed="):
        load_scenario(path)


@pytest.mark.parametrize(
    ("good", "bad", "key", "meant"),
    [
        ("nights: 2", "nigths: 2", "nigths", "nights"),
        ("title: Every", "titel: Every", "titel", "title"),
        ("specifications: [", "specification: [", "specification", "specifications"),
        ("xsize: 64", "x_size: 64", "region.x_size", "xsize"),
        ("image_type: SKY", "imagetype: SKY", "exposures.sky.imagetype", "image_type"),
        (
            "rates: [77.0], readout: {reads: 8",
            "rates: [77.0], readout: {raeds: 8",
            "exposures.sky.readout.raeds",
            "reads",
        ),
        ("rates: [77.0], readout:", "rates: [77.0], redout:", "exposures.sky.redout", "readout"),
        ("  image: {exposures:", "  image: {exposure:", "families.image.exposure", "exposures"),
        ("  image: {", "  imgae: {", "families.imgae", "image"),
    ],
)
def test_a_misspelt_key_is_told_as_such_with_its_line_and_what_was_meant(tmp_path, good, bad, key, meant):
    """Not as one that is missing, which stands there for whoever wrote it."""
    text = MICRO.read_text().replace(good, bad)
    path = tmp_path / "broken.yaml"
    path.write_text(text)
    line = next(number for number, entry in enumerate(text.splitlines(), 1) if bad in entry)
    with pytest.raises(ScenarioError, match=rf"broken.yaml:{line}: {re.escape(key)}: .*; did you mean {meant}\?$"):
        load_scenario(path)


def test_an_unknown_key_like_no_other_is_told_with_all_there_are(tmp_path):
    path = tmp_path / "broken.yaml"
    path.write_text(MICRO.read_text() + "surprise: 1\n")
    with pytest.raises(ScenarioError, match=r"surprise: unknown key; known are blocks, detector, .* title$"):
        load_scenario(path)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("2035-13-01", "month must be in 1..12"),
        ("2035-02-30", "day is out of range"),
        ("2035-01-10 25:00:00", "hour must be in 0..23"),
        ("2035-0110", "must be date"),
    ],
)
def test_a_mistyped_date_is_told_with_key_and_line(tmp_path, value, said):
    path = tmp_path / "broken.yaml"
    path.write_text(MICRO.read_text().replace("2035-01-10", value))
    line = MICRO.read_text().splitlines().index("first_night: 2035-01-10") + 1
    with pytest.raises(ScenarioError, match=f"broken.yaml:{line}: first_night='{value}': .*{said}"):
        load_scenario(path)


@pytest.mark.parametrize("setting", ["alone", "chain"])
def test_simulator_and_overrides_need_no_reference_of_the_chain(tmp_path, setting):
    import yaml

    tree = yaml.safe_load(MICRO.read_text())
    tree["families"] = {
        "simulator": {"exposures": ["dark"], "algorithms": ["simulator"], "settings": [setting]},
        "ramp": {"exposures": ["ladder"], "algorithms": ["gls"], "settings": [setting]},
    }
    given = {"override_gain": "mine.fits", "override_readnoise": "mine.fits"}
    tree["reduction"] = {"mask": {"skip": True}, "ramp_fit": given}
    path = tmp_path / "overridden.yaml"
    path.write_text(yaml.safe_dump(tree))
    assert set(load_scenario(path).families) == {"simulator", "ramp"}


def test_references_that_steps_need_are_those_of_the_steps():
    from importlib import import_module

    from iris_harness.prerequisites import LEVEL1, LEVEL2, OFF, STEP_REFERENCES
    from iris_reduction.pipelines.level1 import Level1Pipeline
    from iris_reduction.pipelines.level2 import Level2Pipeline
    from iris_reduction.pipelines.level2_lenslet import Level2LensletPipeline
    from iris_reduction.steps import get_steps

    classes = {alias: getattr(import_module(p.rpartition(".")[0]), p.rpartition(".")[2]) for p, alias, _ in get_steps()}
    for alias, kinds in STEP_REFERENCES.items():
        assert tuple(classes[alias].reference_file_types) == kinds
        assert classes[alias]().skip == (alias in OFF)
    assert set(LEVEL1) <= set(Level1Pipeline.step_defs)
    pipelines = {"image": Level2Pipeline, "wavelength_map": Level2LensletPipeline}
    assert LEVEL2.keys() == pipelines.keys()
    for family, steps in LEVEL2.items():
        assert set(steps) <= set(pipelines[family].step_defs)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("exposures: [white], algorithms: [gls]", "exposures: [dark], algorithms: [gls]", "dark is not taken through"),
        ("algorithms: [gls], settings: [chain]", "algorithms: [gls], settings: [alone]", "no wavelength solution is"),
        ("  wavelength_map: {exp", "  image: {exp", "white is taken through lenslets"),
    ],
)
def test_level2_families_take_what_they_can_use(tmp_path, old, new, problem):
    text = find_scenario("lenslet").read_text("utf-8")
    assert old in text
    path = tmp_path / "changed.yaml"
    path.write_text(text.replace(old, new, 1), "utf-8")
    with pytest.raises(ScenarioError, match=problem):
        load_scenario(path)


@pytest.mark.parametrize("name", ["quik", "missing.yaml", "../quick"])
def test_unknown_scenario_names_the_choices(name):
    with pytest.raises(ScenarioError, match="quick"):
        find_scenario(name)


def test_yaml_cannot_construct_objects(tmp_path):
    path = tmp_path / "evil.yaml"
    path.write_text("!!python/object/apply:os.system ['true']\n")
    with pytest.raises(ScenarioError):
        load_scenario(path)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: &a [1]\n" + "".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in pairwise("abcdefghij")), 2),
        ("title: &a [*a]\n", 1),
        ("one: &x {a: 1}\n\ntwo: {<<: *x}\n", 3),
    ],
    ids=["bomb", "itself", "merge"],
)
def test_yaml_aliases_are_refused_at_once(tmp_path, text, line):
    path = tmp_path / "bomb.yaml"
    path.write_text(text)
    with pytest.raises(ScenarioError, match=rf"bomb.yaml:{line}: aliases are not read: write out what \*[ax] "):
        load_scenario(path)


def test_exposures_of_a_night_follow_each_other_and_have_names_of_their_own():
    scenario = load_scenario(MICRO)
    names = set()
    for night in (1, 2):
        planned = plan_night(scenario, night)
        starts = [p.exposure.start for p in planned]
        assert starts == sorted(starts)
        assert {p.exposure.start.date() for p in planned} == {scenario.first_night.replace(day=9 + night)}
        names |= {name_raw_file(p.exposure) for p in planned}
    assert len(names) == 10


def test_calibrations_come_before_what_they_calibrate():
    plans = plan_night(load_scenario(find_scenario("quick")), 1)
    kinds = [p.spec.image_type for p in plans if p.spec.detector == "IMG1"]
    first_science = min(i for i, kind in enumerate(kinds) if kind in ("SCI", "SKY"))
    assert not {"DRK", "NFF"} & set(kinds[first_science:])


@pytest.mark.parametrize(
    ("name", "darks", "well"), [("detector", ["dark", "noise"], "full_well"), ("imager-full", ["dark"] * 4, "brim")]
)
def test_darks_come_before_anything_bright_where_charge_persists(name, darks, well):
    roles = [p.spec.role for p in plan_night(load_scenario(find_scenario(name)), 1)]
    assert roles[: len(darks)] == darks
    for bright, after in ((well, "full_dark"), ("half_well", "half_dark"), ("steps", "afterglow")):
        assert roles.index(after) == roles.index(bright) + 1
    lamps = [n for n, role in enumerate(roles) if role.startswith("flat_") or role.endswith("_well")]
    assert roles.index("afterglow") < min(lamps)  # what a flat leaves in every pixel would be taken for its afterglow


def test_exposures_of_a_full_frame_are_of_thirty_reads_at_most():
    """A process holds the reads of one at a time, and has 8 GB."""
    exposures = load_scenario(find_scenario("imager-full")).exposures.values()
    assert max(spec.readout.ramps * spec.readout.reads for spec in exposures) <= 30


def write_text(folder, text):
    path = folder / "mine.yaml"
    path.write_text(text)
    return path


def test_parameters_of_steps_and_blocks(tmp_path):
    text = MICRO.read_text() + "reduction: {reference_pixel: {skip: true}}\nblocks: 4\n"
    scenario = load_scenario(write_text(tmp_path, text))
    assert scenario.reduction == {"reference_pixel": {"skip": True}}
    assert scenario.blocks == 4


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("reduction: {refpix: {skip: true}}", "no such Step"),
        ("reduction: {reference_pixel: 3}", "must be dict"),
        ("reduction: {reference_pixel: {skip: [1]}}", "must be a number, a word"),
        ("blocks: 3", "must be 4 or more"),
        ("blocks: 17", "must be at most 16"),
    ],
)
def test_wrong_parameters_of_steps_and_blocks(tmp_path, line, problem):
    with pytest.raises(ScenarioError, match=problem):
        load_scenario(write_text(tmp_path, MICRO.read_text() + line + "\n"))
