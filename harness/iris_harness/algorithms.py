"""The algorithms that a scenario can name, by family; plug-ins and broken ones included."""

from __future__ import annotations

__all__ = ["list_algorithms"]

CALIBRATORS = {
    "gain": "photon_transfer",
    "read_noise": "differences",
    "bad_pixel": "class_limits",
    "dark": "ramp_mean",
    "flat": "lamp_on_off",
}
"""The one algorithm of each calibration family."""


def list_algorithms() -> list[dict[str, str]]:
    """Return one row per algorithm: family, name, origin, and ready or why it cannot be loaded."""
    from iris_reduction.ramp import RAMP_FITTERS, LoadFailure, load_ramp_fitters

    rows = []
    for name, fitter in load_ramp_fitters().items():
        origin = "built in" if name in RAMP_FITTERS else "plug-in"
        state = fitter.reason if isinstance(fitter, LoadFailure) else "ready"
        rows.append({"family": "ramp", "name": name, "origin": origin, "state": state})
    made = CALIBRATORS.items()
    return [*rows, *({"family": f, "name": n, "origin": "built in", "state": "ready"} for f, n in made)]
