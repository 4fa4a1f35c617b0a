"""What all Steps and Pipelines of this package share: opening, references, provenance, errors, names.

A reference that cannot be had is an error naming kind, keys and file. Only ``override_<kind>=N/A``,
which somebody must have written, skips a Step, and the product then says so (S_xxx = SKIPPED).
"""

from __future__ import annotations

import logging
import os
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from crds.core import config as crds_config
from stpipe import Step, crds_client
from stpipe.exceptions import StpipeExitException, ValidationError

import tmt_crds
from iris_contract import Reference
from iris_contract.errors import InputError, LayoutError, ReferenceFileError
from iris_contract.fitsio import Header, read_header
from iris_contract.reftypes import load_reference_types
from iris_reduction.datamodel import Model, ReferenceModel, get_crds_parameters, open_model
from iris_reduction.naming import reference_keyword
from iris_reduction.references import read_reference
from iris_reduction.sets import read_set
from iris_reduction.steps import get_steps

__all__ = ["IrisStep"]

tmt_crds.install()  # stpipe has imported crds by now; in other processes the .pth file does it

M = TypeVar("M", bound=Model)
_LOG = logging.getLogger(__name__)
_PIPE_LOG = logging.getLogger("stpipe.step")
_OURS = frozenset(path.rsplit(".", 1)[-1] for path, _, _ in get_steps())
_CHATTER = ("%s instance created.", "Step %s parameters are:%s")


def _leave_out_chatter(record: logging.LogRecord) -> bool:
    """Tell whether to log what stpipe says: each birth of a Step of ours, and all parameters, only with --verbose."""
    ours = isinstance(record.args, tuple) and record.args[:1] and record.args[0] in _OURS
    return not (ours and record.msg in _CHATTER) or _PIPE_LOG.isEnabledFor(logging.DEBUG)


_PIPE_LOG.addFilter(_leave_out_chatter)


class IrisStep(Step):
    """A Step of this package; `status` is the keyword that says COMPLETE or SKIPPED."""

    spec = "output_ext = string(default='.fits')  # Extension of the output"
    status: ClassVar[str] = ""

    @classmethod
    def _datamodels_open(cls, init: Any, **_: Any) -> Model:
        return open_model(init)

    @classmethod
    def _get_crds_parameters(cls, dataset: Any) -> tuple[dict[str, Any], str]:
        """Parameters for CRDS from the header alone: the cube is not read twice."""
        header = dataset.header if isinstance(dataset, Model) else _peek(dataset)
        return get_crds_parameters(header), Model.crds_observatory

    @classmethod
    def get_config_from_reference(cls, dataset: Any, **kwargs: Any) -> Any:
        """Return step parameters from CRDS; none without a cache or for an input that `run` will refuse in words."""
        if not _has_cache():
            return cls._empty_config()
        try:
            return super().get_config_from_reference(dataset, **kwargs)
        except InputError:
            return cls._empty_config()

    @classmethod
    def from_config_section(cls, *args: Any, **kwargs: Any) -> Any:
        """Return the Step that a configuration describes; a wrong parameter is one line in the log, and status 2."""
        try:
            return super().from_config_section(*args, **kwargs)
        except ValidationError as error:
            ending = _end_quietly(InputError(f"{error} See strun {cls.class_alias} --help"))
            _LOG.error("%s", ending)
            raise ending from None

    @staticmethod
    def get_stpipe_loggers() -> tuple[str, ...]:
        """Return the loggers that a run may configure: never the root logger."""
        return ("stpipe", "iris_reduction")

    def open(self, init: Any, kind: type[M]) -> M:
        """Return the input as a model of `kind`; raise LayoutError if it is another, or treated already."""
        model = self.open_model(str(init) if isinstance(init, Path) else init)
        if not isinstance(model, kind):
            problem = f"{self.name} takes {kind.__name__}"
            raise LayoutError(problem, file=model.filename, key="DATAMODL", value=model.header.get("DATAMODL"))
        if self.status and model.header.get(self.status) == "COMPLETE":
            raise InputError(f"{self.name} was applied already", file=model.filename, key=self.status, value="COMPLETE")
        return model

    def read_reference(self, model: Model, kind: str) -> Reference | None:
        """Return the reference of `kind` for `model`, cut to its region; None for the override N/A.

        Raises ReferenceFileError or LayoutError.
        """
        overridden = self.get_ref_override(kind) is not None
        if not overridden and not _has_cache():
            problem = f"no CRDS cache to take the {kind} reference from: set CRDS_PATH or give override_{kind}"
            raise ReferenceFileError(problem, file=model.filename)
        try:
            path = self.get_reference_file(model, kind)
        except (Exception, SystemExit) as error:  # crds raises anything, and exits
            problem = f"no {kind} reference for {_list_keys(model, kind)}: {error}; deliver one or give override_{kind}"
            raise ReferenceFileError(problem, file=model.filename) from None
        if isinstance(path, ReferenceModel):
            return _cut(path, model, kind)
        if path == "N/A" or not path:
            if overridden:
                return None
            raise ReferenceFileError(f"CRDS has no {kind} reference for {_list_keys(model, kind)}", file=model.filename)
        reference = read_reference(path, kind, model.region)
        if not overridden and reference.header.get("DETECTOR") != model.header.get("DETECTOR"):
            problem = f"CRDS selected it for {model.filename} of {model.header.get('DETECTOR')}"
            raise ReferenceFileError(problem, file=path, key="DETECTOR", value=reference.header.get("DETECTOR"))
        return reference

    def need_reference(self, model: Model, kind: str) -> Reference:
        """Return the reference of `kind`; raise ReferenceFileError where the override says N/A."""
        reference = self.read_reference(model, kind)
        if reference is None:
            problem = f"{self.name} cannot do without"
            raise ReferenceFileError(problem, file=model.filename, key=f"override_{kind}", value="N/A")
        return reference

    def finalize_result(self, result: Any, reference_files_used: list[tuple[str, str]]) -> None:
        """Record status, references, context and versions in the product's header."""
        if not isinstance(result, Model):
            return
        if self.skip and self.status:
            result.header[self.status] = "SKIPPED"
        for kind, name in reference_files_used:
            result.header[reference_keyword(kind)] = Path(name).name if Path(name).is_absolute() else name
            if name.startswith("crds://"):
                result.header["CRDS_CTX"] = crds_client.get_context_used(Model.crds_observatory)
        result.header["CRDS_VER"] = crds_client.get_svn_version()
        result.header["CAL_VER"] = _own_version()

    def save_model(self, model: Any, *args: Any, **kwargs: Any) -> Any:
        """Save under the name that the data reduction system gives, unless an output file is named."""
        if kwargs.get("output_file") or self.output_file or not isinstance(model, Model):
            return super().save_model(model, *args, **kwargs)
        if not (kwargs.get("force") or self.save_results):
            return None
        return model.save(Path(self.search_attr("output_dir") or ".") / self.name_output(model))

    def name_output(self, model: Model) -> str:
        """File name of a single Step's result: that of the input and the alias."""
        return f"{Path(model.filename).stem}_{self.class_alias}.fits"

    def run(self, *args: Any) -> Any:
        """Run the Step; a user's error keeps its type and ends `strun` in one line with status 2."""
        try:
            if not args:
                raise InputError(f"{self.name} needs an input file")
            return super().run(*args)
        except (InputError, ValidationError) as error:
            if self.parent is not None or isinstance(error, StpipeExitException):
                raise
            raise _end_quietly(error) from None


def _has_cache() -> bool:
    """Tell whether crds has something to select from; without, it would end the process."""
    serverless = "serverless" in os.environ.get("CRDS_SERVER_URL", "serverless")
    return not serverless or Path(crds_config.get_crds_cfgpath(Model.crds_observatory), "server_config").is_file()


def _peek(dataset: Any) -> Header:
    path = Path(dataset)
    return read_set(path).headers[0] if path.suffix.lower() == ".json" else read_header(path)


def _list_keys(model: Model, kind: str) -> str:
    keys = (*load_reference_types()[kind].list_keys(model.header), "DATE-OBS", "TIME-OBS")
    return ", ".join(f"{key}={model.header.get(key)}" for key in keys)


def _cut(given: ReferenceModel, data: Model, kind: str) -> Reference:
    """Return the part of a reference in memory that covers the data."""
    found = given.reference.kind
    if found != kind:
        raise ReferenceFileError(f"expected a {kind} reference", file=given.filename, key="REFTYPE", value=found)
    if not given.region.contains(data.region):
        raise ReferenceFileError(f"covers {given.region}, the data need {data.region}", file=given.filename)
    cut = data.region.cut_from(given.region)
    return Reference(given.header, {name: plane[cut] for name, plane in given.reference.content.items()})


@lru_cache(maxsize=1)
def _own_version() -> str:
    return version("iris-testbed")


def _end_quietly(error: Exception) -> InputError:
    """Return a user's error, or stpipe's complaint about an option, as one that strun does not trace."""
    if not isinstance(error, InputError):
        error = InputError(str(error))
    kind: Any = type(error)
    ending: InputError = _make_exit_type(kind)(error.problem, file=error.file, key=error.key, value=error.value)
    return ending


@cache
def _make_exit_type(kind: Any) -> Any:
    """Return `kind` as an exception that strun reports without a traceback; pickled as `kind` itself."""

    def reduce(error: InputError) -> Any:
        return kind(error.problem, file=error.file, key=error.key, value=error.value).__reduce__()

    return type(kind.__name__, (kind, StpipeExitException), {"__reduce__": reduce, "exit_status": kind.exit_status})
