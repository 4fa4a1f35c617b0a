"""Interpixel capacitance: the links that were measured against the true ones.

DATA (ny, nx, 3) is the strength of each pixel's links to its right, upper and upper corner
neighbours. Per kind of link, over light-sensitive pixels good in truth:

    relative_error  mean(est) / mean(true) - 1 over the field
    worst_block     largest |mean(est) / mean(true) - 1| of 4 x 4 blocks of the region

The field of the links is smooth, so their mean over a block is what a deconvolution needs. The true ones are
those without signal, as faint light meets them: a map that was measured on bright flats, where links are
weaker, is in error by that. Not judged: links of single pixels.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from iris_contract.errors import LayoutError
from iris_validators.evidence import ReferenceEvidence
from iris_validators.metric import Metric, index_metrics
from iris_validators.sample import Sample

__all__ = ["LINKS", "METRICS", "sample_links"]

METRICS = index_metrics(
    Metric("ipc.relative_error", "mean", "1", 0, "Relative error of the links, mean over the field"),
    Metric("ipc.worst_block", "ratio", "1", 0, "Largest relative error of the links among 4 x 4 blocks"),
)
LINKS: tuple[str, ...] = ("right", "upper", "corner")
BLOCKS = 4

Array = npt.NDArray[np.float64]


def sample_links(references: Sequence[ReferenceEvidence]) -> list[Sample]:
    """Return the samples of one night's references, one pair per kind of link; raises LayoutError."""
    return [sample for evidence in references for sample in _sample(evidence)]


def _sample(evidence: ReferenceEvidence) -> list[Sample]:
    row, true, found = evidence.row, evidence.maps.links, evidence.reference.content["DATA"]
    if true is None:
        return [m.skip(row, "pixels are not coupled in truth", f"link={n}") for n in LINKS for m in METRICS.values()]
    if found.shape != true.shape:
        problem = f"links to three neighbours have the shape {true.shape}"
        raise LayoutError(problem, file=row.product, key="DATA", value=found.shape)
    good, samples = evidence.good, []
    _, number = np.unique(_number_blocks(good.shape)[good], return_inverse=True)
    for kind, name in enumerate(LINKS):
        est, truth = (_sum_blocks(plane[:, :, kind][good], number) for plane in (found, true))
        blocks = np.abs(_compare(est, truth))
        values = {
            "ipc.relative_error": float(_compare(est.sum(), truth.sum())),
            "ipc.worst_block": float(blocks.max()) if blocks.size else float("nan"),
        }
        samples += [METRICS[key].sample(row, v, f"link={name}", number.size) for key, v in values.items()]
    return samples


def _sum_blocks(plane: npt.NDArray[np.float32], number: npt.NDArray[np.intp]) -> Array:
    return np.asarray(np.bincount(number, weights=plane), dtype=np.float64)


def _number_blocks(shape: tuple[int, ...]) -> npt.NDArray[np.int64]:
    """Number of the block that each pixel (ny, nx) lies in."""
    y, x = (np.arange(size) * BLOCKS // size for size in shape)
    return np.asarray(y[:, None] * BLOCKS + x[None, :])


def _compare(found: npt.ArrayLike, true: npt.ArrayLike) -> Array:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.divide(found, true) - 1)
