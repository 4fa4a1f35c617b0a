"""What an exposure of a lamp must say, so that its header tells what is seen: calibrations take exposures by headers.

Every problem is reported with file, line and key, before anything is simulated.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from iris_contract.lenslet import load_passband
from iris_contract.spectral_data import LAMPS, load_arc_lines

if TYPE_CHECKING:
    from iris_harness.exposures import ExposureSpec
    from iris_harness.yaml_reader import Reader

__all__ = ["check_lamp"]

SHINING: Mapping[str, tuple[str, ...]] = {"arc_lamp": tuple(LAMPS), "white_light": ("FLAT",), "flat_lamp": ("FLAT",)}
"""Lamps by scene."""
TYPES: Mapping[str, tuple[str, ...]] = {"arc_lamp": ("ARC",), "white_light": ("SCI", "SKY", "NFF")}
"""Image types of scenes through lenslets; as another one they would be calibrated as what they are not."""
SINGLE = (*SHINING, "uniform_sky")
"""Scenes of one rate."""


def check_lamp(reader: Reader, spec: ExposureSpec) -> None:
    """Raise ScenarioError where lamp, shutter, image type, rates or filter of an exposure do not go with its scene."""
    if spec.scene in SINGLE and len(spec.rates) != 1:
        raise reader.error(f"a scene {spec.scene} has one rate", "rates", list(spec.rates))
    if spec.scene == "blank" and spec.lamp != "NONE" and spec.shutter == "OPEN":
        raise reader.error("a scene blank has no light: say lamp: NONE, or shutter: CLOSED", "lamp", spec.lamp)
    if spec.scene not in SHINING:
        return
    if spec.lamp not in SHINING[spec.scene]:
        raise reader.error(f"a scene {spec.scene} has lamp: {' or '.join(SHINING[spec.scene])}", "lamp", spec.lamp)
    if spec.shutter != "OPEN":
        raise reader.error(f"the light of a scene {spec.scene} comes through shutter: OPEN", "shutter", spec.shutter)
    if spec.rates[0] == 0:
        raise reader.error("a lamp shines: give a rate above 0, or a scene blank", "rates", list(spec.rates))
    types = TYPES.get(spec.scene, (spec.image_type,))
    if spec.image_type not in types:
        raise reader.error(f"a scene {spec.scene} has image_type: {' or '.join(types)}", "image_type", spec.image_type)
    if spec.lenslet:
        _check_lines(reader, spec)


def _check_lines(reader: Reader, spec: ExposureSpec) -> None:
    low, high = reader.guard(lambda: load_passband(spec.filter).half, "filter")
    if spec.scene == "arc_lamp":
        lines, _ = load_arc_lines(spec.lamp)
        if not ((lines > low) & (lines < high)).any():
            problem = f"has no listed line in the filter {spec.filter}; leave this exposure out"
            raise reader.error(problem, "lamp", spec.lamp)
