"""The unmodified `crds` knows tmt: in commands, in workers, through stpipe. Canary for changes upstream."""

import importlib
import json
import multiprocessing
import subprocess
import sys
import tomllib
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import crds
import pytest
from astropy.io import fits
from crds.core import constants, utils

import tmt_crds
from iris_reduction.cache import use_cache

HERE = Path(tmt_crds.__file__).parent
Crds = Callable[..., subprocess.CompletedProcess[str]]


def run_python(code: str, *options: str) -> str:
    return subprocess.run([sys.executable, *options, "-c", code], capture_output=True, text=True, check=True).stdout


def write_raw(path: Path, header: dict[str, Any]) -> Path:
    primary = fits.PrimaryHDU()
    primary.header.update(header)
    primary.writeto(path)
    return path


# --- canary: what the plugin leans on ----------------------------------------------------------


def test_crds_still_shares_one_list_of_observatories() -> None:
    from crds.client import api
    from crds.core import cmdline, heavy_client, rmap

    for module in (utils, rmap, heavy_client, cmdline, api):
        shared = getattr(module, "ALL_OBSERVATORIES", constants.ALL_OBSERVATORIES)
        assert shared is constants.ALL_OBSERVATORIES, f"{module.__name__} holds a list of its own"
    assert constants.ALL_OBSERVATORIES.count("tmt") == 1


def test_crds_still_finds_an_observatory_as_its_own_subpackage() -> None:
    assert Path(importlib.import_module("crds.tmt").__file__ or "").parent == HERE / "tmt"
    assert utils.get_locator_module("tmt").__name__ == "crds.tmt.locate"
    assert utils.instrument_to_observatory("iris") == "tmt"


def test_the_other_observatories_still_work() -> None:
    assert utils.instrument_to_observatory("miri") == "jwst"


def test_install_twice_registers_once() -> None:
    before = list(constants.ALL_OBSERVATORIES), list(crds.__path__), list(sys.meta_path)
    tmt_crds.install()
    assert (constants.ALL_OBSERVATORIES, list(crds.__path__), sys.meta_path) == before


def test_a_crds_without_the_list_warns_and_works(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(constants, "ALL_OBSERVATORIES")
    with pytest.warns(UserWarning, match="tmt is not available"):
        tmt_crds.install()


# --- start of the interpreter ------------------------------------------------------------------


def test_start_loads_the_hook_and_nothing_else() -> None:
    bare = set(json.loads(run_python("import sys, json; print(json.dumps(list(sys.modules)))", "-S")))
    full = set(json.loads(run_python("import sys, json; print(json.dumps(list(sys.modules)))")))
    assert "tmt_crds" in full
    assert not {name for name in full - bare if name.startswith(("iris_", "crds", "numpy", "pathlib", "typing"))}


def test_start_files_are_installed_agree_and_sort_after_editable_ones() -> None:
    installed = {p.name: p.read_text() for p in metadata.files("iris-testbed") or () if p.suffix in (".pth", ".start")}
    assert installed["tmt_crds.start"].strip() == "tmt_crds:install"
    assert "tmt_crds.install()" in installed["tmt_crds.pth"]
    assert installed["tmt_crds.pth"].count("\n") == 1
    assert max(installed) == "tmt_crds.start"
    for name, text in installed.items():
        if name.startswith("tmt_crds"):
            assert text == (HERE.parent / name).read_text(), "reinstall the project"


def test_start_line_is_silent_when_the_package_is_gone(tmp_path: Path) -> None:
    line = (HERE.parent / "tmt_crds.pth").read_text()
    code = f"import sys; sys.modules['tmt_crds'] = None; exec({line!r})"
    assert run_python(code, "-S") == ""


def test_wheel_carries_the_start_files() -> None:
    project = HERE.parent.parent / "pyproject.toml"
    if not project.exists():
        pytest.skip("installed from a wheel")
    included = tomllib.loads(project.read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert set(included.values()) >= {"tmt_crds.pth", "tmt_crds.start"}


# --- who can use it ----------------------------------------------------------------------------


def test_plain_bestrefs_selects_for_a_raw_file(
    crds_command: Crds, delivered: Path, tmp_path: Path, science: dict[str, Any]
) -> None:
    raw = write_raw(tmp_path / "raw.fits", science)
    words = ["bestrefs", "--files", str(raw), "--types", "dark", "mask", "flat", "--print-new-references"]
    result = crds_command(delivered, [*words, "--new-context", "tmt-latest"])
    assert result.returncode == 0, result.stderr
    chosen = {line.split()[2]: line.split()[-1] for line in result.stdout.splitlines() if "raw.fits iris" in line}
    assert chosen == {
        "dark": "tmt_iris_dark_0002.fits",
        "flat": "tmt_iris_flat_0001.fits",
        "mask": "tmt_iris_mask_0002.fits",
    }


def test_plain_certify_passes_the_delivered_context(crds_command: Crds, delivered: Path) -> None:
    words = ["certify", "crds://tmt_0002.pmap", "--comparison-context", "tmt_0001.pmap", "--exist"]
    result = crds_command(delivered, words)
    assert result.returncode == 0, result.stderr
    assert " 0 errors" in result.stderr


def test_plain_list_names_what_was_delivered(crds_command: Crds, delivered: Path) -> None:
    result = crds_command(delivered, ["list", "--references", "--contexts", "tmt-latest"])
    assert result.returncode == 0, result.stderr
    assert len(result.stdout.split()) == 6


def test_spawned_worker_knows_tmt(delivered: Path, science: dict[str, Any]) -> None:
    use_cache(delivered)
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        found = pool.apply(crds.getrecommendations, (science,), {"reftypes": ("dark",), "observatory": "tmt"})
    assert found == {"dark": "tmt_iris_dark_0002.fits"}


def test_stpipe_gets_references_in_this_process(delivered: Path, science: dict[str, Any]) -> None:
    from stpipe import crds_client

    use_cache(delivered)
    meta = utils.get_locator_module("tmt").fits_to_parkeys(science)
    found = crds_client.get_multiple_reference_paths(meta, ("dark", "mask"), "tmt")
    assert {kind: Path(path).name for kind, path in found.items()} == {
        "dark": "tmt_iris_dark_0002.fits",
        "mask": "tmt_iris_mask_0002.fits",
    }
    assert all(Path(path).is_file() for path in found.values())
    assert crds_client.get_context_used("tmt") == "tmt_0002.pmap"


def test_stpipe_finds_every_parameter_type_not_applicable(delivered: Path, science: dict[str, Any]) -> None:
    """A type the context did not know would be logged by stpipe as an error for every Step."""
    steps = pytest.importorskip("iris_reduction.steps")
    use_cache(delivered)
    kinds = tuple({f"pars-{path.rsplit('.', 1)[-1].lower()}" for path, _, _ in steps.get_steps()})
    found = crds.getrecommendations(science, reftypes=kinds, observatory="tmt")
    assert set(found.values()) == {"NOT FOUND n/a"}


# --- policies ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "properties"),
    [
        ("a/tmt_iris_dark_0012.fits", ("a", "tmt", "iris", "dark", "0012", ".fits")),
        ("tmt_iris_0002.imap", ("", "tmt", "iris", "", "0002", ".imap")),
        ("tmt_0002.pmap", ("", "tmt", "", "", "0002", ".pmap")),
    ],
)
def test_official_names(name: str, properties: tuple[str, ...]) -> None:
    assert utils.get_locator_module("tmt").decompose_newstyle_name(name) == properties


@pytest.mark.parametrize("name", ["jwst_miri_dark_0001.fits", "tmt_wfos_dark_0001.fits", "tmt_iris_cheese_0001.fits"])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(crds.CrdsError, match="tmt_iris_<kind>_NNNN"):
        utils.get_locator_module("tmt").decompose_newstyle_name(name)


def test_a_file_under_any_name_is_known_by_its_header(make_reference: Callable[..., Path]) -> None:
    path = make_reference("flat")
    assert utils.get_locator_module("tmt").get_file_properties(str(path)) == ("iris", "flat")
