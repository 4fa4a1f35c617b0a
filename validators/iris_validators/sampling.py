"""From manifest rows to samples: which metrics a product is sampled for.

    ramp        level 1 images of a ladder of rates: errors of rates and of their errors
    jump        level 1 images at a boosted hit rate: hits found, and what repair leaves
    snowball    level 1 images with snowballs, and without
    image       level 2 images
    simulator   raw frames, which show how real the simulator is
    saturation reference_pixel persistence: level 1 images, of bright, blank and afterglowing fields
    gain read_noise dark flat bad_pixel linearity ipc: the reference of that kind
    wavelength  the `arc` reference of a mode of the lenslet spectrograph
    wavelength_map  level 2 frames of the lenslets, by pixel

A row of another family, or of a layout that its family does not judge, is an error. Where a single
frame must do, it is cut into blocks that are sampled one by one: a grid, or as many bands of rows
where a figure belongs to whole outputs, needs the reference border in every block, or is of spectra along rows. Raw
frames are not cut.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from iris_contract.errors import InputError, ManifestError
from iris_contract.manifest import ManifestRow
from iris_validators import (
    aperture,
    bad_pixel,
    dark,
    flat,
    gain,
    image,
    ipc,
    jump,
    linearity,
    persistence,
    ramp,
    read_noise,
    reference_pixel,
    repair,
    saturation,
    simulator,
    snowball,
    wavelength,
    wavelength_map,
)
from iris_validators.arc_evidence import ArcEvidence, read_arc
from iris_validators.evidence import ImageEvidence, ReferenceEvidence, Window, read_image, read_reference
from iris_validators.map_evidence import MapEvidence, read_map
from iris_validators.metric import Metric
from iris_validators.sample import Sample

__all__ = ["BANDED", "FAMILY_MODELS", "METRICS", "sample_group"]

Evidence = TypeVar("Evidence", ImageEvidence, ReferenceEvidence, ArcEvidence, MapEvidence)


def _sample_hits(exposures: Sequence[ImageEvidence]) -> list[Sample]:
    return jump.sample_jumps(exposures) + repair.sample_hit_pixels(exposures)


_MODULES = (
    *(ramp, aperture, jump, repair, snowball, reference_pixel, linearity, saturation, gain, read_noise, persistence),
    *(ipc, dark, flat, bad_pixel, wavelength, wavelength_map, image, simulator),
)
METRICS: Mapping[str, Metric] = MappingProxyType(
    {name: metric for module in _MODULES for name, metric in module.METRICS.items()}
)
"""Every metric by name."""

_IMAGES: Mapping[tuple[str, str], Callable[[Sequence[ImageEvidence]], list[Sample]]] = {
    ("ramp", "RateModel"): ramp.sample_ramps,
    ("jump", "RateModel"): _sample_hits,
    ("snowball", "RateModel"): snowball.sample_snowballs,
    ("image", "ImagerModel"): image.sample_images,
    ("saturation", "RateModel"): saturation.sample_saturation,
    ("reference_pixel", "RateModel"): reference_pixel.sample_striping,
    ("persistence", "RateModel"): persistence.sample_afterglow,
}
_REFERENCES: Mapping[tuple[str, str], Callable[[Sequence[ReferenceEvidence]], list[Sample]]] = {
    ("dark", "DarkModel"): dark.sample_darks,
    ("flat", "FlatModel"): flat.sample_flats,
    ("gain", "GainModel"): gain.sample_gains,
    ("read_noise", "ReadnoiseModel"): read_noise.sample_read_noises,
    ("bad_pixel", "MaskModel"): bad_pixel.sample_masks,
    ("linearity", "LinearityModel"): linearity.sample_linearity,
    ("ipc", "IpcModel"): ipc.sample_links,
}
_ARC, _MAP = ("wavelength", "ArcModel"), ("wavelength_map", "LensletModel")
_ON_REQUEST: Mapping[str, Callable[[Sequence[ImageEvidence]], list[Sample]]] = {
    "ramp.aperture_pull_width": aperture.sample_apertures,
}
BANDED: tuple[str, ...] = ("gain", "read_noise", "reference_pixel", "bad_pixel", "wavelength", "wavelength_map")
"""Families whose blocks are bands of rows: figures of outputs, of the reference border, or of spectra along rows."""

FAMILY_MODELS: Mapping[str, str] = MappingProxyType(
    dict([*_IMAGES, *_REFERENCES, _ARC, _MAP, ("simulator", "RampModel")])
)
"""Each family that has metrics, with the layout (DATAMODL) of the products that it judges."""


def _group_of(row: ManifestRow) -> tuple[str, str, str, int, str, str]:
    return row.setting, row.family, row.algorithm, row.night, row.exposure, row.detector


def sample_group(
    run: Path, rows: Sequence[ManifestRow], blocks: int | None = None, metrics: Collection[str] = ()
) -> list[Sample]:
    """Return the samples of one (setting, family, algorithm, night, exposure role, detector).

    `run` is the run directory that the rows' paths start from. With `blocks`, samples are of that many
    blocks along each side of the region, or of its square in bands of rows. What costs much
    (pulls of apertures) is sampled only where `metrics` names it. Raises ManifestError where the rows
    are not of one group or their family does not judge their layout, LayoutError where a file
    cannot be read or compared with its truth, and InputError where the region is too small to be cut.
    """
    if len({_group_of(row) for row in rows}) != 1:
        raise ManifestError("rows must share setting, family, algorithm, night, exposure and detector", key="rows")
    for row in rows:
        if FAMILY_MODELS.get(row.family) != row.model:
            raise ManifestError(
                f"the family {row.family} does not judge it", file=row.product, key="model", value=row.model
            )
    key = rows[0].family, rows[0].model
    if rows[0].family == "simulator":
        return simulator.sample_simulator(run, rows)
    if key == _ARC:
        return _sample_blocks(wavelength.sample_solutions, [read_arc(run, row) for row in rows], blocks)
    if key == _MAP:
        return _sample_blocks(wavelength_map.sample_maps, [read_map(run, row) for row in rows], blocks)
    if key in _REFERENCES:
        return _sample_blocks(_REFERENCES[key], [read_reference(run, row) for row in rows], blocks)
    extra = [sampler for name, sampler in _ON_REQUEST.items() if name in metrics and METRICS[name].family == key[0]]

    def sample(exposures: Sequence[ImageEvidence]) -> list[Sample]:
        return [s for sampler in (_IMAGES[key], *extra) for s in sampler(exposures)]

    return _sample_blocks(sample, [read_image(run, row) for row in rows], blocks)


def _sample_blocks(
    sample: Callable[[Sequence[Evidence]], list[Sample]], evidence: Sequence[Evidence], blocks: int | None
) -> list[Sample]:
    if blocks is None:
        return sample(evidence)
    shape, banded = evidence[0].region.shape, evidence[0].row.family in BANDED
    return [
        replace(found, block=number)
        for number, window in enumerate(_list_windows(shape, blocks, banded))
        for found in sample([e.cut(window) for e in evidence])
    ]


def _list_windows(shape: tuple[int, int], blocks: int, banded: bool) -> Iterator[Window]:
    """Yield the windows of a grid of `blocks` x `blocks`, or of as many bands of rows."""
    parts = (blocks**2, 1) if banded else (blocks, blocks)
    if blocks < 1 or any(size < number for size, number in zip(shape, parts, strict=True)):
        raise InputError(f"a region of {shape} pixels cannot be cut into {parts}", key="blocks", value=blocks)
    rows, columns = ([size * n // number for n in range(number + 1)] for size, number in zip(shape, parts, strict=True))
    for top, bottom in pairwise(rows):
        for left, right in pairwise(columns):
            yield slice(top, bottom), slice(left, right)
