"""IPC through the pipelines: a coupled night of the test's own making, calibrated and corrected."""

import numpy as np
import pytest
from scipy.ndimage import convolve

from iris_contract import Image, Reference
from iris_contract.check import check_file
from iris_contract.dq import has
from iris_contract.errors import InputError
from iris_contract.fitsio import read_header
from iris_reduction import make_reference, run_level1, run_level2

TRUE = (0.0132, 0.0117, 0.0012)


@pytest.fixture(scope="module")
def couple(synthetic):
    right, upper, corner = TRUE
    kernel = np.array([[corner, upper, corner], [right, 0, right], [corner, upper, corner]])
    kernel[1, 1] = 1 - kernel.sum()
    border = synthetic.region.reference_pixels(synthetic.detector)

    def take(rng, rate, times, ramps):
        steps = np.diff(times, prepend=times[0])
        charge = rng.poisson(rate[:, :, None, None] * steps, (*rate.shape, ramps, len(times))).astype(float)
        charge = convolve(charge.cumsum(axis=-1), kernel[:, :, None, None], mode="nearest")
        charge[border] = 0
        charge += 35 * rng.standard_normal((*rate.shape, ramps, 1)) + 11 * rng.standard_normal(charge.shape)
        return np.rint(charge / 2 + 5000).astype(np.uint16)

    return take


@pytest.fixture(scope="module")
def links(couple, synthetic, tmp_path_factory):
    folder, rng = tmp_path_factory.mktemp("flats"), np.random.default_rng(1)
    files = []
    for number, level in enumerate((0.0, 500.0, 2000.0)):
        reads = couple(rng, np.full((64, 128), level), synthetic.short, 10)
        cards = {"IMTYPE": "NFF", "CALLAMP": "FLAT" if level else "NONE", "TIME-OBS": f"04:{number:02d}:00"}
        files.append(synthetic.write_raw(folder / f"{number}.fits", reads, synthetic.short, CALSHUT="OPEN", **cards))
    return make_reference("ipc", files, folder)


def test_the_reference(links):
    assert check_file(links) == []
    content = Reference.read(links, "ipc").content
    assert content["DATA"].shape == (64, 128, 3)
    assert (content["DATA"][:4] == 0).all()
    pulls = (content["DATA"] - TRUE)[30, 50] / content["ERR"][30, 50]
    assert (np.abs(pulls) < 5.3).all()  # false alarm 4e-7


@pytest.fixture(scope="module")
def planes(couple, synthetic, links, tmp_path_factory):
    """Two pixels of 2000 e-/s on 50 e-/s, and references of constant planes."""
    folder, rng = tmp_path_factory.mktemp("science"), np.random.default_rng(2)
    rate = np.full((64, 128), 50.0)
    rate[30, 40] = rate[40, 90] = 2000.0
    raw = synthetic.write_raw(folder / "raw.fits", couple(rng, rate, synthetic.long, 1), synthetic.long)
    values = {"mask": {}, "gain": {"DATA": 2.0}, "readnoise": {"DATA": 11.015}, "dark": {"DATA": 0.0}, "flat": {}}
    made = {k: synthetic.write_reference(folder / f"{k}.fits", k, **v) for k, v in values.items()}
    exact = np.array(TRUE, np.float32)
    made["ipc"] = synthetic.write_reference(folder / "ipc.fits", "ipc", shape=(64, 128, 3), DATA=exact, ERR=0)
    return rate, raw, made, folder


ON = {"ramp_fit": {"coupled": True}, "ipc": {"skip": False}}


@pytest.fixture(scope="module")
def products(planes):
    _, raw, made, folder = planes
    rate = run_level1(raw, folder / "on", overrides=made, parameters=ON)
    return rate, run_level2(rate, folder / "on", overrides=made, parameters=ON)


def test_variance_planes(products):
    rate = Image.read(products[0])
    assert check_file(products[0]) == []
    assert rate.var_poisson + rate.var_read == pytest.approx(rate.err**2, rel=1e-5)
    header = read_header(products[0])
    assert header["IPCVAR"] == pytest.approx(0.894, abs=0.003)
    assert "IPC references" in header["NOTTREAT"]


def test_light_returns_to_its_pixel_and_pulls_are_normal(products, planes):
    """Level 2: neighbours of bright pixels within 5 sigma of 50 e-/s; pull width within 3 % (sampling 0.8 %)."""
    truth = planes[0]
    image = Image.read(products[1])
    assert check_file(products[1]) == []
    assert image.header["S_IPC"] == "COMPLETE"
    good = ~has(image.dq, "REFERENCE_PIXEL", "JUMP_DET")
    good[:5], good[:, :5], good[:, 123:], good[59:] = False, False, False, False
    pulls = (image.data - truth)[good] / image.err[good]
    near = [(30, 41), (31, 40), (31, 41), (40, 89)]
    assert all(abs(image.data[p] - 50) < 5.3 * image.err[p] for p in near)
    assert abs(image.data[30, 40] - 2000) < 5.3 * image.err[30, 40]
    assert pulls.std() == pytest.approx(1, abs=0.03)


def test_without_treatment_the_light_is_lost_and_the_errors_are_too_large(planes):
    """The twin of the test above: 5 % of the light is beside its pixel, and pulls of level 1 are 5 % too narrow."""
    truth, raw, made, folder = planes
    rate = run_level1(raw, folder / "off", overrides=made)
    image = Image.read(run_level2(rate, folder / "off", overrides=made))
    assert image.header["S_IPC"] == "SKIPPED"
    assert Image.read(rate).var_read is None
    assert image.data[30, 41] > 70
    assert image.data[30, 40] < 1920
    good = ~has(image.dq, "REFERENCE_PIXEL", "JUMP_DET") & (truth == 50)
    assert np.median(np.abs(image.data - 50)[good] / image.err[good]) / 0.6745 < 0.97


def test_an_image_without_variance_planes_is_refused(planes):
    _, raw, made, folder = planes
    rate = run_level1(raw, folder / "plain", overrides=made)
    with pytest.raises(InputError, match="coupled=True"):
        run_level2(rate, folder / "plain", overrides=made, parameters={"ipc": {"skip": False}})


def test_a_flat_for_corrected_images_has_the_contrast_of_the_response(couple, synthetic, planes, tmp_path):
    """Every fourth pixel responds with 0.7: a coupled flat shows 0.715, one whose coupling is undone 0.7."""
    _, _, made, _ = planes
    response, rng, files = np.ones((64, 128)), np.random.default_rng(3), []
    response[::4, ::4] = 0.7
    for number, level in enumerate((0.0, 2000.0)):
        reads = couple(rng, level * response, synthetic.short, 10)
        cards = {"IMTYPE": "NFF", "CALLAMP": "FLAT" if level else "NONE", "TIME-OBS": f"04:{number:02d}:00"}
        files.append(synthetic.write_raw(tmp_path / f"{number}.fits", reads, synthetic.short, CALSHUT="OPEN", **cards))
    contrast = {}
    for name, parameters in (("coupled", {}), ("undone", ON)):
        path = make_reference("flat", files, tmp_path / name, overrides=made, parameters=parameters)
        flat = Reference.read(path, "flat").content["DATA"][8:56, 8:120]
        contrast[name] = flat[::4, ::4].mean() / flat[2::4, 2::4].mean()
    assert contrast["undone"] == pytest.approx(0.7, abs=0.001)
    assert contrast["coupled"] > 0.71


@pytest.mark.parametrize("corrected", [False, True])
def test_the_mask_tells_classes_by_what_pixels_are_without_their_neighbours(corrected, couple, planes, synthetic):
    """Coupling lifts a response of 7 % above the limit of the dead, and warms the four pixels beside a hot one."""
    _, _, made, folder = planes
    folder = folder / f"mask-{corrected}"
    folder.mkdir()
    rng, detector = np.random.default_rng(3), synthetic.detector
    lit, dark = np.full((64, 128), 2000.0), np.zeros((64, 128))
    lit[30, 40], dark[40, 90] = 0.07 * 2000.0, 20.0
    plan = (("DRK", dark, synthetic.long), ("NFF", 0 * dark, synthetic.short), ("NFF", lit, synthetic.short))
    files = []
    for number, (kind, rate, times) in enumerate(plan):
        cards = {"IMTYPE": kind, "CALLAMP": "FLAT" if number == 2 else "NONE", "TIME-OBS": f"04:{number:02d}:00"}
        name = folder / f"{number}.fits"
        files.append(synthetic.write_raw(name, couple(rng, rate, times, 10), times, CALSHUT="OPEN", **cards))
    path = make_reference("mask", files, folder, overrides=made, parameters=ON if corrected else {})
    dq = Reference.read(path, "mask").content["DQ"]
    lost = 2 * sum(TRUE[:2]) + 4 * TRUE[2]
    assert 0.07 < detector.dead_response_limit < 0.07 * (1 - lost) + lost
    assert has(dq[30, 40], "DEAD") == corrected
    assert has(dq[30, 40], "LOW_QE") != corrected
    assert TRUE[1] * 20.0 > detector.warm_limit
    assert has(dq[[40, 40, 39, 41], [89, 91, 90, 90]], "WARM").all() != corrected
    assert has(dq[40, 90], "HOT")
