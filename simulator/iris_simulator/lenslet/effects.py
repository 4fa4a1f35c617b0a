"""The effects of the optics that an exposure of the spectrograph can be simulated with or without.

Off means absent. Without `flexure` nothing moves between exposures; without `illumination` lamps, sky and stars fill
the pupil alike; without `scattered_light` and `ghost` all light is in its PSFlet; without `unlisted_lines` a lamp
shows no line that its list lacks; without `warm_up` it shines from the first second as it will later. What the
spectrograph as built does - geometry, throughput, PSFlets - is never off.
"""

from __future__ import annotations

from collections.abc import Iterable

from iris_contract.errors import InputError

__all__ = ["OPTICAL_EFFECTS", "choose_optical_effects"]

OPTICAL_EFFECTS: tuple[str, ...] = (
    "flexure",
    "illumination",
    "scattered_light",
    "ghost",
    "unlisted_lines",
    "warm_up",
)


def choose_optical_effects(names: Iterable[str]) -> frozenset[str]:
    """Return the effects that are on; raise InputError for a name that is not an effect."""
    chosen = frozenset([names] if isinstance(names, str) else names)
    for name in sorted(chosen - set(OPTICAL_EFFECTS)):
        raise InputError(f"no such effect; choose among {', '.join(OPTICAL_EFFECTS)}", key="effects", value=name)
    return chosen
