"""The lenslet spectrograph as it was built: the design plus seeded imperfections, which only the simulator knows.

Each number is drawn for the part that it belongs to: the train for the instrument (the grating's errors for each
grating), places and throughputs for each lenslet of the whole array. So another filter, mask or scale finds the same
camera and the same lenslets, and a sub-array's lenslets are the cut of the full set. All sizes are choices [C];
nobody has measured IRIS.

Not modelled: temperature, wear, repeatability of the mechanisms, dispersion that differs from lenslet to lenslet.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from iris_contract import Subarray, load_instrument
from iris_contract.lenslet import LensletMode, load_grating_setting, load_lattice, load_passband
from iris_simulator.draws import draw_normal
from iris_simulator.lenslet.field import FieldMap, draw_field
from iris_simulator.lenslet.rotation import turn_axes
from iris_simulator.lenslet.train import OpticalTrain
from iris_simulator.seeds import Stream, derive_key, make_generator

__all__ = ["SpectrographAsBuilt", "build_spectrograph"]

Float = npt.NDArray[np.float64]

FOCAL_ERROR = 1e-3  # [C] rms of the camera's focal length: what is left of a prescription when lenses are cold
COLLIMATOR_ERROR = 3e-4  # [C] rms of the collimator's: mirrors keep theirs better
DISTORTION = 2e-3  # [C] rms of k of the camera: 1.9 px in the detector's corner, 0.07 %, a good infrared camera
DETECTOR_TURN = np.radians(0.05)  # [C] half range about each axis: what mounts without adjustment reach
DETECTOR_SHIFT = (1.0, 0.5)  # [C] rms px in x and y, 15 and 8 um
GRATING_TILT = 6.7e-5  # [C] rms rad about the grooves: f (1 + cos(alpha) / cos(beta)) of it is 3 px at R4000
GRATING_ROLL = 5e-5  # [C] rms rad about the normal, 10 arcsec: f G lambda of it is 0.4 px across at R4000
GRATING_LEAN = 1e-5  # [C] rms rad out of plane, 2 arcsec: 0.4 px across; adjusted so, as 2 px would swap spectra
LENSLET_SCATTER = 0.04  # [C] rms px of a lenslet's place along and across: 0.03 to 0.05 px, below a micrometre
THROUGHPUT_SCATTER = 0.015  # [C] rms from lenslet to lenslet, 1 to 2 %: depths and coating of the array
THROUGHPUT_FIELD = 0.02  # [C] rms over the field: vignetting, coatings; in all 1 to 3 %
THROUGHPUT_SLOPE = 0.005  # [C] rms of the change over half a wavelength octave, per lenslet: coatings age unevenly
_SPAN = 192  # lenslets on a side of the array that is drawn; masks light the middle 119 x 134
_REACH = 24.0  # px around a region from which light is taken to come


@dataclass(frozen=True, slots=True, eq=False)
class SpectrographAsBuilt:
    """The lit lenslets (n,) of one mode as they truly are.

    `column`, `row` int32 in the bounding box of the mask; `i`, `j` from the middle of the field; `along`, `across`
    px, place in the collimator's focal plane; `gain` and `slope`, throughput and its change with the logarithm of
    wavelength; `softness`, where between the sharpest (0) and the softest (1) PSFlet of the camera the detector lies,
    over the field.
    """

    mode: LensletMode
    seed: int
    train: OpticalTrain
    column: npt.NDArray[np.int32]
    row: npt.NDArray[np.int32]
    i: Float
    j: Float
    along: Float
    across: Float
    gain: Float
    slope: Float
    softness: FieldMap

    def __len__(self) -> int:
        return len(self.along)

    def cut(self, chosen: npt.NDArray[Any]) -> Self:
        """Return the spectrograph with `chosen` lenslets only, bool (n,) or indices."""
        names = ("column", "row", "i", "j", "along", "across", "gain", "slope")
        parts: dict[str, Any] = {name: getattr(self, name)[chosen] for name in names}
        return replace(self, **parts)

    def place(self, lenslets: npt.NDArray[Any] | slice, wavelength: npt.ArrayLike) -> tuple[Float, Float]:
        """Return x, y px from 0 of wavelengths nm, which broadcast with the lenslets' axis last, without flexure."""
        return self.train.place(self.along[lenslets], self.across[lenslets], wavelength)

    def wavelength_at(self, lenslets: npt.NDArray[Any] | slice, x: npt.ArrayLike) -> Float:
        """Return the wavelength nm at columns x px, which broadcast with the lenslets' axis last.

        Inverse of `place`.
        """
        return self.train.wavelength_at(self.along[lenslets], self.across[lenslets], x)

    def soften(self, x: Float, y: Float) -> Float:
        """Return where between sharp and soft a PSFlet at px on the detector is, 0 to 1, of the shape of `x`."""
        return np.clip(0.5 + self.softness.at(x - self.train.centre[0], y - self.train.centre[1]), 0.0, 1.0)

    def throughput(self, wavelength: npt.ArrayLike) -> Float:
        """Return the throughput (n, nwave), about 1, at wavelengths nm (nwave,); what all share is not in it."""
        octave = np.log2(np.asarray(wavelength, dtype=np.float64) / load_grating_setting(self.mode.grating).centre)
        through: Float = self.gain[:, None] * (1 + 2 * self.slope[:, None] * octave)
        return through


def build_spectrograph(mode: LensletMode, region: Subarray | None, seed: int) -> SpectrographAsBuilt:
    """Draw the spectrograph of a mode; with `region` only lenslets whose light within 1e-3 of the band meets it.

    Raises InputError where the mode does not exist.
    """
    mode.check()
    lattice = load_lattice(mode.mask, mode.column)
    numbers = _draw_lenslets(seed, lattice.i, lattice.j)
    field = draw_field(seed, f"throughput {mode.scale:g} mas", THROUGHPUT_FIELD)
    gain = np.exp(THROUGHPUT_SCATTER * numbers[:, 2] + field.at(lattice.along, lattice.across))
    built = SpectrographAsBuilt(
        mode,
        seed,
        _draw_train(mode, seed),
        lattice.column,
        lattice.row,
        lattice.i,
        lattice.j,
        lattice.along + LENSLET_SCATTER * numbers[:, 0],
        lattice.across + LENSLET_SCATTER * numbers[:, 1],
        gain,
        THROUGHPUT_SLOPE * numbers[:, 3],
        draw_field(seed, "focus", 0.2),
    )
    return built if region is None else built.cut(_find_meeting(built, region))


def _draw_lenslets(seed: int, i: Float, j: Float) -> Float:
    """Four standard normal numbers (n, 4) of each lenslet, by its place in the array whatever the mask."""
    numbers = draw_normal((_SPAN, _SPAN, 1, 4), Stream(derive_key("spectrograph", seed, "lenslets")))
    own: Float = numbers[np.floor(j).astype(int) + _SPAN // 2, np.rint(i).astype(int) + _SPAN // 2, 0]
    return own


def _draw_train(mode: LensletMode, seed: int) -> OpticalTrain:
    setting = load_grating_setting(mode.grating)
    common = make_generator("spectrograph", seed, "train")
    own = make_generator("spectrograph", seed, "grating", mode.grating)
    turn, tilt, roll, lean = common.uniform(-1, 1, 3), *own.normal(size=3)
    shift = common.normal(size=2) * DETECTOR_SHIFT
    x, y = load_instrument().values["lenslet.field_centre"]
    return OpticalTrain(
        collimator=setting.focal * (1 + COLLIMATOR_ERROR * common.normal()),
        camera=setting.focal * (1 + FOCAL_ERROR * common.normal()),
        incidence=setting.incidence,
        diffraction=setting.diffraction,
        density=(np.sin(setting.incidence) + np.sin(setting.diffraction)) / setting.centre,
        distortion=DISTORTION * common.normal(),
        grating=turn_axes(GRATING_LEAN * lean, GRATING_TILT * tilt, GRATING_ROLL * roll),
        detector=turn_axes(*(DETECTOR_TURN * turn)),
        centre=(x + shift[0], y + shift[1]),
    )


def _find_meeting(built: SpectrographAsBuilt, region: Subarray) -> npt.NDArray[np.bool_]:
    low, high = load_passband(built.mode.filter).support(1e-3)
    x, y = built.place(slice(None), np.linspace(low, high, 9)[:, None])
    rows, columns = region.slices
    inside = (y > rows.start - _REACH) & (y < rows.stop + _REACH)
    met = (x.max(axis=0) > columns.start - _REACH) & (x.min(axis=0) < columns.stop + _REACH)
    meeting: npt.NDArray[np.bool_] = met & inside.any(axis=0)
    return meeting
