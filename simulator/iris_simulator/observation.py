"""Take an exposure: a scene through the as-built detector, giving a raw ramp and the truth about it.

Truth is physics: SATURATED means that the charge without reset and read noise reached the well, or
that a read exceeded the converter, at any read; the design's saturation level, which is how a
reduction finds such reads, plays no part. JUMP_DET marks a pixel that a cosmic ray hit in any ramp,
also before the first read, where nothing can find it; its neighbours, coupled to it, are not marked.
TELEGRAPH marks a pixel whose level switched, NON_SCIENCE one in a guide window, which collects nothing over the ramp
and has no events. The rate detected is what a linear detector would have
shown from first to last read: coupled, as far as links have faded by then, with afterglow, without the loss of
nonlinearity.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from iris_contract import DQ, AsBuiltMaps, Detector, Exposure, Ramp, Truth
from iris_contract.errors import InputError
from iris_simulator.as_built import AsBuilt
from iris_simulator.chain import ReadOut, SignalChain
from iris_simulator.cosmic_rays import HIT, draw_hits
from iris_simulator.effects import EFFECTS, choose_effects
from iris_simulator.headers import make_header
from iris_simulator.persistence import Earlier
from iris_simulator.scenes import Scene
from iris_simulator.seeds import ExposureSeeds
from iris_simulator.tracks import draw_snowballs, draw_tracks

__all__ = ["observe"]


def observe(
    scene: Scene,
    exposure: Exposure,
    as_built: AsBuilt,
    *,
    seed: int,
    night: int,
    effects: Iterable[str] = EFFECTS,
    history: Sequence[Earlier] = (),
    cosmic_ray_boost: float = 1.0,
) -> tuple[Ramp, Truth]:
    """Return the raw ramp of `exposure` and its truth, whose `raw_sha256` is empty until written.

    `effects` names those that are on; `cosmic_ray_boost` multiplies the hit rate. `history` lists the
    earlier exposures of the night, whose charge persists. Raises InputError where
    detector, region, read times, effects or scene do not fit.
    """
    on = choose_effects(effects)
    detector = as_built.detector
    _check(exposure, as_built, cosmic_ray_boost)
    maps = as_built.acting(on, exposure.subarray)
    rate = _illuminate(scene, exposure, as_built)
    seeds = ExposureSeeds(seed, night, detector.name, exposure.number)
    hits = _draw_hits(exposure, detector, seeds, on, cosmic_ray_boost)
    hole = np.zeros(exposure.subarray.shape, dtype=np.bool_)
    if exposure.guide_window is not None:
        hole[exposure.guide_window.area.cut_from(exposure.subarray)] = True
        hits = hits[~hole[hits["Y"], hits["X"]]]
    out = SignalChain(detector, exposure, rate, maps, history, hits, seeds, on).read_out()
    header = make_header(exposure, detector, seed=seed, night=night)
    return Ramp(header, out.reads, exposure.readout.times_array()), _tell_truth(rate, maps, hits, hole, out, on)


def _draw_hits(
    exposure: Exposure, detector: Detector, seeds: ExposureSeeds, on: frozenset[str], boost: float
) -> npt.NDArray[np.void]:
    """Return the pixels that cosmic rays hit, in order of rows."""
    if "cosmic_rays" not in on:
        return np.zeros(0, HIT)
    region = exposure.subarray
    hits = draw_hits(detector, region, exposure.readout.times_array(), seeds, boost)
    shaped = draw_tracks(hits, detector, region, seeds) if "tracks" in on else hits
    if "snowballs" in on:
        shaped = np.concatenate([shaped, draw_snowballs(hits, detector, region, seeds)])
    return np.sort(shaped, order=["Y", "GROUP", "READ", "X"], kind="stable")


def _check(exposure: Exposure, as_built: AsBuilt, boost: float) -> None:
    detector = as_built.detector
    if exposure.detector != detector.name:
        raise InputError(f"the as-built maps are of {detector.name}", key="DETECTOR", value=exposure.detector)
    exposure.subarray.check(detector)
    exposure.readout.check(detector, exposure.subarray)
    if exposure.guide_window is not None:
        exposure.guide_window.check(detector, exposure.subarray, exposure.readout)
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
    hole: npt.NDArray[np.bool_],
    out: ReadOut,
    on: frozenset[str],
) -> Truth:
    cause = (maps.bad & ~np.uint32(DQ["TELEGRAPH"])) | out.flags
    cause[hits["Y"], hits["X"]] |= DQ["JUMP_DET"]
    cause[hole] |= DQ["NON_SCIENCE"]
    return Truth(
        raw_sha256="",
        rate_scene=rate,
        rate_detected=out.detected,
        read_noise=maps.read_noise,
        gain=maps.gain,
        cause=cause,
        events=hits,
        effects={name: name in on for name in EFFECTS},
        persistence=out.persistence,
    )
