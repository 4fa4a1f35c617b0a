"""Does the image show what its header says? Refuse, in one line, what no solution should be made of.

A lamp that adds no light, lines that are all saturated, spectra that the region cuts, and a pattern that is not that
of the stated filter, grating and mask: then either most spectra show no line where one must be, or most bright spots
lie where no lamp of the list has a line. Both shares are near one in a good set and below a fifth by chance, since
lines cover a tenth of the detector. Not told: the scale, which changes nothing of the format; a lamp without lines
that matter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.ndimage import maximum_filter
from scipy.spatial import cKDTree

from iris_contract.errors import InputError
from iris_reduction.arc_lines.image import ArcImage
from iris_reduction.arc_lines.pattern import Points

__all__ = ["SHARE", "check_light", "check_pattern", "check_saturation", "measure_explained"]

_FEWEST = 3
_STRONG = 0.05
_NEAR = 1.5  # px
SHARE = 0.5
"""Of spectra that show lines, or of light that lies at lines: below it, the light is not what the header says."""
_ALL = 0.95
_SURE = 0.8  # of the light of an exposure at its lines: then the setting is right


def check_light(images: Sequence[ArcImage]) -> None:
    """Raise InputError where an image shows no spots; white light and a lit off exposure leave none either."""
    for image in images:
        if float(image.saturated.mean()) > SHARE:
            problem = "most pixels are saturated; expose it shorter, or read more often"
            raise InputError(problem, file=image.name, key="CALLAMP", value=image.lamp)
        if len(image.spots[0]) < _FEWEST:
            problem = "no light of lines found; was the lamp on, the shutter open, and the off exposure dark?"
            raise InputError(problem, file=image.name, key="CALLAMP", value=image.lamp)


def check_saturation(images: Sequence[ArcImage], points: Points) -> None:
    """Raise InputError for a lamp whose lines are all saturated on all of its images."""
    strong = points.take(points.strength > _STRONG)
    shares: dict[str, list[float]] = {}
    for n, image in enumerate(images):
        mine = strong.image == n
        grown = maximum_filter(image.saturated, 5)
        column = np.rint(strong.x[mine] - image.corner[0]).astype(np.int64)
        row = np.rint(strong.y[mine] - image.corner[1]).astype(np.int64)
        shares.setdefault(image.lamp, []).append(float(grown[row, column].mean()) if mine.any() else 0.0)
    for n, image in enumerate(images):
        if min(shares[image.lamp]) > _ALL:
            problem = "all lines of this lamp are saturated; expose it shorter, or read more often"
            raise InputError(problem, file=images[n].name, key="CALLAMP", value=image.lamp)


def check_pattern(
    images: Sequence[ArcImage], points: Points, found: npt.NDArray[np.bool_], header: Mapping[str, Any]
) -> None:
    """Raise InputError unless most spectra show lines, and most spots are lines; it names the image with the least.

    `points` (k,) are all predicted lines, `found` (k,) those measured where the field has them. `header` gives the
    values that the message names. Where other images show what they should, the lamp of this one is wrong.
    """
    expected = np.unique(points.spectrum[points.strength > 10 * _STRONG])
    shown = float(np.isin(expected, np.unique(points.spectrum[found])).mean()) if len(expected) else 0.0
    explained = measure_explained(images, points)
    if shown >= SHARE and explained >= SHARE:
        return
    shares = [measure_explained([image], _take_image(points, n)) for n, image in enumerate(images)]
    worst = images[int(np.argmin(shares))]
    if min(shares) < SHARE and max(shares) > _SURE:
        problem = (
            f"{min(shares):.0%} of its light is where lines of this lamp should be, of another exposure's "
            f"{max(shares):.0%}; was it another lamp, or two at once? leave the exposure out"
        )
        raise InputError(problem, file=worst.name, key="CALLAMP", value=worst.lamp)
    keys = ("FILTER", "GRATING", "LLMSKST")
    problem = (
        f"the lines of this setting are not what is seen: {shown:.0%} of the spectra show theirs, "
        f"{explained:.0%} of the light is where lines should be; check filter, grating, mask and lamp of the exposures"
    )
    stated = tuple(header.get(key) for key in keys)
    raise InputError(problem, file=worst.name, key=",".join(keys), value=stated)


def _take_image(points: Points, number: int) -> Points:
    """Return the points of one image, as those of the first."""
    mine = points.take(points.image == number)
    return replace(mine, image=np.zeros_like(mine.image))


def measure_explained(images: Sequence[ArcImage], points: Points) -> float:
    """Return the share of the spots of images, by their brightness, that lie near a predicted line; 0 without spots."""
    near, total = 0.0, 0.0
    for n, image in enumerate(images):
        x, y, weight = image.spots
        mine = points.image == n
        total += float(weight.sum())
        if len(x) and mine.any():
            distance = cKDTree(np.stack([points.x[mine], points.y[mine]], axis=1)).query(np.stack([x, y], axis=1))[0]
            near += float(weight[distance <= _NEAR].sum())
    return near / total if total else 0.0
