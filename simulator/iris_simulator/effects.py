"""The effects that an exposure can be simulated with or without.

Off means absent. Without `dark` there is no dark current and hence no hot or warm pixel; without
`flat` every pixel responds alike and none is dead; without `bad_pixels` the defective pixels, open ones
among them, are as their neighbours. Without `photon_noise` light and dark current arrive exactly as
expected. Without `offsets` and `gain_spread` every pixel has the design's bias level and gain. `tracks`
shapes cosmic rays and `snowballs` are some of them: without `cosmic_rays` there are neither. Conversion
to 16-bit integers is never off.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from iris_contract.errors import InputError

__all__ = ["EFFECTS", "choose_effects"]

EFFECTS: tuple[str, ...] = (
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


def choose_effects(names: Iterable[str], known: Collection[str] = EFFECTS) -> frozenset[str]:
    """Return the effects that are on; raise InputError for a name that is not one of the `known`."""
    chosen = frozenset([names] if isinstance(names, str) else names)
    for name in sorted(chosen - set(known)):
        raise InputError(f"no such effect; choose among {', '.join(known)}", key="effects", value=name)
    return chosen
