"""The algorithms that a scenario can name, by family; plug-ins and broken ones included."""

from __future__ import annotations

__all__ = ["list_algorithms"]

CALIBRATORS: dict[str, tuple[str, ...]] = {
    "saturation_level": ("full_well",),
    "linearity": ("common_shape", "polynomial"),
    "gain": ("photon_transfer", "photon_transfer_covariance"),
    "read_noise": ("differences", "effective"),
    "ipc": ("neighbour_covariance",),
    "bad_pixel": ("class_limits",),
    "dark": ("ramp_mean",),
    "flat": ("lamp_on_off",),
    "traps": ("two_populations",),
}
"""The algorithms of each calibration family; where there are several, the pipeline's `method` names one."""
STEP_METHODS: dict[str, tuple[str, ...]] = {
    "reference_pixel": ("none", "mean", "side", "optimal"),
    "snowball": ("none", "core", "grow"),
    "persistence": ("flag", "model"),
}
"""Families that judge the methods of a Step, by what level 1 makes of its exposures."""


def list_algorithms() -> list[dict[str, str]]:
    """Return one row per algorithm: family, name, origin, and ready or why it cannot be loaded."""
    from iris_reduction.ramp import RAMP_FITTERS, LoadFailure, load_ramp_fitters

    rows = [{"family": "simulator", "name": "simulator", "origin": "built in", "state": "ready"}]
    for name, fitter in load_ramp_fitters().items():
        origin = "built in" if name in RAMP_FITTERS else "plug-in"
        state = fitter.reason if isinstance(fitter, LoadFailure) else "ready"
        rows.append({"family": "ramp", "name": name, "origin": origin, "state": state})
    made = [
        (family, name) for table in (CALIBRATORS, STEP_METHODS) for family, names in table.items() for name in names
    ]
    return [*rows, *({"family": f, "name": n, "origin": "built in", "state": "ready"} for f, n in made)]
