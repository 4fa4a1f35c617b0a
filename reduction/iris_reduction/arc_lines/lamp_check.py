"""Is the lamp of each exposure the one that its header names? Refuse, in one line, an exposure of another.

One wrong exposure of several passes as a set: the others show where lines are, and what stands elsewhere is left out.
So each exposure is asked alone, where the set has placed the lines. Where less than half of the light of its spots lies
at lines of its lamp it may still be the one, its bright lines at the filter's edge and others of it in no list; it is
another's if the lines of another lamp hold more of the light, or its own hold what chance gives them, since lines cover
a tenth of the detector.
One that shows no line of its lamp, the lamp off, is refused as well: its few spots are hits, at lines by chance.
Where an exposure stands alone, or all are wrong, lines of another lamp may have been taken for those of lenslets two
columns away; so where lines are seen well, the one that should be the brightest must be among them.
Two lamps at once are told where a tenth of the light is at no line of the one that is named, another's lines hold half
of that, and two of these, the brightest among them, are seen. Not told: a second lamp that is fainter, or has one line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from iris_contract.errors import InputError
from iris_contract.lenslet import Passband
from iris_contract.spectral_data import LAMPS
from iris_reduction.arc_lines.evidence import SHARE, measure_explained
from iris_reduction.arc_lines.image import ArcImage
from iris_reduction.arc_lines.pattern import LampLines, Place, Points, list_lines, predict_points

__all__ = ["check_lamps"]

_CHANCE = 0.25  # of the light, at lines of a lamp that does not shine
_BRIGHT, _SEEN = 29.0, 5.0  # sigma of a pixel; `significance` ends at 30
_STRANGE = 0.1  # of the light, at no line of the lamp: a second lamp is looked for
_WEAK, _AWAY, _FEWEST = 0.02, 3.0, 2  # strength of lines that tell it, px from those of the first lamp, their number


def check_lamps(images: Sequence[ArcImage], lamps: Sequence[LampLines], band: Passband, number: int, at: Place) -> None:
    """Raise InputError for an image whose light is not at its lamp's lines; `at` places those of `number` spectra."""
    for image, lines in zip(images, lamps, strict=True):
        _refuse_other(image, lines, band, number, at)
        _require_light(image, lines, number, at)


def _refuse_other(image: ArcImage, lines: LampLines, band: Passband, number: int, at: Place) -> None:
    """Raise InputError where the light is that of another lamp, or of two."""
    own, lacking = _explain(image, lines, number, at), _lacks_brightest(image, lines, number, at)
    if own > 1 - _STRANGE and not lacking:
        return
    rivals = [of for name in LAMPS if name != image.lamp and (of := _list_lines(name, band)) is not None]
    if own >= SHARE and not lacking:
        _refuse_second(image, lines, own, rivals, number, at)
        return
    shares = {of.lamp: _explain(image, of, number, at) for of in rivals}
    likely = max(shares, key=shares.__getitem__, default="")
    if own > max(_CHANCE, shares.get(likely, 0.0)) and not lacking:
        return
    problem = "the lines of this lamp are not those that are seen"
    if shares.get(likely, 0.0) >= SHARE:
        problem += f", which are those of {likely}"
    raise InputError(f"{problem}; leave the exposure out", file=image.name, key="CALLAMP", value=image.lamp)


def _require_light(image: ArcImage, lines: LampLines, number: int, at: Place) -> None:
    """Raise InputError unless some line of the lamp is seen in most spectra: hits and hot pixels are spots as well."""
    shown = _show(image, predict_points([image], [lines], number, at))
    if max((float(np.mean(of >= _SEEN)) for of in shown.values()), default=0.0) < SHARE:
        problem = "no line of this lamp is seen; was it on, and the shutter open? leave the exposure out"
        raise InputError(problem, file=image.name, key="CALLAMP", value=image.lamp)


def _refuse_second(
    image: ArcImage, lines: LampLines, own: float, rivals: Sequence[LampLines], number: int, at: Place
) -> None:
    """Raise InputError where another lamp holds half of what the image's own, which explains `own`, does not."""
    theirs = predict_points([image], [lines], number, at)
    tree = cKDTree(np.stack([theirs.x, theirs.y], axis=1))
    for rival in rivals:
        both = predict_points([image, image], [lines, rival], number, at)
        gain = measure_explained([image], replace(both, image=np.zeros_like(both.image))) - own
        points = both.take((both.image == 1) & (both.strength > _WEAK))
        points = points.take(np.asarray(tree.query(np.stack([points.x, points.y], axis=1))[0] > _AWAY))
        seen = [line for line, of in _show(image, points).items() if float(np.mean(of >= _SEEN)) >= SHARE]
        if gain > SHARE * (1 - own) and len(seen) >= _FEWEST and int(rival.strength.argmax()) in seen:
            problem = f"lines of {rival.lamp} are seen too; take lamps one at a time, and leave this exposure out"
            raise InputError(problem, file=image.name, key="CALLAMP", value=image.lamp)


def _show(image: ArcImage, points: Points) -> dict[int, npt.NDArray[np.float32]]:
    """Return the significance (m,) at the points of each line."""
    shown = image.show_near(points.x, points.y)
    return {int(line): shown[points.line == line] for line in np.unique(points.line)}


def _lacks_brightest(image: ArcImage, lines: LampLines, number: int, at: Place) -> bool:
    """Tell whether most spectra show some line of the lamp well, and not the one that should be the brightest."""
    there = _show(image, predict_points([image], [lines], number, at))
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
