"""Lines of arc lamps on the detector of the lenslet spectrograph: registered, identified, measured.

`measurement.measure_arcs` is the whole of it. Each module is one part: `image` (what is measured), `pattern` (where
lines should be), `registration` (where the pattern is), `evidence` (whether it is there at all), `lamp_check` (whose
it is), `profile`, `profiles` and `centroid` (a line's place), `places` (where all lines are), `levels` (how bright),
`crowding` (what stands beside).
"""

from __future__ import annotations

__all__: list[str] = []
