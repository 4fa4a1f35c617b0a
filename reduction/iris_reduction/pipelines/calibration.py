"""What the calibration pipelines share: sets in, corrected ramps and rates of each, a reference out."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy.typing as npt

from iris_contract import Reference
from iris_contract.errors import InputError
from iris_contract.fitsio import Header
from iris_contract.keywords import load_keywords
from iris_contract.reftypes import load_reference_types
from iris_reduction.datamodel import ImageModel, RampModel, ReferenceModel, SetModel
from iris_reduction.pipelines.level1 import Level1Pipeline
from iris_reduction.pipelines.pipeline import IrisPipeline
from iris_reduction.sets import CalibrationSet, make_set

__all__ = ["CalibrationPipeline"]

_AUTHOR = "iris-testbed"


class CalibrationPipeline(IrisPipeline):
    """Makes a reference of `kind` from a set (.json) or from one raw file.

    Subclasses implement `process`, and list the Steps of each exposure where they are not all of level 1.
    """

    kind: ClassVar[str] = ""
    not_treated: ClassVar[str] = ""
    step_defs: ClassVar[dict[str, Any]] = Level1Pipeline.step_defs

    def open_set(self, init: Any) -> CalibrationSet:
        """Return the set; raise InputError where it is for another kind."""
        if isinstance(init, CalibrationSet):
            members = init
        elif isinstance(init, SetModel) or str(init).lower().endswith(".json"):
            members = self.open(init, SetModel).members
        else:
            members = make_set(self.kind, [init])
        if members.kind != self.kind:
            raise InputError(f"{self.name} makes {self.kind} references", key="kind", value=members.kind)
        return members

    def correct(self, path: Path) -> RampModel:
        """Return one exposure after every Step that comes before the ramp fit."""
        model = self.open(path, RampModel)
        for name in itertools.takewhile("ramp_fit".__ne__, self.step_defs):
            model = getattr(self, name).run(model)
        return model

    def fit(self, ramp: RampModel) -> ImageModel:
        """Return the rate image of a corrected exposure, coupling undone where the pipeline has that Step."""
        image: ImageModel = self.ramp_fit.run(ramp)
        return self.ipc.run(image) if "ipc" in self.step_defs else image

    def reduce(self, files: Sequence[Path]) -> list[ImageModel]:
        """Return the rate image of each exposure, without the planes that no calibration needs."""
        spared: dict[str, Any] = dict.fromkeys(("chi2", "jumps", "var_poisson", "var_read"))
        return [self.fit(self.correct(path)).evolve(**spared) for path in files]

    def make_reference(
        self,
        members: CalibrationSet,
        used: Sequence[Path],
        content: Mapping[str, npt.NDArray[Any]],
        header: Header,
    ) -> ReferenceModel:
        """Return the reference with its provenance; `header` is that of a processed exposure."""
        kind = load_reference_types()[self.kind]
        kept = {k for k, keyword in load_keywords().items() if "reference" in keyword.required}
        kept |= {*kind.list_keys(header), "READMODE", "CHANNELS", "CRDS_CTX", "RAMPFIT"}
        cards = {k: v for k, v in header.items() if k in kept or k.startswith("R_")}
        names, headers = [path.name for path in used], dict(zip(members.files, members.headers, strict=True))
        first = members.headers[0]
        ramps = sum(headers[path]["NGROUPS"] for path in used)
        cards |= {key: first[key] for key in ("DATE-OBS", "TIME-OBS")}
        cards |= {
            "DATAMODL": kind.model,
            "REFTYPE": self.kind,
            # all day, since gain, read noise and mask need each other's exposures
            "USEAFTER": f"{first['DATE-OBS']}T00:00:00",
            "PEDIGREE": "SIMULATION",
            "AUTHOR": _AUTHOR,
            "DESCRIP": f"{kind.title} of {cards['DETECTOR']} from {ramps} ramps",
            "PIPELINE": type(self).__name__,
            "NINPUTS": ramps,
            "NOTTREAT": self.not_treated,
        }
        cards |= {f"INPUT{n:03d}": name for n, name in enumerate(names, 1)}
        name = f"{self.kind}.fits"
        return ReferenceModel(cards, name, Reference(cards, dict(content)))
