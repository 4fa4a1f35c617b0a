"""Names of effects are checked."""

import pytest

from iris_contract.errors import InputError
from iris_simulator import EFFECTS
from iris_simulator.effects import choose_effects


def test_effects_are_those_of_the_scenarios() -> None:
    assert EFFECTS == (
        "photon_noise",
        "dark",
        "flat",
        "bad_pixels",
        "cosmic_rays",
        "read_noise",
        "reset_noise",
        "offsets",
        "gain_spread",
        "saturation",
        "nonlinearity",
        "ipc",
        "persistence",
        "tracks",
        "snowballs",
        "one_over_f",
        "alternating_columns",
        "pedestal_drift",
        "telegraph",
        "settling",
    )
    assert choose_effects(EFFECTS) == frozenset(EFFECTS)
    assert choose_effects("dark") == {"dark"}
    assert choose_effects(()) == frozenset()


def test_unknown_effect_is_named() -> None:
    with pytest.raises(InputError, match="effects='darkness': no such effect; choose among photon_noise"):
        choose_effects(["dark", "darkness"])
