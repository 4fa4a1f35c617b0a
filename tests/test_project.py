"""What holds for the project as a whole: layout, names, documentation of modules, packaging, dependencies."""

import ast
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from importlib import import_module
from importlib.metadata import entry_points
from importlib.metadata import version as installed_version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = {
    "iris_contract": "contract",
    "iris_simulator": "simulator",
    "iris_reduction": "reduction",
    "tmt_crds": "reduction",
    "iris_validators": "validators",
    "iris_reports": "reports",
    "iris_harness": "harness",
}
MODULES = sorted(path for name, folder in PACKAGES.items() for path in (ROOT / folder / name).rglob("*.py"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
FORBIDDEN = {"utils", "util", "common", "helpers", "helper", "base", "misc", "tools"}
# crds imports the modules of an observatory by name and reads their attributes; it fixes what is in them
FOR_CRDS = ROOT / "reduction" / "tmt_crds" / "tmt"
IMPORT_NAMES = {"pillow": "PIL", "pyyaml": "yaml"}


def show(path: Path) -> str:
    return str(path.relative_to(ROOT))


def parse(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


def list_exports(tree: ast.Module) -> list[str] | None:
    """Names in `__all__`, or None where a module has none."""
    for node in tree.body:
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if isinstance(target, ast.Name) and target.id == "__all__":
            return [str(element) for element in ast.literal_eval(node.value)]
    return None


def list_imports(path: Path) -> set[str]:
    """Top-level names of everything a module imports, at its head or inside functions."""
    found = set()
    for node in ast.walk(parse(path)):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(str(node.module).split(".")[0])
    return found


def test_every_package_is_where_the_design_says_and_typed():
    assert PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"] == [
        f"{folder}/{name}" for name, folder in PACKAGES.items()
    ]
    for name, folder in PACKAGES.items():
        assert (ROOT / folder / name / "__init__.py").is_file()
        assert (ROOT / folder / name / "py.typed").is_file()


def test_source_roots_hold_nothing_else():
    for folder in set(PACKAGES.values()):
        found = {path.name for path in (ROOT / folder).iterdir() if path.is_dir() and path.name != "__pycache__"}
        assert found == {name for name, parent in PACKAGES.items() if parent == folder}


@pytest.mark.parametrize("path", MODULES, ids=show)
def test_module_says_what_it_is_and_stays_small(path):
    tree = parse(path)
    assert path.stem not in FORBIDDEN, "name a module after what it is about"
    assert ast.get_docstring(tree), "a module begins with a docstring"
    assert len(path.read_text("utf-8").splitlines()) <= 400
    if path.is_relative_to(FOR_CRDS):
        return
    exports = list_exports(tree)
    assert exports is not None, "a module lists its public names in __all__"
    assert len(set(exports)) == len(exports)


@pytest.mark.parametrize("path", MODULES, ids=show)
def test_public_names_exist(path):
    bound = {"__getattr__"} & {getattr(node, "name", "") for node in parse(path).body}
    if bound:
        return  # names that are imported when first used
    names = {node.id for node in ast.walk(parse(path)) if isinstance(node, ast.Name)}
    for node in ast.walk(parse(path)):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            names.add(node.name)
    assert set(list_exports(parse(path)) or []) <= names


def test_version_stands_in_one_place():
    assert installed_version("iris-testbed") == PROJECT["project"]["version"]
    literal = re.compile(r"__version__\s*=\s*[\"']")
    assert [show(path) for path in MODULES if literal.search(path.read_text("utf-8"))] == []


def test_dependencies_are_those_that_are_imported():
    imported = set().union(*map(list_imports, MODULES)) - set(sys.stdlib_module_names) - set(PACKAGES)
    named = {re.split(r"[<>=!~\[ ]", line)[0] for line in PROJECT["project"]["dependencies"]}
    assert {IMPORT_NAMES.get(name, name) for name in named} == imported


def test_tests_import_nothing_that_is_not_declared():
    optional = PROJECT["project"]["optional-dependencies"]
    lines = [*PROJECT["project"]["dependencies"], *optional["test"], *optional["docs"]]
    declared = {re.split(r"[<>=!~\[ ]", line)[0] for line in lines}
    known = {IMPORT_NAMES.get(name, name) for name in declared} | set(PACKAGES) | set(sys.stdlib_module_names)
    imported = set().union(*map(list_imports, (ROOT / "tests").rglob("*.py")))
    assert imported - known == set()


def test_documentation_says_why_each_dependency_is_there():
    optional = PROJECT["project"]["optional-dependencies"]
    lines = [*PROJECT["project"]["dependencies"], *optional["test"], *optional["docs"]]
    text = (ROOT / "docs" / "dependencies.md").read_text("utf-8")
    assert [line for line in lines if re.split(r"[<>=!~\[ ]", line)[0] not in text] == []


def test_step_entry_points_and_classes_are_in_sync():
    from stpipe import Pipeline, Step

    (point,) = (p for p in entry_points(group="stpipe.steps") if p.name == "iris_reduction")
    declared = PROJECT["project"]["entry-points"]["stpipe.steps"]["iris_reduction"]
    assert point.value == declared
    listed = point.load()()
    aliases = [alias for _, alias, _ in listed]
    assert len(set(aliases)) == len(aliases)
    for name, _, is_pipeline in listed:
        module, _, attribute = name.rpartition(".")
        assert issubclass(getattr(import_module(module), attribute), Pipeline if is_pipeline else Step), name
    assert {name for name, _, _ in listed} == find_step_classes(Step)


def find_step_classes(root: type) -> set[str]:
    """Full names of the concrete Steps in iris_reduction: those that say what they run under."""
    for path in MODULES:
        if path.is_relative_to(ROOT / "reduction" / "iris_reduction"):
            parts = path.relative_to(ROOT / "reduction").with_suffix("").parts
            import_module(".".join(part for part in parts if part != "__init__"))
    found, waiting = set(), [root]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind.__module__.startswith("iris_reduction.") and getattr(kind, "class_alias", None):
            found.add(f"{kind.__module__}.{kind.__qualname__}")
    return found


def build(target: str, source: Path, folder: Path) -> Path:
    """Build a wheel or sdist of a source tree into a folder; return its path."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", str(folder)]
    subprocess.run(command, cwd=source, check=True, capture_output=True, timeout=60)
    (path,) = folder.glob("*.whl" if target == "wheel" else "*.tar.gz")
    return path


def list_wheel(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as archive:
        return sorted(archive.namelist())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> list[str]:
    """File names in a wheel built from this tree."""
    return list_wheel(build("wheel", ROOT, tmp_path_factory.mktemp("wheel")))


def test_source_distribution_makes_the_same_wheel(wheel, tmp_path):
    with tarfile.open(build("sdist", ROOT, tmp_path / "sdist")) as archive:
        archive.extractall(tmp_path, filter="data")
    (tree,) = tmp_path.glob("iris_testbed-*")
    assert list_wheel(build("wheel", tree, tmp_path / "again")) == wheel


def test_wheel_holds_every_file_of_every_package(wheel):
    expected = {
        path.relative_to(ROOT / folder).as_posix()
        for name, folder in PACKAGES.items()
        for path in (ROOT / folder / name).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and path.suffix not in {".nbi", ".nbc"}
    }
    found = {name for name in wheel if name.split("/")[0] in PACKAGES}
    assert found == expected
    assert {"iris_contract/data/instrument.yaml", "iris_harness/scenarios/quick.yaml"} <= found


def test_wheel_brings_the_hook_that_plain_crds_commands_need_and_nothing_else(wheel):
    beside = {name for name in wheel if name.split("/")[0] not in PACKAGES and ".dist-info/" not in name}
    assert beside == {path.name for path in (ROOT / "reduction").glob("tmt_crds.*")}
    assert "tmt_crds.pth" in beside
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in wheel)


def test_changelog_has_the_form_of_keep_a_changelog():
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert headings[0] == "[Unreleased]"
    assert all(re.fullmatch(r"\[\d+\.\d+\.\d+\] - \d{4}-\d{2}-\d{2}", heading) for heading in headings[1:])
    kinds = set(re.findall(r"^### (.*)$", text, re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
