"""Is the light that of the lenslets which the mask lights, or of the ones beside them? Refuse what is a lenslet off.

The lattice repeats itself: light that is moved by one column of lenslets, 27.5 px along dispersion and 2 px across,
falls at the places of the next column, its lines and the ends of its band alike. Only the edge of the lit field does
not repeat: there moved light leaves lenslets dark, and shines beyond the edge opposite. So lines are looked for at the
lenslets of an edge, and where those beyond it would have them, away from all others' lines; light there is compared
with that of the same line in the median lenslet. Not told: an offset of a region that holds no edge of the field.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from iris_contract.errors import InputError
from iris_contract.lenslet import Lattice, LensletMode, load_grating_setting, load_lattice, trace_rays
from iris_reduction.arc_lines.image import ArcImage
from iris_reduction.arc_lines.pattern import LampLines, Place, Points, predict_points

__all__ = ["check_edges"]

Double = npt.NDArray[np.float64]
Float = npt.NDArray[np.float32]
Index = npt.NDArray[np.int64]
Step = tuple[int, int]
_COLUMNS, _ROWS = ((1, 0), (-1, 0)), ((0, 1), (0, -1))  # steps of a lenslet; longer ones show in these, too
_STRONG, _WEAK = 0.05, 0.01  # strength of lines that are looked for, and of those that may be taken for them
_CLEAR = 10.0  # significance of the median lenslet's line
_AWAY = 3.0  # px
_LIT = 0.3  # of the light of the median lenslet
_SHARE, _FEWEST = 0.5, 10  # lines of an edge of which half tell where the light is, and how many there must be


def check_edges(images: Sequence[ArcImage], lamps: Sequence[LampLines], mode: LensletMode, at: Place) -> bool:
    """Tell whether an edge of the field shows that no column is off; raise InputError where light is a lenslet off.

    `at` places the lines of the lit lenslets of `mode`, in the order of the lattice.
    """
    field = _Field(images, lamps, mode, load_lattice(mode.mask, mode.column), at)
    shares = {step: (field.look_beyond(step), field.look_opposite(step)) for step in (*_COLUMNS, *_ROWS)}
    for step, (beyond, opposite) in shares.items():
        told = [beyond > _SHARE] if beyond is not None else []
        told += [opposite < _SHARE] if opposite is not None else []
        if told and all(told):
            raise field.refuse(step, beyond, opposite)
    return any(share is not None for step in _COLUMNS for share in shares[step])


@dataclass(frozen=True, eq=False)  # no slots, for what is computed once
class _Field:
    """Images of the lenslets that a mask lights, and where these have their lines."""

    images: Sequence[ArcImage]
    lamps: Sequence[LampLines]
    mode: LensletMode
    lattice: Lattice
    at: Place

    @cached_property
    def own(self) -> Points:
        """The lines of the lit lenslets."""
        return predict_points(self.images, self.lamps, len(self.lattice.i), self.at)

    @cached_property
    def typical(self) -> list[Double]:
        """The light e-/s of each line of each image in the median lenslet, NaN where it is not seen clearly."""
        found = []
        for n, image in enumerate(self.images):
            mine = self.own.take(self.own.image == n)
            light, clear = _peek_light(image, mine), image.show_near(mine.x, mine.y)
            level = np.full(len(self.lamps[n].wavelength), np.nan)
            for line in np.unique(mine.line):
                of = mine.line == line
                level[line] = np.median(light[of]) if np.median(clear[of]) >= _CLEAR else np.nan
            found.append(level)
        return found

    def look_beyond(self, step: Step) -> float | None:
        """Return the share of lines that are seen of the unlit lenslets a step from lit ones; None for too few."""
        edge, beside = self._find_edge(step), self.lattice.find_neighbours(*step)
        setting, here = load_grating_setting(self.mode.grating), (self.lattice.along, self.lattice.across)

        def place(spectrum: Index, wavelength: Double) -> tuple[Double, Double]:
            of = edge[spectrum]
            (x0, y0), (x1, y1) = (trace_rays(setting, u[of], v[of], wavelength) for u, v in (here, beside))
            x, y = self.at(of, wavelength)
            return x + x1 - x0, y + y1 - y0

        return self._share(predict_points(self.images, self.lamps, len(edge), place), nearest=1)

    def look_opposite(self, step: Step) -> float | None:
        """Return the share of lines that are seen of the lit lenslets at the edge opposite; None for too few."""
        edge = self._find_edge((-step[0], -step[1]))
        return self._share(self.own.take(np.isin(self.own.spectrum, edge)), nearest=2)

    def _find_edge(self, step: Step) -> Index:
        """Return the lit lenslets from which a step leads to one that is not lit."""
        name = self.lattice.i + 1j * self.lattice.j
        return np.flatnonzero(~np.isin(name + complex(*step), name))

    def _share(self, points: Points, nearest: int) -> float | None:
        """Return the share of strong lines that are lit, of those with the `nearest`-th line of a lenslet far away."""
        lit = [np.zeros(0, np.bool_)]
        for n, image in enumerate(self.images):
            mine = points.take((points.image == n) & (points.strength > _STRONG))
            near = self.own.take((self.own.image == n) & (self.own.strength > _WEAK))
            if not len(mine.x) or len(near.x) < nearest:
                continue
            tree, level = cKDTree(np.stack([near.x, near.y], axis=1)), self.typical[n][mine.line]
            distance = np.asarray(tree.query(np.stack([mine.x, mine.y], axis=1), k=[nearest])[0])
            away = distance[:, 0] > _AWAY
            column, row = _find_pixels(image, mine)
            judged = away & np.isfinite(level) & (image.usable | image.saturated)[row, column]
            lit.append((_peek_light(image, mine) > _LIT * level)[judged])
        every = np.concatenate(lit)
        return float(np.mean(every)) if len(every) >= _FEWEST else None

    def refuse(self, step: Step, beyond: float | None, opposite: float | None) -> InputError:
        """Return what to raise for light that is a step off."""
        along, across = self.lattice.find_neighbours(*step)
        dx = float(along[0] - self.lattice.along[0]) * load_grating_setting(self.mode.grating).anamorphism
        dy = float(across[0] - self.lattice.across[0])
        seen = [] if opposite is None else [f"{opposite:.0%} of the lines of the outermost lenslets are seen"]
        seen += [] if beyond is None else [f"{beyond:.0%} of those are seen that unlit ones beyond would have"]
        problem = (
            f"light is a {'column' if step[0] else 'row'} of lenslets off, {dx:.1f} px along and {dy:.1f} px across: "
            f"{', '.join(seen)}; check mask and grating, and where the detector stands"
        )
        return InputError(problem, file=self.images[0].name, key="LLMSKST", value=self.mode.mask)


def _find_pixels(image: ArcImage, points: Points) -> tuple[Index, Index]:
    column, row = (np.rint(v - c).astype(np.int64) for v, c in zip((points.x, points.y), image.corner, strict=True))
    return column, row


def _peek_light(image: ArcImage, points: Points) -> Float:
    """Return the largest rate (k,) about points of what was measured; saturated pixels are as bright as any."""
    column, row = image.list_near(points.x, points.y)
    rate = np.where(image.usable[row, column], image.rate[row, column], np.float32(0))
    near: Float = np.where(image.saturated[row, column], image.rate.max(), rate).max(axis=0)
    return near
