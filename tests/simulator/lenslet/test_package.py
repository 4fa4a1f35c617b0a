"""The package's surface, and that naming effects loads no compiler."""

import subprocess
import sys

from iris_simulator import lenslet


def test_every_public_name_resolves_to_what_is_called_so() -> None:
    for name in lenslet.__all__:
        found = getattr(lenslet, name)
        assert name == "OPTICAL_EFFECTS" or found.__name__ == name, name
    assert not hasattr(lenslet, "nonsense")


def test_importing_the_package_does_not_load_numba() -> None:
    code = "import sys, iris_simulator.lenslet as l; l.OPTICAL_EFFECTS; sys.exit('numba' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
