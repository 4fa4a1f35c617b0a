"""Pipeline `calibrate_arc`: wavelength solution of the lenslet spectrograph from arc lamps on and off."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from iris_contract.errors import InputError
from iris_contract.fitsio import Header
from iris_contract.lenslet import LensletMode
from iris_contract.spectral_data import LAMPS
from iris_reduction.calibration.arc import check_region, make_arc_content
from iris_reduction.calibration.dark import combine_darks
from iris_reduction.calibration.frame import RateFrame
from iris_reduction.datamodel import ReferenceModel
from iris_reduction.pipelines.calibration import CalibrationPipeline
from iris_reduction.wavelength import WAVELENGTH_FAMILY

__all__ = ["ArcPipeline"]

_NO_EDGE = "an offset by a column of lenslets, since no edge of the field is seen"


class ArcPipeline(CalibrationPipeline):
    """Lines of lamps, each alone, on rate images with the lamp off subtracted, solved by any wavelength solver."""

    class_alias = "calibrate_arc"
    kind = "arc"
    not_treated = (
        "flexure that turns or stretches; lamps that fill lenslets otherwise than the sky; IPC, which is in the profile"
    )
    spec = f"""
    method = option({WAVELENGTH_FAMILY.list_choices()}, default='physical')  # Wavelength solver
    """

    def process(self, init: Any) -> ReferenceModel:
        """Return the wavelength solution; raises InputError where the arcs do not allow one."""
        members = self.open_set(init)
        on, off = members.select("arc_on"), members.select("arc_off")
        WAVELENGTH_FAMILY.find(self.method, "method")  # before the work of measuring
        headers = dict(zip(members.files, members.headers, strict=True))
        mode = _find_mode(on[0], headers[on[0]])
        for path in on:
            _check_lamp(path, str(headers[path]["CALLAMP"]))
        unlit = combine_darks([image.planes for image in self.reduce(off)])
        try:
            content, header, edge_seen = self._measure(on, unlit, mode)
        except InputError as error:
            raise InputError(error.problem, file=error.file or on[0], key=error.key, value=error.value) from None
        cards = {"WAVEMETH": self.method} | ({} if edge_seen else {"NOTTREAT": f"{self.not_treated}; {_NO_EDGE}"})
        return self.make_reference(members, [*on, *off], content, header).evolve(cards)

    def _measure(self, on: list[Path], unlit: RateFrame, mode: LensletMode) -> tuple[Any, Header, bool]:
        from iris_reduction.arc_lines.image import make_arc_image  # here, since the kernels import numba
        from iris_reduction.arc_lines.measurement import measure_arcs

        images = []
        for path in on:
            (lit,) = self.reduce([path])
            header, region = lit.header, lit.region
            check_region(mode, region)
            images.append(make_arc_image(path.name, str(header["CALLAMP"]), lit.planes, unlit, region))
            del lit  # or it would stay while the next one is read
        measured = measure_arcs(images, mode, header)
        lines, spectra = measured.list_used(), measured.spectra
        solve = WAVELENGTH_FAMILY.guard(self.method, "method", (len(spectra.along), len(lines.x)))
        solution = solve(lines, spectra)
        return make_arc_content(measured, solution, mode, region), header, measured.edge_seen


def _find_mode(path: Path, header: Header) -> LensletMode:
    """Return the setting that the exposures of a set have in common; raise InputError where it is no lenslets'."""
    if header.get("IFSMODE") != "LENSLET":
        raise InputError("arcs of the lenslets are asked for", file=path, key="IFSMODE", value=header.get("IFSMODE"))
    try:
        mode = LensletMode.from_header(header)
    except InputError as error:
        raise InputError(error.problem, file=path, key=error.key, value=error.value) from None
    if mode.filter == "dark":
        raise InputError("no light passes; arcs need a filter", file=path, key="FILTER", value=mode.filter)
    return mode


def _check_lamp(path: Path, lamp: str) -> None:
    """Raise InputError unless the lamp is one, with a list of lines."""
    if lamp in LAMPS:
        return
    several = sum(name in lamp.upper() for name in (*LAMPS, "FLAT")) > 1
    problem = "take lamps one at a time, since lines are looked up by lamp" if several else "has no line list"
    raise InputError(f"{problem}; choose one of {', '.join(LAMPS)}", file=path, key="CALLAMP", value=lamp)
