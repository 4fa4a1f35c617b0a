"""The package's surface, and that naming effects loads no compiler."""

import subprocess
import sys

import iris_simulator


def test_every_public_name_resolves_to_what_is_called_so() -> None:
    for name in iris_simulator.__all__:
        found = getattr(iris_simulator, name)
        assert name == "EFFECTS" or found.__name__ == name, name


def test_unknown_name_is_an_attribute_error() -> None:
    assert not hasattr(iris_simulator, "nonsense")


def test_importing_the_package_does_not_load_numba() -> None:
    code = "import sys, iris_simulator; iris_simulator.EFFECTS; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
