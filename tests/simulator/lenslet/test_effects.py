"""Effects of the optics are named, and only these."""

import pytest

from iris_contract.errors import InputError
from iris_simulator.lenslet.effects import OPTICAL_EFFECTS, choose_optical_effects


def test_choice() -> None:
    assert choose_optical_effects(OPTICAL_EFFECTS) == set(OPTICAL_EFFECTS)
    assert choose_optical_effects("ghost") == {"ghost"}
    with pytest.raises(InputError, match="fog"):
        choose_optical_effects(("fog",))
