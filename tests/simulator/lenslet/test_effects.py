"""Effects of the optics are named, and only these."""

import pytest

from iris_contract.errors import InputError
from iris_simulator.effects import choose_effects
from iris_simulator.lenslet.effects import OPTICAL_EFFECTS


def test_choice() -> None:
    assert choose_effects(OPTICAL_EFFECTS, OPTICAL_EFFECTS) == set(OPTICAL_EFFECTS)
    assert choose_effects("ghost", OPTICAL_EFFECTS) == {"ghost"}
    with pytest.raises(InputError, match="fog"):
        choose_effects(("fog",), OPTICAL_EFFECTS)
