"""The effects of the optics that an exposure of the spectrograph can be simulated with or without.

Off means absent. Without `flexure` nothing moves between exposures; without `illumination` lamps, sky and stars fill
the pupil alike; without `scattered_light` and `ghost` all light is in its PSFlet; without `unlisted_lines` a lamp
shows no line that its list lacks; without `listed_errors` its lines shine at exactly the wavelengths of the list;
without `warm_up` it shines from the first second as it will later. What the spectrograph as built does - geometry,
throughput, PSFlets - is never off.
"""

from __future__ import annotations

__all__ = ["OPTICAL_EFFECTS"]

OPTICAL_EFFECTS: tuple[str, ...] = (
    "flexure",
    "illumination",
    "scattered_light",
    "ghost",
    "unlisted_lines",
    "listed_errors",
    "warm_up",
)
