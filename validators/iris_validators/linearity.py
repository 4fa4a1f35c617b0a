"""Linearity reference against the true response of every pixel.

Truth says what a pixel shows when it holds 20, 40, 60 and 80 thousand electrons. The reference works
on signal S in DN above the pedestal, S = shown / gain with the true gain, and gives

    S_lin = S (1 + sum over k of COEFFS[k] (S / LINNORM)^(k + 1)).

Over light-sensitive pixels good in truth and not flagged DO_NOT_USE or NONLINEAR, per level:

    residual      rms of S_lin gain / held - 1, the error of a pixel
    residual_999  99.9 % quantile of its absolute value
    yield         good pixels neither flagged nor NaN

The scale is that of the gain at low signal: a wrong slope there counts as error. Not modelled: signals
between the levels, error of the pedestal, noise of the ramp that is corrected.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from iris_contract.dq import has
from iris_contract.errors import LayoutError
from iris_validators.evidence import ReferenceEvidence
from iris_validators.metric import Metric, index_metrics
from iris_validators.residuals import rms_of
from iris_validators.sample import Sample

__all__ = ["METRICS", "sample_linearity"]

METRICS = index_metrics(
    Metric("linearity.residual", "ratio", "1", 0, "Rms relative error of a linearised pixel"),
    Metric("linearity.residual_999", "ratio", "1", 0, "99.9 % quantile of that error"),
    Metric("linearity.yield", "pixels", "1", 1, "Share of good pixels that can be linearised"),
)

Array = npt.NDArray[np.float64]


def sample_linearity(references: Sequence[ReferenceEvidence]) -> list[Sample]:
    """Return the samples of one night's references, one pair per level; raises LayoutError without LINNORM."""
    return [sample for evidence in references for sample in _sample(evidence)]


def _sample(evidence: ReferenceEvidence) -> list[Sample]:
    row, maps, content = evidence.row, evidence.maps, evidence.reference.content
    if maps.signal is None or maps.levels is None:
        return [metric.skip(row, "the detector is linear in truth") for metric in METRICS.values()]
    norm = _read_norm(evidence)
    good = evidence.good
    flagged = has(content["DQ"][good], "DO_NOT_USE", "NONLINEAR")
    coefficients, gain = content["COEFFS"][good], maps.gain[good].astype(np.float64)
    usable = ~flagged & np.isfinite(coefficients).all(axis=-1)
    samples = [METRICS["linearity.yield"].count(row, int(np.count_nonzero(usable)), usable.size)]
    for number, level in enumerate(maps.levels):
        shown = maps.signal[:, :, number][good] / gain
        error = (_linearise(shown, coefficients, norm) * gain / level - 1)[~flagged]
        values = {"linearity.residual": rms_of(error), "linearity.residual_999": _find_quantile(error)}
        samples += [METRICS[name].sample(row, v, f"level={level:g}", error.size) for name, v in values.items()]
    return samples


def _read_norm(evidence: ReferenceEvidence) -> float:
    norm = evidence.reference.header.get("LINNORM")
    if not isinstance(norm, (int, float)) or isinstance(norm, bool) or not 0 < norm < float("inf"):
        raise LayoutError(
            "must be the signal in DN that coefficients refer to", file=evidence.row.product, key="LINNORM", value=norm
        )
    return float(norm)


def _linearise(signal: Array, coefficients: npt.NDArray[np.float32], norm: float) -> Array:
    """Linear signal of `signal`, both DN (n,), by `coefficients` (n, ncoeff), as the module says."""
    relative, factor = signal / norm, np.zeros_like(signal)
    for k in reversed(range(coefficients.shape[-1])):
        factor += coefficients[:, k]
        factor *= relative
    factor += 1
    factor *= signal
    return factor


def _find_quantile(error: Array) -> float:
    return float(np.quantile(np.abs(error), 0.999)) if error.size else float("nan")
