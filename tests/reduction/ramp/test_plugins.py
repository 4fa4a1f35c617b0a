"""Plugins: loaded beside the built-in fitters, and harmless when broken."""

import sys
from importlib.metadata import EntryPoint

import pytest

from iris_reduction import family
from iris_reduction.ramp import RAMP_FITTERS, LoadFailure, load_ramp_fitters
from iris_reduction.ramp.plugins import RAMP_FAMILY


@pytest.fixture
def install(monkeypatch, tmp_path):
    """Pretend that a package with the given source offers the given entry points."""

    def pretend(source="", **names):
        (tmp_path / "foreign_fitters.py").write_text(source)
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.delitem(sys.modules, "foreign_fitters", raising=False)
        points = [EntryPoint(n.rstrip("_"), f"foreign_fitters:{a}", RAMP_FAMILY.group) for n, a in names.items()]
        monkeypatch.setattr(family, "entry_points", lambda group: points)
        return load_ramp_fitters()

    yield pretend
    sys.modules.pop("foreign_fitters", None)


def test_built_in_fitters_by_name():
    assert list(RAMP_FITTERS) == ["cds", "mcds", "ols", "gls"]
    assert dict(load_ramp_fitters()).items() >= dict(RAMP_FITTERS).items()


def test_a_plugin_is_offered(install):
    fitters = install("def good(reads, times, *, gain, read_noise, read_dq=None, jump_sigma=4.5): ...", mine="good")
    assert fitters["mine"].__name__ == "good"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("raise SystemExit(3)", "SystemExit"),
        ("import not_installed_anywhere", "ModuleNotFoundError"),
        ("other = 1", "AttributeError"),
        ("fitter = 3", "is int, not callable"),
        ("def fitter(reads): ...", "cannot be called as RampFitter"),
        ("def fitter(reads, times, gain, read_noise): ...", "read_dq"),
    ],
)
def test_a_broken_plugin_becomes_a_failure_and_disturbs_no_other(install, source, reason):
    fitters = install(source, broken="fitter")
    failure = fitters["broken"]
    assert isinstance(failure, LoadFailure)
    assert failure.name == "broken"
    assert reason in failure.reason
    assert "\n" not in failure.reason
    assert {n: fitters[n] for n in RAMP_FITTERS} == dict(RAMP_FITTERS)


def write_package(folder, entry_points):
    """Put a distribution into `folder`, as pip does."""
    info = folder / "foreign_fitters-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: foreign-fitters\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(entry_points)
    (folder / "foreign_fitters.py").write_text(
        "def good(reads, times, *, gain, read_noise, read_dq=None, jump_sigma=4.5): ..."
    )


def test_packages_are_found_when_they_are_installed_and_gone_when_removed(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(tmp_path)
    assert "mine" not in load_ramp_fitters()
    write_package(tmp_path, f"[{RAMP_FAMILY.group}]\nmine = foreign_fitters:good\n")
    assert load_ramp_fitters()["mine"].__name__ == "good"
    (tmp_path / "foreign_fitters-1.0.dist-info").rename(tmp_path / "removed")
    assert "mine" not in load_ramp_fitters()
    monkeypatch.delitem(sys.modules, "foreign_fitters")


def test_packages_are_searched_once_until_one_is_installed(monkeypatch, tmp_path):
    searched = []
    monkeypatch.setattr(family, "entry_points", lambda group: searched.append(group) or [])
    for _ in range(3):
        load_ramp_fitters()
    assert len(searched) == 1
    monkeypatch.syspath_prepend(tmp_path)
    load_ramp_fitters()
    assert len(searched) == 2


def test_names_are_not_taken_away(install):
    fitters = install("def f(reads, times, *, gain, read_noise, read_dq=None, jump_sigma=4.5): ...", gls="f")
    assert fitters["gls"] is RAMP_FITTERS["gls"]
    assert isinstance(fitters["gls (foreign_fitters:f)"], LoadFailure)


def test_two_plugins_of_one_name_both_fail(install, monkeypatch):
    install("")
    points = [EntryPoint("twin", f"foreign_fitters:{a}", RAMP_FAMILY.group) for a in ("a", "b")]
    monkeypatch.setattr(family, "entry_points", lambda group: points)
    fitters = load_ramp_fitters()
    assert "twin" not in fitters
    assert isinstance(fitters["twin (foreign_fitters:b)"], LoadFailure)
