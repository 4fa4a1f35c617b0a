"""`strun` by alias, with references that CRDS selects from a run's cache: every Step and Pipeline."""

import json

import numpy as np
import pytest
from stpipe import Step

from iris_contract.frames import Image, Reference
from iris_contract.manifest import read_manifest
from iris_reduction.cache import use_cache
from iris_reduction.steps import get_steps

pytestmark = pytest.mark.xdist_group("micro")

SEQUENCE = ["mask", "saturation", "reference_pixel", "ramp_fit", "dark", "flat"]
OFF = ["linearity", "snowball", "persistence", "ipc"]  # left out by this run; the reduction's tests run them
OFF_SETS = ["linearity", "saturation", "persist", "ipc"]
SETS = {"gain": "gain", "readnoise": "read_noise", "mask": "bad_pixel", "dark": "dark", "flat": "flat"}


def strun(alias, file, out):
    """What `strun ALIAS FILE` does, in this process; return the one file that it saved."""
    out.mkdir()
    Step.from_cmdline([alias, str(file), f"--output_dir={out}", "--save_results=true"])
    (saved,) = out.glob("*.fits")
    return saved


@pytest.fixture
def science(micro_run):
    """Manifest row of the sky image of night 1 in the chain; its cache is in use."""
    use_cache(micro_run / "crds")
    rows = read_manifest(micro_run / "manifest.json")
    return next(r for r in rows if (r.family, r.setting, r.night) == ("image", "chain", 1))


ON_REQUEST = {"linearity", "ipc", "persistence", "snowball", "wavelength", "level2_lenslet"} | {
    f"calibrate_{kind}" for kind in ("linearity", "saturation", "ipc", "persist", "arc")
}
"""What the scenario `quick` does without; tests of its own run it."""


def test_aliases_are_all_covered_here():
    aliases = {alias for _, alias, _ in get_steps()}
    assert aliases - ON_REQUEST == {*SEQUENCE, "level1", "level2", "imager", *(f"calibrate_{kind}" for kind in SETS)}


def test_steps_one_by_one_give_the_pipeline_s_image(micro_run, science, tmp_path):
    file = micro_run / science.raw[0]
    for alias in SEQUENCE:
        file = strun(alias, file, tmp_path / alias)
    one, other = Image.read(file), Image.read(science.path(micro_run))
    for name in ("data", "err", "dq"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))


def test_pipelines_give_the_run_s_image(micro_run, science, tmp_path, caplog):
    raw = micro_run / science.raw[0]
    with caplog.at_level("INFO"):
        rate = strun("level1", raw, tmp_path / "level1")
    assert "Step skipped." in caplog.text
    assert "Could not record" not in caplog.text
    whole = science.path(micro_run).read_bytes()
    assert strun("level2", rate, tmp_path / "level2").read_bytes() == whole
    assert strun("imager", raw, tmp_path / "imager").read_bytes() == whole


@pytest.mark.parametrize("kind", SETS)
def test_calibrations_run_with_references_from_crds(micro_run, science, tmp_path, kind):
    rows = read_manifest(micro_run / "manifest.json")
    made = next(r for r in rows if (r.exposure, r.setting, r.night) == (kind, "chain", 1))
    files = [str(micro_run / raw) for raw in made.raw]
    (tmp_path / "set.json").write_text(json.dumps({"schema": "iris-testbed/set/1", "kind": kind, "files": files}))
    path = strun(f"calibrate_{kind}", tmp_path / "set.json", tmp_path / kind)
    one, other = Reference.read(path, kind), Reference.read(made.path(micro_run), kind)
    for name, plane in other.content.items():
        np.testing.assert_array_equal(one.content[name], plane)


def test_full_frame_references_serve_sub_array_data(micro_run, science, tmp_path):
    """A reference of the whole detector, zero outside the night's region, gives the same image."""
    from iris_reduction import run_level2

    rate = science.path(micro_run)
    rate = rate.with_name(rate.name.replace("_LVL2_", "_LVL1_"))
    overrides = {}
    for kind in ("dark", "flat"):
        small = Reference.read(next((micro_run / "crds").rglob(science.references[kind])), kind)
        content = {}
        for name, plane in small.content.items():
            content[name] = np.zeros((4096, 4096), plane.dtype)
            content[name][:64, :64] = plane
        whole = {"SUBARRAY": "FULL", "XSTART": 1, "YSTART": 1, "XSIZE": 4096, "YSIZE": 4096}
        overrides[kind] = tmp_path / f"{kind}.fits"
        Reference(small.header | whole, content).write(overrides[kind])
    one, other = Image.read(run_level2(rate, tmp_path, overrides=overrides)), Image.read(science.path(micro_run))
    np.testing.assert_array_equal(one.data, other.data)
    np.testing.assert_array_equal(one.err, other.err)
