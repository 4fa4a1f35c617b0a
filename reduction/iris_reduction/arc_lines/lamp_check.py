"""Is the lamp of each exposure the one that its header names? Refuse, in one line, an exposure of another.

One wrong exposure of several passes as a set: the others show where lines are, and what stands elsewhere is left out.
So each exposure is asked alone, where the set has placed the lines. Where less than half of the light of its spots lies
at lines of its lamp it may still be the one, its bright lines at the filter's edge and others of it in no list; it is
another's if the lines of another lamp hold more of the light, or its own hold what chance gives them, since lines cover
a tenth of the detector.
Where an exposure stands alone, or all are wrong, lines of another lamp may have been taken for those of lenslets two
columns away; so where lines are seen well, the one that should be the brightest must be among them.
Not told: a lamp that shines as well as the one that is named.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.ndimage import maximum_filter

from iris_contract.errors import InputError
from iris_contract.lenslet import Passband
from iris_contract.spectral_data import LAMPS
from iris_reduction.arc_lines.evidence import SHARE, measure_explained
from iris_reduction.arc_lines.image import ArcImage
from iris_reduction.arc_lines.pattern import LampLines, Place, list_lines, predict_points

__all__ = ["check_lamps"]

_CHANCE = 0.25  # of the light, at lines of a lamp that does not shine
_BRIGHT, _SEEN = 29.0, 5.0  # sigma of a pixel; `significance` ends at 30


def check_lamps(images: Sequence[ArcImage], lamps: Sequence[LampLines], band: Passband, number: int, at: Place) -> None:
    """Raise InputError for an image whose light is not at its lamp's lines; `at` places those of `number` spectra."""
    for image, lines in zip(images, lamps, strict=True):
        own, lacking = _explain(image, lines, number, at), _lacks_brightest(image, lines, number, at)
        if own >= SHARE and not lacking:
            continue
        rivals = [_list_lines(name, band) for name in LAMPS if name != image.lamp]
        shares = {of.lamp: _explain(image, of, number, at) for of in rivals if of is not None}
        likely = max(shares, key=shares.__getitem__, default="")
        if own > max(_CHANCE, shares.get(likely, 0.0)) and not lacking:
            continue
        problem = "the lines of this lamp are not those that are seen"
        if shares.get(likely, 0.0) >= SHARE:
            problem += f", which are those of {likely}"
        raise InputError(f"{problem}; leave the exposure out", file=image.name, key="CALLAMP", value=image.lamp)


def _lacks_brightest(image: ArcImage, lines: LampLines, number: int, at: Place) -> bool:
    """Tell whether most spectra show some line of the lamp well, and not the one that should be the brightest."""
    points = predict_points([image], [lines], number, at)
    column, row = (np.rint(v - c).astype(int) for v, c in zip((points.x, points.y), image.corner, strict=True))
    shown = maximum_filter(image.significance, 3)[row, column]
    there = {line: shown[points.line == line] for line in np.unique(points.line)}
    if max((float(np.median(of)) for of in there.values()), default=0.0) < _BRIGHT:
        return False  # too faint to tell
    brightest = there.get(int(lines.strength.argmax()))
    return brightest is not None and float(np.mean(brightest >= _SEEN)) < SHARE


def _explain(image: ArcImage, lines: LampLines, number: int, at: Place) -> float:
    return measure_explained([image], predict_points([image], [lines], number, at))


def _list_lines(lamp: str, band: Passband) -> LampLines | None:
    try:
        return list_lines(lamp, band)
    except InputError:  # it has none in this filter
        return None
