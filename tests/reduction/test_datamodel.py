import numpy as np
import pytest
from astropy.io import fits
from stpipe.datamodel import AbstractDataModel

from iris_contract.check import check_file
from iris_contract.errors import InputError, LayoutError
from iris_reduction.datamodel import ImageModel, RampModel, SetModel, open_model


def edit_cards(path, cards):
    """Change cards of the primary header, or take out those whose value is None."""
    with fits.open(path, mode="update") as hdus:
        for key, value in cards.items():
            if value is None:
                del hdus[0].header[key]
            else:
                hdus[0].header[key] = value
    return path


def test_stpipe_takes_the_models_for_its_own(night):
    with open_model(night.raw["science"]) as model:
        assert isinstance(model, AbstractDataModel)
        assert model.crds_observatory == "tmt"
        assert model.meta.filename == night.raw["science"].name
        assert repr(model) == f"RampModel({night.raw['science'].name})"
    assert open_model(model) is model


def test_crds_parameters_are_meta_paths(night):
    parameters = open_model(night.raw["science"]).get_crds_parameters()
    assert parameters["META.INSTRUMENT.DETECTOR"] == "IMG1"
    assert parameters["META.OBSERVATION.DATE"] == "2035-01-10"
    assert parameters["META.EXPOSURE.READMODE"] == "UTR"


def test_a_raw_file_opens_with_the_border_flagged(night):
    model = open_model(night.raw["science"])
    assert isinstance(model, RampModel)
    assert model.reads.dtype == np.uint16
    assert model.read_dq is None
    assert np.array_equal(model.dq != 0, model.region.reference_pixels(model.detector))


def test_corrected_ramps_survive_the_disk(night, tmp_path):
    model = open_model(night.raw["science"])
    flags = np.zeros(model.reads.shape, np.uint8)
    flags[20, 20, 0, 5:] = 2
    changed = model.evolve({"S_SAT": "COMPLETE"}, reads=model.reads - np.float32(5000.25), read_dq=flags)
    path = changed.save(tmp_path / "corrected.fits")
    assert check_file(path) == []
    read = open_model(path)
    assert np.array_equal(read.reads, changed.reads)
    assert np.array_equal(read.read_dq, flags)
    assert np.array_equal(read.dq, model.dq)
    assert "S_SAT" not in model.header


def test_evolving_shares_what_does_not_change(night):
    model = open_model(night.raw["science"])
    assert model.evolve({"S_DQ": "COMPLETE"}).reads is model.reads


def test_outputs_follow_the_channels_in_use(night):
    model = open_model(night.raw["science"])
    assert model.evolve({"CHANNELS": 32}).detector.output_width == 128


def test_level_two_leaves_the_planes_of_the_fit(night, synthetic, tmp_path):
    plane = np.ones(synthetic.region.shape, np.float32)
    header = synthetic.make_header("product", DATAMODL="ImagerModel", DATALVL=2)
    image = ImageModel(header, "a_LVL2.fits", plane, plane, plane.astype(np.uint32), plane)
    path = image.save("ignored/a.fits", dir_path=tmp_path)
    assert check_file(path) == []
    assert open_model(path).chi2 is None


def test_sets_and_strangers(night, tmp_path, synthetic):
    path = tmp_path / "set.json"
    path.write_text(f'{{"schema": "iris-testbed/set/1", "kind": "dark", "files": ["{night.raw["dark"]}"]}}', "utf-8")
    assert isinstance(open_model(path), SetModel)
    flat = synthetic.write_reference(tmp_path / "flat.fits", "flat")
    with pytest.raises(LayoutError, match="DATAMODL='FlatModel'"):
        open_model(flat)


@pytest.mark.parametrize(
    ("cards", "told"),
    [
        ({"DETECTOR": "IMG9"}, "DETECTOR='IMG9'"),
        ({"XSTART": 4000}, "4096"),
        ({"DATE-OBS": "today"}, "DATE-OBS='today'"),
        ({"CHANNELS": 0}, "CHANNELS=0: must be one of 1, 4"),
        ({"CHANNELS": "many"}, "CHANNELS='many': must be of type int"),
        ({"CHANNELS": None}, "CHANNELS=None"),
        ({"DATALVL": 1}, "DATALVL=1: must be 0 for RampModel"),
        ({"DATALVL": "raw"}, "DATALVL='raw'"),
        ({"DATALVL": None}, "DATALVL=None"),
        ({"NGROUPS": 7}, "NGROUPS=7: HDU DATA has 1"),
        ({"NGROUPS": 1.0}, "NGROUPS=1.0: must be of type int"),
        ({"NGROUPS": None}, "NGROUPS=None"),
        ({"NREADS": 20}, "NREADS=20: HDU DATA has 2"),
        ({"NREADS": None}, "NREADS=None"),
    ],
)
def test_unusable_values_are_named(synthetic, tmp_path, cards, told):
    reads = np.zeros((*synthetic.region.shape, 1, 2), np.uint16)
    path = edit_cards(synthetic.write_raw(tmp_path / "raw.fits", reads, [0.0, 5.0]), cards)
    with pytest.raises(InputError, match=told) as caught:
        open_model(path)
    assert "raw.fits" in str(caught.value)


@pytest.mark.parametrize(
    ("cards", "told"),
    [({"CHANNELS": "x"}, "CHANNELS='x'"), ({"NREADS": 3}, "NREADS=3: HDU DATA has 20"), ({"DATALVL": 1}, "DATALVL=1")],
)
def test_corrected_ramps_are_held_to_their_headers_too(night, tmp_path, cards, told):
    path = open_model(night.raw["science"]).save(tmp_path / "corrected.fits")
    with pytest.raises(InputError, match=told):
        open_model(edit_cards(path, cards))


@pytest.mark.parametrize(
    ("cards", "told"),
    [({"XSIZE": 64}, r"HDU DATA has \(ny, nx\)=\(64, 128\)"), ({"DATALVL": 2}, "DATALVL=2: must be 1")],
)
def test_rates_are_held_to_their_headers(synthetic, tmp_path, cards, told):
    plane = np.ones(synthetic.region.shape, np.float32)
    header = synthetic.make_header("product", DATAMODL="RateModel", DATALVL=1)
    path = ImageModel(header, "a_LVL1.fits", plane, plane, plane.astype(np.uint32)).save(tmp_path / "a_LVL1.fits")
    with pytest.raises(LayoutError, match=told):
        open_model(edit_cards(path, cards))
