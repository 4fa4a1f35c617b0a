"""The observing plan of a night: which exposures are taken when, by the scenario's own clock.

Calibrations come first, in the afternoon of the night's date (UT 02:00 on), then the sky and science
frames; exposures follow each other with a fixed gap, whatever their detector. Nothing here depends on
the time of the run.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from iris_contract.exposure import Exposure
from iris_contract.instrument import load_instrument
from iris_harness.scenario import ExposureSpec, Scenario

__all__ = ["PlannedExposure", "name_raw_file", "plan_night"]

START = time(2, 0, tzinfo=UTC)
GAP = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class PlannedExposure:
    """One exposure of one night with the specification it came from."""

    spec: ExposureSpec
    exposure: Exposure


def plan_night(scenario: Scenario, night: int) -> list[PlannedExposure]:
    """Return the exposures of `night` (from 1) in the order in which they are taken."""
    start = datetime.combine(scenario.first_night + timedelta(days=night - 1), START)
    planned: list[PlannedExposure] = []
    for spec in scenario.exposures.values():
        region = scenario.find_region(spec.detector)
        frame = region.frame_time(load_instrument().detector(spec.detector), spec.readout.clock)
        for _ in range(spec.count):
            exposure = Exposure(
                role=spec.role,
                image_type=spec.image_type,
                detector=spec.detector,
                subarray=region,
                readout=spec.readout,
                start=start,
                number=len(planned) + 1,
                filter=spec.filter,
                lamp=spec.lamp,
                shutter=spec.shutter,
                program=(f"{start.year}A", "P001", f"{night:03d}"),
                guide_window=spec.guide_window,
                lenslet=spec.lenslet,
            )
            planned.append(PlannedExposure(spec, exposure))
            start += timedelta(seconds=spec.readout.ramps * (spec.readout.times[-1] + frame)) + GAP
    return planned


def name_raw_file(exposure: Exposure) -> str:
    """Return the file name of a raw exposure, as the observatory's data system forms it."""
    semester, program, observation = exposure.program
    kind = f"{exposure.detector}_{exposure.image_type}_LVL0_{exposure.number:04d}-00"
    return f"{semester}-{program}-{observation}_IRIS_{kind}.fits"
