"""Take an exposure: a scene through the as-built detector, giving a raw ramp and the truth about it.

Truth is physics: SATURATED means that the charge without reset and read noise reached the well, or
that a read exceeded the converter, at any read; the design's saturation level, which is how a
reduction finds such reads, plays no part. JUMP_DET marks a pixel that a cosmic ray hit in any ramp,
also before the first read, where nothing can find it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from iris_contract import DQ, AsBuiltMaps, Exposure, Ramp, Truth
from iris_contract.errors import InputError
from iris_simulator.as_built import AsBuilt
from iris_simulator.chain import SignalChain
from iris_simulator.cosmic_rays import HIT, draw_hits
from iris_simulator.effects import EFFECTS, choose_effects
from iris_simulator.headers import make_header
from iris_simulator.scenes import Scene
from iris_simulator.seeds import ExposureSeeds

__all__ = ["observe"]


def observe(
    scene: Scene,
    exposure: Exposure,
    as_built: AsBuilt,
    *,
    seed: int,
    night: int,
    effects: Iterable[str] = EFFECTS,
    history: Sequence[Exposure] = (),
    cosmic_ray_boost: float = 1.0,
) -> tuple[Ramp, Truth]:
    """Return the raw ramp of `exposure` and its truth, whose `raw_sha256` is empty until written.

    `effects` names those that are on; `cosmic_ray_boost` multiplies the hit rate. `history` lists the
    earlier exposures of the night; no effect simulated so far depends on it. Raises InputError where
    detector, region, read times, effects or scene do not fit.
    """
    on = choose_effects(effects)
    detector, region, times = as_built.detector, exposure.subarray, exposure.readout.times_array()
    _check(exposure, as_built, cosmic_ray_boost)
    maps = as_built.acting(on, region)
    rate = _illuminate(scene, exposure, as_built)
    seeds = ExposureSeeds(seed, night, detector.name, exposure.number)
    hits = draw_hits(detector, region, times, seeds, cosmic_ray_boost) if "cosmic_rays" in on else np.zeros(0, HIT)
    reads, saturated = SignalChain(detector, region, rate, maps, hits, times, seeds, on).read_out()
    header = make_header(exposure, detector, seed=seed, night=night)
    return Ramp(header, reads, times), _tell_truth(rate, maps, hits, saturated, on)


def _check(exposure: Exposure, as_built: AsBuilt, boost: float) -> None:
    detector = as_built.detector
    if exposure.detector != detector.name:
        raise InputError(f"the as-built maps are of {detector.name}", key="DETECTOR", value=exposure.detector)
    exposure.subarray.check(detector)
    exposure.readout.check(detector, exposure.subarray)
    if not 0 <= boost < np.inf:
        raise InputError("must be finite and not negative", key="cosmic_ray_boost", value=boost)


def _illuminate(scene: Scene, exposure: Exposure, as_built: AsBuilt) -> npt.NDArray[np.float32]:
    """Scene rate e-/s on light-sensitive pixels, 0 on the reference border."""
    region = exposure.subarray
    rate = np.array(scene.rate(as_built.detector, region), dtype=np.float32)
    if rate.shape != region.shape or not np.all(np.isfinite(rate)) or np.any(rate < 0):
        raise InputError(
            f"rates must be {region.shape}, finite and not negative", key="scene", value=type(scene).__name__
        )
    rate[region.reference_pixels(as_built.detector)] = 0.0
    return rate


def _tell_truth(
    rate: npt.NDArray[np.float32],
    maps: AsBuiltMaps,
    hits: npt.NDArray[np.void],
    saturated: npt.NDArray[np.bool_],
    on: frozenset[str],
) -> Truth:
    cause = maps.bad.copy()
    cause[saturated] |= DQ["SATURATED"]
    cause[hits["Y"], hits["X"]] |= DQ["JUMP_DET"]
    return Truth(
        raw_sha256="",
        rate_scene=rate,
        rate_detected=rate * maps.flat + maps.dark,
        read_noise=maps.read_noise,
        gain=maps.gain,
        cause=cause,
        events=hits,
        effects={name: name in on for name in EFFECTS},
    )
