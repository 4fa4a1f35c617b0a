"""Pipeline `calibrate_persist`: share of charge that stays in traps, from bright flats followed by darks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from iris_contract.dq import has
from iris_contract.errors import InputError
from iris_contract.fitsio import Header
from iris_reduction.blocks import map_rows
from iris_reduction.calibration.persistence import Afterglow, fit_mean_traps, fit_shares
from iris_reduction.datamodel import ImageModel, Model, ReferenceModel
from iris_reduction.kernels.persistence import Afterimage
from iris_reduction.pipelines.calibration import CalibrationPipeline
from iris_reduction.pipelines.level1 import Level1Pipeline
from iris_reduction.sets import CalibrationSet
from iris_reduction.steps.persistence import find_delay, ramp_period, take_charge

__all__ = ["PersistencePipeline"]


class PersistencePipeline(CalibrationPipeline):
    """Charges of the flats from their rates; reads of the darks, in e- and without dark current, against time."""

    class_alias = "calibrate_persist"
    kind = "persist"
    not_treated = "time constants of single pixels; time that filling takes; common drifts"
    spec = """
    skip_first = integer(min=0, default=1)  # First reads of a ramp that are left out, for they are still settling
    override_dark = is_string_or_datamodel(default=None)  # Override the dark reference file
    """
    step_defs = Level1Pipeline.step_defs

    def process(self, init: Any) -> ReferenceModel:
        """Return the persist reference; raises InputError where no dark follows a flat, or none shows afterglow."""
        members = self.open_set(init)
        flats = members.select("flat_on")
        bright = _Bright()
        for path in flats:
            bright.add(self.reduce([path])[0])
        darks = _Darks(self, members, bright.images)
        if not darks.files:
            raise InputError("no dark follows a flat", file=members.select("dark")[0], key="DATE-OBS,TIME-OBS")
        try:
            traps = fit_mean_traps(darks, bright.usable)
        except InputError as error:
            raise InputError(error.problem, file=darks.files[0], key=error.key, value=error.value) from None
        noise = self.ramp_fit.need_reference(darks.open_header(darks.files[-1]), "readnoise").content["DATA"]
        shares, errors = fit_shares(darks, bright.usable, noise, traps)
        shares[bright.border], errors[bright.border] = 0.0, 0.0
        content: dict[str, Any] = {"DATA": shares, "ERR": errors, "TIMES": traps.constants}
        model = self.make_reference(members, [*flats, *darks.files], content, bright.header)
        return model.evolve({"PERSCHRG": traps.norm, "PERSPOW": traps.power})


class _Bright:
    """What the flats left: charges and when they ended; of the rate images only what all have in common is kept."""

    def __init__(self) -> None:
        self.images: list[tuple[Any, Header]] = []
        self.usable = self.border = np.zeros((0, 0), np.bool_)
        self.header: Header = {}

    def add(self, image: ImageModel) -> None:
        """Take the charges of a rate image."""
        usable = ~has(image.dq, "DO_NOT_USE") & (image.err > 0)
        self.usable = self.usable & usable if self.images else usable
        if not self.images:
            self.border, self.header = has(image.dq, "NON_SCIENCE"), image.header
        self.images.append((take_charge(image, image.region), image.header))


class _Darks:
    """The darks that follow a flat, each time anew and one in memory at a time; a single one is kept."""

    def __init__(self, pipeline: PersistencePipeline, members: CalibrationSet, flats: list[tuple[Any, Header]]) -> None:
        self.pipeline, self.flats = pipeline, flats
        self.headers = dict(zip(members.files, members.headers, strict=True))
        self.files = [path for path in members.select("dark") if self._list_past(self.headers[path])]
        self.kept: Afterglow | None = None

    def __iter__(self) -> Iterator[Afterglow]:
        if self.kept is not None:
            yield self.kept
            return
        for path in self.files:
            dark = self._take(path)
            if len(self.files) == 1:
                self.kept = dark
            yield dark
            del dark  # or it would stay while the next one is read

    def open_header(self, path: Path) -> Model:
        """Return an exposure of the set without its reads."""
        return Model(self.headers[path], path.name)

    def _list_past(self, header: Header) -> tuple[Afterimage, ...]:
        """Return what the flats before an exposure left."""
        before = [(charge, flat) for charge, flat in self.flats if flat["EXPJDEND"] <= header["EXPJDST"]]
        return tuple(Afterimage(charge, find_delay(flat, header)) for charge, flat in before)

    def _take(self, path: Path) -> Afterglow:
        """Return a dark as electrons without dark current."""
        ramp, first = self.pipeline.correct(path), self.pipeline.skip_first
        if ramp.reads.shape[3] < first + 3:
            problem = f"needs three reads after the first {first}"
            raise InputError(problem, file=path, key="NREADS", value=ramp.reads.shape[3])
        gain = self.pipeline.ramp_fit.need_reference(ramp, "gain").content["DATA"]
        dark = self.pipeline.need_reference(ramp, "dark").content["DATA"]
        reads, times = ramp.reads[..., first:].astype(np.float32, copy=False), ramp.times[:, first:]

        def convert(rows: slice) -> None:  # in place: nobody else has these reads
            reads[rows] *= gain[rows, :, None, None]
            reads[rows] -= dark[rows, :, None, None] * times.astype(np.float32)

        map_rows(convert, reads.shape)
        return Afterglow(reads, times, ramp_period(ramp.header), self._list_past(ramp.header))
