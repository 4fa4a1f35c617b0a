"""The algorithms that a scenario can name, by family; plug-ins and broken ones included."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from iris_harness.tasks import hash_source

if TYPE_CHECKING:
    from iris_reduction.family import Family

__all__ = [
    "CALIBRATORS",
    "JUDGE_FITTERS",
    "STEP_METHODS",
    "find_broken",
    "hash_algorithm",
    "list_algorithms",
    "require_algorithm",
]

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
    "wavelength": ("physical", "legendre", "polynomial"),
}
"""The algorithms of each calibration family; where there are several, the pipeline's `method` names one."""
STEP_METHODS: dict[str, tuple[str, ...]] = {
    "reference_pixel": ("none", "mean", "side", "optimal"),
    "snowball": ("none", "core", "grow"),
    "persistence": ("flag", "model"),
}
"""Families that judge the methods of a Step, by what level 1 makes of its exposures."""


JUDGE_FITTERS = ("jump", "image", "wavelength_map", "saturation")
"""Families that judge what a ramp fitter made."""


NAMES: dict[str, tuple[str, ...]] = {"simulator": ("simulator",), "ramp": (), **CALIBRATORS, **STEP_METHODS}
"""What each family is built with; of those that take plug-ins, their folder says it."""


def list_algorithms() -> list[dict[str, str]]:
    """Return one row per algorithm: family, name, origin, and ready or why it cannot be loaded."""
    return [row for family in NAMES for row in _describe(family)]


def _describe(family: str) -> Iterator[dict[str, str]]:
    """Yield the rows of a family: what it is built with, and what installed packages add or would like to add."""
    from iris_reduction.family import LoadFailure

    open_family = _find_family(family)
    built_in = open_family.built_in if open_family else NAMES[family]
    for name, found in _load(family).items():
        origin = "built in" if name in built_in else "plug-in"
        state = found.reason if isinstance(found, LoadFailure) else "ready"
        yield {"family": family, "name": name, "origin": origin, "state": state}


def _load(family: str) -> Mapping[str, object]:
    """Return what stands for each algorithm of a family; a LoadFailure for plug-ins where it takes none."""
    from iris_reduction.family import refuse_plugins

    open_family = _find_family(family)
    names = NAMES.get(family, ())
    return open_family.load() if open_family else {**{name: name for name in names}, **refuse_plugins(family, names)}


def _find_family(family: str) -> Family[Any] | None:
    """Return the mapping that the algorithms of a family are from; None where no package can add to it."""
    from iris_reduction import gain, linearity, ramp, read_noise, reference_pixel, snowball, wavelength

    families: dict[str, Family[Any]] = {
        "ramp": ramp.RAMP_FAMILY,
        "linearity": linearity.LINEARITY_FAMILY,
        "gain": gain.GAIN_FAMILY,
        "read_noise": read_noise.READ_NOISE_FAMILY,
        "reference_pixel": reference_pixel.REFERENCE_PIXEL_FAMILY,
        "snowball": snowball.SNOWBALL_FAMILY,
        "wavelength": wavelength.WAVELENGTH_FAMILY,
    }
    return families.get("ramp" if family in JUDGE_FITTERS else family)


def require_algorithm(family: str, name: str) -> None:
    """Raise RuntimeError where the algorithm is a plug-in that cannot be used, or does not exist."""
    from iris_reduction.family import LoadFailure

    found = _load(family).get(name)
    if found is None or isinstance(found, LoadFailure):
        raise RuntimeError(f"cannot be loaded: {found.reason if found else 'no such algorithm'}")


def find_broken(pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield a line for each algorithm, given as family and name, that cannot be used; a ramp fitter's once."""
    from iris_reduction.family import LazyAlgorithm, LoadFailure

    for family, name in dict.fromkeys(("ramp" if family in JUDGE_FITTERS else family, name) for family, name in pairs):
        found = _load(family).get(name)
        reason = found.reason if isinstance(found, LoadFailure) else ""
        if isinstance(found, LazyAlgorithm):
            try:
                getattr(import_module(f"{found.package}.{found.name}"), found.name)
            except Exception as error:  # whatever its file raises
                reason = " ".join(f"{type(error).__name__}: {error}".split())
        if reason:
            yield f"{family} {name} cannot be used, so its verdicts will be ERROR: {reason}"


def hash_algorithm(family: str, name: str) -> str:
    """Return a hash of every package that a plug-in comes from; built-in algorithms have none of their own."""
    open_family = _find_family(family)
    return hash_source(*(open_family.list_packages(name) if open_family else ()))
