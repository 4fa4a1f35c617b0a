"""What the families of a scenario need of each other and of its exposures, found before anything is simulated.

Calibrations take exposures by what their headers will say, each detector's for themselves. In the chain every
reference comes from the scenario's own families, and serves its detector only; those of dark, flat and read
noise one filter or readout only. Not checked: how many exposures or ramps a method needs, and spectra that the
design has in the region but the instrument, some px off, has not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from iris_contract.instrument import load_instrument
from iris_contract.lenslet import LensletMode, find_complete, find_ends
from iris_harness.calibrate import CALIBRATIONS
from iris_harness.matching import Match, describe_match, find_match
from iris_harness.reduce import SIMULATOR

if TYPE_CHECKING:
    from iris_contract.exposure import Subarray
    from iris_harness.scenario import ExposureSpec, FamilySpec, Scenario

__all__ = ["STEP_REFERENCES", "find_problem"]

FEWEST = 8  # rows and columns that see light: fewer have no median, no neighbours and no statistics
FEWEST_OF_OUTPUT = 256  # pixels: the gain needs 100 good ones in each output
INPUTS: Mapping[str, tuple[str, ...]] = {
    "gain": ("flat_on",),
    "read_noise": ("dark",),
    "bad_pixel": ("dark", "flat_on", "flat_off"),
    "dark": ("dark",),
    "flat": ("flat_on", "flat_off"),
    "linearity": ("flat_on",),
    "ipc": ("flat_on",),
    "saturation_level": ("flat_on",),
    "traps": ("flat_on", "dark"),
    "wavelength": ("arc_on", "arc_off"),
}
"""Kinds of exposure that a calibration family cannot do without."""
KINDS: Mapping[str, str] = {
    "dark": "a dark (image_type: DRK)",
    "flat_on": "a flat with light (image_type: NFF, lamp: FLAT, shutter: OPEN)",
    "flat_off": "a flat without light (image_type: NFF, lamp: NONE)",
    "arc_on": "an arc (image_type: ARC, shutter: OPEN, and a grating) with a lamp",
    "arc_off": "an arc without a lamp (image_type: ARC, lamp: NONE, and a grating)",
}
STEP_REFERENCES: Mapping[str, tuple[str, ...]] = {
    "mask": ("mask",),
    "ramp_fit": ("gain", "readnoise"),
    "linearity": ("linearity",),
    "snowball": ("gain", "readnoise"),
    "persistence": ("persist",),
    "dark": ("dark",),
    "ipc": ("ipc",),
    "flat": ("flat",),
    "wavelength": ("arc",),
}
"""References that a Step cannot do without, in the order of the Steps."""
LEVEL1 = ("mask", "linearity", "snowball", "ramp_fit", "persistence")
LEVEL2: Mapping[str, tuple[str, ...]] = {"image": ("dark", "ipc", "flat"), "wavelength_map": ("dark", "wavelength")}
OFF = ("linearity", "snowball", "persistence", "ipc")

Problem = tuple[str, str, str, object]


def find_problem(scenario: Scenario) -> Problem | None:
    """Return family, key, what is wrong there, and the value; or None. The family "" is the scenario itself."""
    return next(_find_problems(scenario), None)


def _find_problems(scenario: Scenario) -> Iterator[Problem]:
    for name in scenario.detectors:
        yield from _find_small(scenario, name)
    yield from _find_cut(scenario)
    yield from _find_bent(scenario)
    for family in scenario.families.values():
        yield from _find_unfed(scenario, family)
        yield from _find_misplaced(scenario, family)
        for kind in _list_needs(scenario, family) if "chain" in family.settings else ():
            for name in scenario.list_detectors(family.family):
                yield from _find_lacking(scenario, family, kind, name)


def _find_small(scenario: Scenario, name: str) -> Iterator[Problem]:
    """Yield why the region of a detector is too small for the families."""
    detector, region = load_instrument().detector(name), scenario.find_region(name)
    key = "region" if name == scenario.detector else "spectrograph"
    gain = "gain" in scenario.families and name in scenario.list_detectors("gain")
    light = ~region.reference_pixels(detector)
    rows, columns = (int(light.any(axis=axis).sum()) for axis in (1, 0))
    if min(rows, columns) < FEWEST:
        problem = f"{rows} rows and {columns} columns of it see light; the families need {FEWEST} of each"
        yield "", key, problem, asdict(region)
    for output in region.outputs(detector) if gain else ():
        pixels = int(light[:, region.output_of_column(detector) == output].sum())
        if pixels < FEWEST_OF_OUTPUT:
            problem = f"{pixels} pixels of output {output} see light; the family gain needs {FEWEST_OF_OUTPUT}"
            yield "", key, problem, asdict(region)


def _find_cut(scenario: Scenario) -> Iterator[Problem]:
    """Yield why the region shows too little of spectra, as designed: none, or for wavelengths none whole."""
    key, region = "region" if scenario.detector == "IFU" else "spectrograph", scenario.find_region("IFU")
    rows = int((~region.reference_pixels(load_instrument().detector("IFU"))).any(axis=1).sum())
    pitch = load_instrument().values["lenslet.pitch"]
    roles = scenario.families["wavelength"].exposures if "wavelength" in scenario.families else ()
    solved = {scenario.exposures[role].lenslet for role in roles if scenario.exposures[role].scene == "arc_lamp"}
    for mode in scenario.lenslet_modes:
        name = f"spectrum of {mode.filter} with {mode.grating} and {mode.mask}"
        if not _touch(mode, region):
            yield "", key, f"no {name} falls on it; read other columns or rows", asdict(region)
        if mode in solved and rows < pitch:  # most of the light would be of spectra that its edges cut
            yield "", key, f"{rows} rows of it see light; arcs take {pitch:g}, one row of lenslets", asdict(region)
        if mode in solved and not find_complete(mode, region).any():
            yield "", key, f"it cuts every {name}; read more columns", asdict(region)


def _touch(mode: LensletMode, region: Subarray) -> bool:
    """Tell whether any spectrum falls on the region at all."""
    (x, y), (rows, columns) = find_ends(mode), region.slices
    along = (x.max(axis=1) >= columns.start) & (x.min(axis=1) < columns.stop)
    return bool((along & (y.max(axis=1) >= rows.start) & (y.min(axis=1) < rows.stop)).any())


def _find_unfed(scenario: Scenario, family: FamilySpec) -> Iterator[Problem]:
    """Yield which exposures a calibration cannot do without: each of its references needs them."""
    if family.family not in INPUTS:
        return
    groups: dict[Match, set[str]] = {}
    for spec in (scenario.exposures[role] for role in family.exposures):
        match = find_match(CALIBRATIONS[family.family][0], spec)
        groups.setdefault(match, set()).add(_find_kind(spec))
    for match, found in groups.items():
        where = [match[0][1]] if len(scenario.detectors) > 1 else []
        where += [describe_match(match)] if sum(other[0] == match[0] for other in groups) > 1 else []
        for kind in INPUTS[family.family]:
            if kind not in found:
                problem = " of ".join([f"it needs {KINDS[kind]}", *where])
                yield family.family, "exposures", problem, list(family.exposures)


def _find_misplaced(scenario: Scenario, family: FamilySpec) -> Iterator[Problem]:
    """Yield what a level 2 family cannot take: lenslets have wavelengths, by measured arcs; all else has a flat."""
    if family.family not in LEVEL2:
        return
    mapped = family.family == "wavelength_map"
    for role in family.exposures:
        if (scenario.exposures[role].lenslet is not None) != mapped:
            problem = f"{role} is not taken through lenslets" if mapped else f"{role} is taken through lenslets"
            yield family.family, "exposures", problem, list(family.exposures)
    if mapped and "alone" in family.settings:
        yield (
            family.family,
            "settings",
            "no wavelength solution is known from truth; choose chain",
            list(family.settings),
        )


def _find_bent(scenario: Scenario) -> Iterator[Problem]:
    """Yield why the search for snowballs would refuse the reads, as it does without linearity correction."""
    steps = {alias: scenario.reduction.get(alias, {}) for alias in ("linearity", "snowball")}
    searched = "snowball" in scenario.families or not steps["snowball"].get("skip", True)
    if searched and steps["linearity"].get("skip", True) and not steps["snowball"].get("nonlinear"):
        problem = "snowballs are searched for in linear reads; add linearity: {skip: false}, or nonlinear: true there"
        yield "", "reduction", problem, steps


def _find_kind(spec: ExposureSpec) -> str:
    """Return dark, flat_on, flat_off or the image type, as the calibration pipelines tell them by their headers."""
    if spec.image_type == "NFF":
        return "flat_on" if spec.lamp == "FLAT" and spec.shutter == "OPEN" else "flat_off"
    if spec.image_type == "ARC":
        return "arc_on" if spec.lamp != "NONE" and spec.shutter == "OPEN" else "arc_off"
    return "dark" if spec.image_type == "DRK" else spec.image_type


def _list_needs(scenario: Scenario, family: FamilySpec) -> list[str]:
    """Return the kinds of reference that the chain's products of a family need."""
    levels = ["saturation"] if scenario.reduction.get("saturation", {}).get("per_pixel") else []
    if family.family in CALIBRATIONS:
        return list(CALIBRATIONS[family.family][1]) + (levels if family.family != "saturation_level" else [])
    if family.family == SIMULATOR:
        return []
    steps = LEVEL1 + LEVEL2.get(family.family, ())
    given: dict[str, Mapping[str, Any]] = {step: scenario.reduction.get(step, {}) for step in steps}
    needs = [
        kind
        for step, parameters in given.items()
        if not parameters.get("skip", step in OFF)
        for kind in STEP_REFERENCES[step]
        if f"override_{kind}" not in parameters
    ]
    return needs + levels + (["ipc"] if given["ramp_fit"].get("coupled") else [])


def _find_lacking(scenario: Scenario, family: FamilySpec, kind: str, detector: str) -> Iterator[Problem]:
    makers = {kind: name for name, (kind, _) in CALIBRATIONS.items()}
    maker = scenario.families.get(makers[kind])
    if maker is None or "chain" not in maker.settings:
        problem = f"the chain's {family.family} needs a {kind} of the same night; add the family {makers[kind]} there"
        yield family.family, "settings", problem, list(family.settings)
        return
    specs = [scenario.exposures[role] for role in maker.exposures]
    offered = {find_match(kind, spec) for spec in specs if spec.detector == detector}
    if not offered:
        problem = f"the chain's {family.family} needs a {kind} of {detector}; add exposures of it to the family"
        yield family.family, "exposures", f"{problem} {makers[kind]}", list(family.exposures)
    if family.family in CALIBRATIONS or not offered:  # calibrations are handed over, whatever they match
        return
    of = f" of {detector}" if len(scenario.detectors) > 1 else ""
    for role in family.exposures:
        spec = scenario.exposures[role]
        if spec.detector == detector and find_match(kind, spec) not in offered:
            there = " and ".join(sorted(map(describe_match, offered)))
            yield (
                family.family,
                "exposures",
                f"the chain's {kind}{of} is of {there}, but {role} is not",
                [*family.exposures],
            )
