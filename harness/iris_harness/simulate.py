"""The simulate stage: what was built once, then one task per exposure of every night and setting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from iris_contract.atomic import hash_file
from iris_contract.instrument import load_instrument
from iris_contract.lenslet import LensletMode
from iris_harness.exposures import SPECTROGRAPH
from iris_harness.nights import PlannedExposure, plan_night
from iris_harness.run_directory import RunDirectory
from iris_harness.scenario import Scenario, load_scenario
from iris_harness.tasks import Task, hash_source, make_key

__all__ = [
    "forget_as_built",
    "list_settings",
    "plan_as_built",
    "plan_simulation",
    "simulate_exposure",
    "write_as_built",
    "write_spectrograph",
]

SOURCES = ("iris_contract", "iris_simulator")
MEMORY = timedelta(hours=1)  # what was before leaves less than e**-9 in the slowest traps
STAR_WAVELENGTH, STREHL, STAMP_SIZE = 1.65, 0.55, 81  # um; Strehl on axis in H by Marechal; pixels


def list_settings(scenario: Scenario, role: str) -> tuple[str, ...]:
    """Return the settings in which any family uses the exposures of `role`."""
    used = {s for family in scenario.families.values() if role in family.exposures for s in family.settings}
    return tuple(sorted(used))


def plan_simulation(run: RunDirectory, scenario: Scenario, seed: int, nights: int) -> list[Task]:
    """Return one task per raw file that some family needs."""
    tasks = []
    source = hash_source(*SOURCES, "iris_harness.simulate", "iris_harness.nights")
    for night in range(1, nights + 1):
        for planned in plan_night(scenario, night):
            for setting in list_settings(scenario, planned.spec.role):
                number = planned.exposure.number
                parameters = [asdict(planned.spec), asdict(planned.exposure), scenario.effects, seed, night, setting]
                tasks.append(
                    Task(
                        name=f"simulate-{setting}-{night:03d}-{number:04d}",
                        stage="simulate",
                        call="iris_harness.simulate:simulate_exposure",
                        arguments=(run.root, seed, night, number, setting),
                        key=make_key(parameters, [], source),
                    )
                )
    return tasks


@lru_cache(maxsize=2)
def _load(root: Path) -> Scenario:
    return load_scenario(root / "scenario.yaml")


@lru_cache(maxsize=2)
def _build(detector: str, region: Any, seed: int) -> Any:
    from iris_simulator import build_as_built

    return build_as_built(load_instrument().detector(detector), region, seed)


@lru_cache(maxsize=2)
def _build_spectrograph(mode: LensletMode, region: Any, seed: int) -> Any:
    from iris_simulator.lenslet import build_spectrograph

    return build_spectrograph(mode, region, seed)


def forget_as_built() -> None:
    """Let go of the as-built maps, which simulations of this process share: 1.7 GB of the full format."""
    _build.cache_clear()
    _build_spectrograph.cache_clear()


def plan_as_built(run: RunDirectory, scenario: Scenario, seed: int) -> list[Task]:
    """Return the tasks that write what was built: one for each detector, and each mode of the spectrograph."""
    tasks = []
    for detector in scenario.detectors:
        name = "as-built" if detector == scenario.detector else f"as-built-{detector}"
        place = [detector, asdict(scenario.find_region(detector))]
        key = make_key([*place, sorted(scenario.effects), seed], [], hash_source(*SOURCES))
        call, arguments = "iris_harness.simulate:write_as_built", (run.root, seed, detector)
        tasks.append(Task(name, "simulate", call, arguments, key))
    for mode in scenario.lenslet_modes:
        path = run.spectrograph(mode)
        region = asdict(scenario.find_region(SPECTROGRAPH))
        key = make_key([asdict(mode), region, sorted(scenario.effects), seed], [], hash_source(*SOURCES))
        call = "iris_harness.simulate:write_spectrograph"
        tasks.append(Task(f"as-built-{path.stem}", "simulate", call, (run.root, seed, mode), key))
    return tasks


def write_as_built(root: Path, seed: int, detector: str) -> tuple[list[Path], Any]:
    """Write the as-built maps that act with the scenario's effects, of the region of a detector, as truth."""
    scenario = _load(root)
    path = RunDirectory(root).as_built(detector)
    effects, _ = _split_effects(scenario.effects)
    _build(detector, scenario.find_region(detector), seed).tell(effects).write(path)
    return [path], None


def write_spectrograph(root: Path, seed: int, mode: LensletMode) -> tuple[list[Path], Any]:
    """Write the spectrograph as built, of the lenslets that light the scenario's region, as truth."""
    from iris_simulator.lenslet import tell_spectrograph

    scenario, path = _load(root), RunDirectory(root).spectrograph(mode)
    _, optical = _split_effects(scenario.effects)
    tell_spectrograph(_build_spectrograph(mode, scenario.find_region(SPECTROGRAPH), seed), optical).write(path)
    return [path], None


def _split_effects(effects: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return those of the detector and those of the spectrograph's optics."""
    from iris_simulator.lenslet import OPTICAL_EFFECTS

    optical = [effect for effect in effects if effect in OPTICAL_EFFECTS]
    return [effect for effect in effects if effect not in optical], optical


def build_scene(planned: PlannedExposure, seed: int, night: int, optical: Sequence[str]) -> Any:
    """Return the scene of an exposure; stars have the same places in every night.

    `optical` are the effects of the spectrograph's optics that are on.
    """
    from iris_simulator.psf import diffraction_stamp
    from iris_simulator.scenes import Blank, FlatLamp, Ladder, UniformSky, draw_stars

    spec, region = planned.spec, planned.exposure.subarray
    match spec.scene:
        case "flat_lamp":
            return FlatLamp(spec.rates[0])
        case "uniform_sky":
            return UniformSky(spec.rates[0])
        case "ladder":
            return Ladder(spec.rates)
        case "star_field":
            sky, brightest = spec.rates
            stamp = diffraction_stamp(STAR_WAVELENGTH, STAMP_SIZE, strehl=STREHL)
            return draw_stars(region, spec.stars, brightest / 100, brightest, stamp, seed=seed, sky=sky)
        case "arc_lamp" | "white_light":
            return _light_lenslets(planned, seed, night, optical)
        case _:
            return Blank()


def _light_lenslets(planned: PlannedExposure, seed: int, night: int, optical: Sequence[str]) -> Any:
    """Return the scene of a lamp that shines on the lenslets: `rates` is e-/s of the brightest line, or e-/s/nm."""
    from iris_simulator.lenslet import ArcLamp, WhiteLamp
    from iris_simulator.lenslet import build_scene as light

    spec, exposure = planned.spec, planned.exposure
    if spec.scene == "arc_lamp":
        lamp: Any = ArcLamp(spec.lamp, spec.rates[0], effects=optical)
    else:
        lamp = WhiteLamp(spec.rates[0], effects=optical)
    built = _build_spectrograph(exposure.lenslet, exposure.subarray, seed)
    return light(built, [lamp], night=night, exposure=exposure.number, effects=optical)


def _list_history(
    scenario: Scenario, planned: PlannedExposure, night: int, seed: int, optical: Sequence[str]
) -> list[Any]:
    """Return what its detector saw in the night before an exposure, as far back as traps remember."""
    from iris_simulator import Earlier

    start = planned.exposure.start
    return [
        Earlier(build_scene(past, seed, night, optical), past.exposure)
        for past in plan_night(scenario, night)
        if past.exposure.detector == planned.exposure.detector
        and past.exposure.start < start
        and start - past.exposure.start < MEMORY
    ]


def simulate_exposure(root: Path, seed: int, night: int, number: int, setting: str) -> tuple[list[Path], Any]:
    """Simulate one exposure and write raw and truth; the content is the raw file's SHA-256."""
    from iris_simulator import observe, write_exposure
    from iris_simulator.lenslet import LensletScene

    run, scenario = RunDirectory(root), _load(root)
    planned = plan_night(scenario, night)[number - 1]
    effects = [e for e in scenario.effects if setting != "alone" or e not in planned.spec.alone_without]
    effects, optical = _split_effects(effects)
    scene = build_scene(planned, seed, night, optical)
    ramp, truth = observe(
        scene,
        planned.exposure,
        _build(planned.exposure.detector, planned.exposure.subarray, seed),
        seed=seed,
        night=night,
        effects=effects,
        history=_list_history(scenario, planned, night, seed, optical) if "persistence" in effects else (),
        cosmic_ray_boost=planned.spec.cosmic_ray_boost,
    )
    if isinstance(scene, LensletScene):
        readout = planned.exposure.readout
        truth = replace(truth, **scene.tell_truth(), seconds=readout.ramps * readout.ramp_time)
    raw, truth_path = run.raw(setting, night, planned.exposure), run.truth(setting, night, planned.exposure)
    write_exposure(ramp, truth, raw, truth_path)
    return [raw, truth_path], hash_file(raw)
