"""A scene of lenslets is a scene like any other for the detector, and tells its own truth."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from iris_contract import Detector, Exposure, Readout, Subarray, Truth, load_instrument
from iris_contract.errors import InputError
from iris_contract.lenslet import wavelength_grid
from iris_simulator import build_as_built, observe, write_exposure
from iris_simulator.lenslet.as_built import SpectrographAsBuilt
from iris_simulator.lenslet.flexure import flex
from iris_simulator.lenslet.lamps import ArcLamp, WhiteLamp
from iris_simulator.lenslet.night_sky import NightSky
from iris_simulator.lenslet.scene import build_scene


def test_through_the_detector(built: SpectrographAsBuilt, ifu: Detector, region: Subarray, tmp_path: Path) -> None:
    """Ramps come of `observe` as for any scene; truth with the spectrograph's part survives its file."""
    scene = build_scene(built, [ArcLamp("ARGON", 300.0)], night=1, exposure=4)
    exposure = Exposure(
        *(
            "arc",
            "ARC",
            "IFU",
            region,
            Readout.up_the_ramp(4, 5.0),
            datetime(2035, 1, 10, 6, tzinfo=UTC),
            4,
            "KN3",
            "ARGON",
        ),
        lenslet=built.mode,
    )
    ramp, truth = observe(scene, exposure, build_as_built(ifu, region, built.seed), seed=1, night=1)
    assert ramp.header["GRATING"] == "4000-K"
    np.testing.assert_allclose(truth.rate_scene, scene.rate(ifu, region), rtol=1e-6)
    write_exposure(ramp, replace(truth, **scene.tell_truth()), tmp_path / "raw.fits", tmp_path / "truth.fits")
    back = Truth.read(tmp_path / "truth.fits")
    assert back.shift is not None
    np.testing.assert_array_equal(back.shift, flex(built.seed, 1, 4))
    assert back.spectra is not None
    assert back.spectra.shape == (len(built), len(wavelength_grid(built.mode)))
    assert back.line_flux is not None
    assert len(back.line_flux) % len(built) == 0


def test_sources_add(few: SpectrographAsBuilt, ifu: Detector, region: Subarray) -> None:
    lamp, sky = WhiteLamp(3.0), NightSky()
    both = build_scene(few, [lamp, sky], effects=())
    one, other = (build_scene(few, [source], effects=()) for source in (lamp, sky))
    np.testing.assert_allclose(both.rate(ifu, region), one.rate(ifu, region) + other.rate(ifu, region), rtol=1e-6)
    told = [scene.tell_truth()["spectra"].sum(dtype=float) for scene in (both, one, other)]
    assert told[0] == pytest.approx(told[1] + told[2], rel=1e-6)


def test_flexure(few: SpectrographAsBuilt) -> None:
    assert build_scene(few, [], night=2, exposure=3, effects=()).shift == (0.0, 0.0)
    assert build_scene(few, [], night=2, exposure=3).shift == tuple(flex(few.seed, 2, 3))


def test_only_the_ifu(few: SpectrographAsBuilt, region: Subarray) -> None:
    with pytest.raises(InputError, match="IMG1"):
        build_scene(few, []).rate(load_instrument().detector("IMG1"), region)
