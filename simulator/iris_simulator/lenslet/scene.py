"""Scenes of the lenslet spectrograph: sources through the spectrograph as built, for the detector's own chain.

A `LensletScene` is a scene like any other (`iris_simulator.scenes`), so `observe` makes ramps of it; what an
exposure's truth has to say beyond the detector comes from `tell_truth`. Sources fill the pupil differently and so are
rendered one by one and added.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from iris_contract import Detector, Subarray
from iris_contract.errors import InputError
from iris_contract.lenslet import load_passband, wavelength_grid
from iris_simulator.effects import choose_effects
from iris_simulator.lenslet.as_built import SpectrographAsBuilt
from iris_simulator.lenslet.effects import OPTICAL_EFFECTS
from iris_simulator.lenslet.flexure import flex
from iris_simulator.lenslet.render import render
from iris_simulator.lenslet.spectra import BAND, Light, Spectra, detect

__all__ = ["LensletScene", "LensletSource", "build_scene"]

Float = npt.NDArray[np.float64]
LINE = [("COLUMN", "i4"), ("ROW", "i4"), ("WAVELENGTH", "f8"), ("FLUX", "f8")]


class LensletSource(Protocol):
    """Anything that sheds light on the lenslets."""

    def illuminate(self, built: SpectrographAsBuilt) -> Light:
        """Return what arrives at the lenslets of a mode."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class LensletScene:
    """Spectra of several sources on one spectrograph, moved by `shift` px in x and y.

    `effects` of the optics that are on.
    """

    built: SpectrographAsBuilt = field(repr=False)
    spectra: tuple[Spectra, ...] = field(repr=False)
    shift: tuple[float, float] = (0.0, 0.0)
    effects: Collection[str] = OPTICAL_EFFECTS

    def rate(self, detector: Detector, region: Subarray) -> Float:
        """Return e-/s of each pixel of `region`, shape (ny, nx); raises InputError unless the detector is the IFU's."""
        if detector.name != "IFU":
            raise InputError("the lenslets light the IFU's detector", key="DETECTOR", value=detector.name)
        image = np.zeros(region.shape)
        for spectra in self.spectra:
            image += render(self.built, spectra, region, self.shift, self.effects)
        return image

    def tell_truth(self) -> dict[str, Any]:
        """Return what the exposure's truth says besides.

        Shift, spectra_wave, spectra and line_flux, as `Truth` has them.
        """
        wave = wavelength_grid(self.built.mode)
        total = np.zeros((len(self.built), len(wave)), np.float32)
        for spectra in self.spectra:
            total += spectra.bin(wave)
        lines = np.concatenate([np.empty(0, LINE), *(self._list_lines(spectra) for spectra in self.spectra)])
        return {
            "shift": np.array(self.shift, dtype=np.float64),
            "spectra_wave": wave,
            "spectra": total,
            "line_flux": lines,
        }

    def _list_lines(self, spectra: Spectra) -> npt.NDArray[np.void]:
        """Lines of the band, lenslet by lenslet."""
        low, high = load_passband(self.built.mode.filter).support(BAND)
        inside = np.flatnonzero((spectra.line_wave >= low) & (spectra.line_wave <= high))
        table = np.zeros((len(self.built), len(inside)), LINE)
        table["COLUMN"], table["ROW"] = self.built.column[:, None], self.built.row[:, None]
        table["WAVELENGTH"], table["FLUX"] = spectra.line_wave[inside], spectra.line_flux[:, inside]
        return table.ravel()


def build_scene(
    built: SpectrographAsBuilt,
    sources: Sequence[LensletSource],
    *,
    night: int = 0,
    exposure: int = 0,
    effects: Collection[str] = OPTICAL_EFFECTS,
) -> LensletScene:
    """Return the scene of an exposure: light of `sources` through filter and lenslets, moved by its flexure.

    Raises InputError for an unknown effect.
    """
    on = choose_effects(effects, OPTICAL_EFFECTS)
    shift = flex(built.seed, night, exposure) if "flexure" in on else np.zeros(2)
    spectra = tuple(detect(source.illuminate(built), built) for source in sources)
    return LensletScene(built, spectra, (float(shift[0]), float(shift[1])), on)
