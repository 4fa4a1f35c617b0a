"""From manifest rows to samples: which metrics a product is sampled for.

    ramp        level 1 images of a ladder of rates: errors of rates and of their errors
    jump        level 1 images at a boosted hit rate: hits found, and what repair leaves
    image       level 2 images
    simulator   raw frames, which show how real the simulator is
    gain read_noise dark flat bad_pixel: the reference of that kind

A row of another family, or of a layout that its family does not judge, is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from iris_contract.errors import ManifestError
from iris_contract.manifest import ManifestRow
from iris_validators import bad_pixel, dark, flat, gain, image, jump, ramp, read_noise, repair, simulator
from iris_validators.evidence import ImageEvidence, ReferenceEvidence, read_image, read_reference
from iris_validators.metric import Metric
from iris_validators.sample import Sample

__all__ = ["FAMILY_MODELS", "METRICS", "sample_group"]


def _sample_hits(exposures: Sequence[ImageEvidence]) -> list[Sample]:
    return jump.sample_jumps(exposures) + repair.sample_hit_pixels(exposures)


METRICS: Mapping[str, Metric] = MappingProxyType(
    {
        name: metric
        for family in (ramp, jump, repair, gain, read_noise, dark, flat, bad_pixel, image, simulator)
        for name, metric in family.METRICS.items()
    }
)
"""Every metric by name."""

_IMAGES: Mapping[tuple[str, str], Callable[[Sequence[ImageEvidence]], list[Sample]]] = {
    ("ramp", "RateModel"): ramp.sample_ramps,
    ("jump", "RateModel"): _sample_hits,
    ("image", "ImagerModel"): image.sample_images,
}
_REFERENCES: Mapping[tuple[str, str], Callable[[Sequence[ReferenceEvidence]], list[Sample]]] = {
    ("dark", "DarkModel"): dark.sample_darks,
    ("flat", "FlatModel"): flat.sample_flats,
    ("gain", "GainModel"): gain.sample_gains,
    ("read_noise", "ReadnoiseModel"): read_noise.sample_read_noises,
    ("bad_pixel", "MaskModel"): bad_pixel.sample_masks,
}

FAMILY_MODELS: Mapping[str, str] = MappingProxyType(dict([*_IMAGES, *_REFERENCES, ("simulator", "RampModel")]))
"""Each family that has metrics, with the layout (DATAMODL) of the products that it judges."""


def _group_of(row: ManifestRow) -> tuple[str, str, str, int, str]:
    return row.setting, row.family, row.algorithm, row.night, row.exposure


def sample_group(run: Path, rows: Sequence[ManifestRow]) -> list[Sample]:
    """Return the samples of one (setting, family, algorithm, night, exposure role).

    `run` is the run directory that the rows' paths start from. Raises ManifestError where the rows
    are not of one group or their family does not judge their layout, and LayoutError where a file
    cannot be read or compared with its truth.
    """
    if len({_group_of(row) for row in rows}) != 1:
        raise ManifestError("rows must share setting, family, algorithm, night and exposure", key="rows")
    key = rows[0].family, rows[0].model
    for row in rows:
        if FAMILY_MODELS.get(row.family) != row.model:
            raise ManifestError(
                f"the family {row.family} does not judge it", file=row.product, key="model", value=row.model
            )
    if rows[0].family == "simulator":
        return simulator.sample_simulator(run, rows)
    if key in _IMAGES:
        return _IMAGES[key]([read_image(run, row) for row in rows])
    return _REFERENCES[key]([read_reference(run, row) for row in rows])
