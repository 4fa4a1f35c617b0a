"""stpipe Steps: thin adapters between kernels, files and CRDS. `get_steps` is the entry point."""

from __future__ import annotations

__all__ = ["get_steps"]

_STEPS = {
    "mask": "mask.MaskStep",
    "saturation": "saturation.SaturationStep",
    "reference_pixel": "reference_pixel.ReferencePixelStep",
    "linearity": "linearity.LinearityStep",
    "snowball": "snowball.SnowballStep",
    "ramp_fit": "ramp_fit.RampFitStep",
    "persistence": "persistence.PersistenceStep",
    "dark": "dark.DarkStep",
    "ipc": "ipc.IpcStep",
    "flat": "flat.FlatStep",
    "wavelength": "wavelength.WavelengthStep",
}
_PIPELINES = {
    "level1": "level1.Level1Pipeline",
    "level2": "level2.Level2Pipeline",
    "level2_lenslet": "level2_lenslet.Level2LensletPipeline",
    "imager": "imager.ImagerPipeline",
    "calibrate_saturation": "saturation.SaturationPipeline",
    "calibrate_linearity": "linearity.LinearityPipeline",
    "calibrate_gain": "gain.GainPipeline",
    "calibrate_readnoise": "readnoise.ReadnoisePipeline",
    "calibrate_mask": "mask.MaskPipeline",
    "calibrate_dark": "dark.DarkPipeline",
    "calibrate_flat": "flat.FlatPipeline",
    "calibrate_persist": "persistence.PersistencePipeline",
    "calibrate_ipc": "ipc.IpcPipeline",
    "calibrate_arc": "arc.ArcPipeline",
}


def get_steps() -> list[tuple[str, str, bool]]:
    """Return (class, alias, is it a pipeline) of everything `strun` runs; imports none of it."""
    steps = [(f"iris_reduction.steps.{path}", alias, False) for alias, path in _STEPS.items()]
    return steps + [(f"iris_reduction.pipelines.{path}", alias, True) for alias, path in _PIPELINES.items()]
