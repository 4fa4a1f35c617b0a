"""CRDS caches: make one, point this process at one.

A cache is a folder that the unmodified `crds` reads without a server: `mappings/tmt`,
`references/tmt/iris` and `config/tmt/server_config`. The last is a Python literal that lists what
has been delivered and names the current context; replacing it is the moment a delivery happens.
A new cache holds one context whose rules cover every reference type and select nothing.
`crds` keeps its state in the environment and in memory, so a process uses one cache at a time.
Knows no server: `crds sync` needs one.
"""

from __future__ import annotations

import ast
import os
import pprint
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import tmt_crds
from iris_contract.atomic import replace_file, write_text
from iris_contract.errors import ReferenceFileError
from iris_contract.reftypes import load_reference_types

__all__ = [
    "SERVERLESS",
    "borrow_cache",
    "create_cache",
    "mapping_path",
    "read_config",
    "reference_path",
    "use_cache",
    "write_config",
]

tmt_crds.install()  # imports nothing: crds itself is loaded where it is needed

SERVERLESS = "https://crds-serverless-mode.stsci.edu"
_FIRST = "tmt_0001.pmap"
_BEGINNING = "1970-01-01 00:00:00"
_REDIRECTING = tuple(
    f"CRDS_{kind}{single}" for kind in ("PATH", "MAPPATH", "REFPATH", "CFGPATH") for single in ("", "_SINGLE")
)[1:]  # all but CRDS_PATH itself


def mapping_path(cache: Path, name: str) -> Path:
    """Where a cache holds a mapping."""
    return cache / "mappings" / "tmt" / name


def reference_path(cache: Path, name: str) -> Path:
    """Where a cache holds a reference."""
    return cache / "references" / "tmt" / "iris" / name


def _config_path(cache: Path) -> Path:
    return cache / "config" / "tmt" / "server_config"


def read_config(cache: str | Path) -> dict[str, Any]:
    """Return what a cache says of itself; raise ReferenceFileError where there is no cache."""
    path = _config_path(Path(cache))
    try:
        config: dict[str, Any] = ast.literal_eval(path.read_text("utf-8"))
    except OSError:
        raise ReferenceFileError("no CRDS cache of tmt here; make one first", file=cache) from None
    except (ValueError, SyntaxError) as error:
        raise ReferenceFileError(f"not a CRDS configuration: {error}", file=path) from None
    return config


def write_config(cache: Path, config: dict[str, Any]) -> None:
    """Switch a cache to `config`, atomically; raises RunDirectoryError."""
    write_text(_config_path(cache), pprint.pformat(config) + "\n")


def create_cache(cache: str | Path) -> str:
    """Make an empty cache in folder `cache` and return its context, which covers every type.

    A folder that is a cache already keeps what it holds, and its current context is returned.
    Raises RunDirectoryError where the folder cannot be written.
    """
    cache = Path(cache)
    if _config_path(cache).exists():
        return str(read_config(cache)["latest_context"])
    names = _write_first_rules(cache)
    reference_path(cache, "").mkdir(parents=True, exist_ok=True)
    write_text(cache / "config" / "tmt" / "ref_cache_subdir_mode", "instrument")
    write_config(cache, _first_config(names))
    return _FIRST


def _write_first_rules(cache: Path) -> list[str]:
    """Write the empty rules, the instrument's and the pipeline's mapping; return their names."""
    from crds.core import rmap

    from iris_reduction.crds_tables import rule_header

    rules = {kind: rule_header(entry) for kind, entry in load_reference_types().items()}
    texts: dict[str, Any] = {h["name"]: (rmap.ReferenceMapping, _format(h, "Match({})")) for h in rules.values()}
    shared = {"derived_from": "generated from the table of reference types", "observatory": "TMT", "sha1sum": ""}
    imap, pmap = "tmt_iris_0001.imap", _FIRST
    header = {**shared, "mapping": "INSTRUMENT", "instrument": "IRIS", "name": imap, "parkey": ("REFTYPE",)}
    selector = {kind.upper(): header["name"] for kind, header in rules.items()} | dict.fromkeys(_list_pars(), "N/A")
    texts[imap] = (rmap.InstrumentContext, _format(header, repr(selector)))
    header = {**shared, "mapping": "PIPELINE", "name": pmap, "parkey": ("META.INSTRUMENT.NAME",)}
    texts[pmap] = (rmap.PipelineContext, _format(header, repr({"IRIS": imap})))
    for name, (kind, text) in texts.items():
        with replace_file(mapping_path(cache, name)) as temporary:
            kind.from_string(text, name, ignore_checksum=True).write(str(temporary))
            temporary.chmod(0o444)
    return sorted(texts)


def _format(header: dict[str, Any], selector: str) -> str:
    return f"header = {header!r}\n\nselector = {selector}\n"


def _list_pars() -> list[str]:
    """Parameter types that stpipe looks for: one per Step and Pipeline class, none of them used."""
    try:
        from iris_reduction.steps import get_steps
    except ImportError:  # the kernels and CRDS work without stpipe
        return []
    return sorted({f"PARS-{path.rsplit('.', 1)[-1].upper()}" for path, _alias, _is_pipeline in get_steps()})


def _first_config(mappings: list[str]) -> dict[str, Any]:
    """The literal that `crds` reads, with the delivered references as our own entry."""
    import crds

    return {
        "bad_files": "",
        "bad_files_list": [],
        "connected": False,
        "context_history": [(_BEGINNING, _FIRST, "empty rules for every reference type")],
        "crds_version": {"str": crds.__version__},
        "edit_context": _FIRST,
        "force_remote_mode": False,
        "last_synced": _BEGINNING,
        "latest_context": _FIRST,
        "mapping_url": {},
        "mappings": mappings,
        "observatory": "tmt",
        "operational_context": _FIRST,
        "reference_url": {},
        "references": [],
        "server": SERVERLESS,
        "status": "cache",
    }


# --- pointing crds at a cache ------------------------------------------------------------------


def use_cache(cache: str | Path, context: str | None = None) -> str:
    """Point `crds` in this process and its children at a cache; return the context in force.

    Without `context` it is the one that is current now, and stays so until the next call, whatever
    is delivered meanwhile. Results that `crds` memoised are dropped when anything changes. Raises
    ReferenceFileError where there is no cache or it has no such context.
    """
    cache = Path(cache).resolve()
    config = read_config(cache)
    context = context or str(config["latest_context"])
    if context.endswith("map") and context not in config["mappings"]:
        known = ", ".join(name for name in config["mappings"] if name.endswith(".pmap"))
        raise ReferenceFileError(f"the cache has only {known}", file=cache, key="CRDS_CONTEXT", value=context)
    _set_environment(
        {
            "CRDS_PATH": str(cache),
            "CRDS_MODE": "local",
            "CRDS_OBSERVATORY": "tmt",
            "CRDS_SERVER_URL": SERVERLESS,
            "CRDS_CONTEXT": context,
            "CRDS_READONLY_CACHE": "1",
            "CRDS_EXPLICIT_GARBAGE_COLLECTION": "0",  # it collects after every file: half of the time
        }
    )
    return context


def _set_environment(wanted: dict[str, str]) -> None:
    changed = any(os.environ.get(k) != v for k, v in wanted.items()) or any(k in os.environ for k in _REDIRECTING)
    if changed:
        for name in _REDIRECTING:
            os.environ.pop(name, None)
        os.environ.update(wanted)
        _forget()


def _forget() -> None:
    """Drop everything that `crds`, if it is loaded, remembers of a cache."""
    if "crds" not in sys.modules:
        return
    from crds.client import api
    from crds.core import config, utils

    api.set_crds_server(os.environ.get("CRDS_SERVER_URL", SERVERLESS))
    config.CRDS_REF_SUBDIR_MODE = "None"
    utils.clear_function_caches()


@contextmanager
def borrow_cache(cache: Path, context: str | None = None) -> Iterator[str]:
    """Use a cache, silently, for the length of a block; then leave the process as it was."""
    from crds.core import log  # first: crds writes its defaults into the environment and needs them

    before = {k: v for k, v in os.environ.items() if k.startswith("CRDS_")}
    used = use_cache(cache, context)
    verbosity = log.set_verbose(-3)
    try:
        yield used
    finally:
        log.set_verbose(verbosity)
        for name in [k for k in os.environ if k.startswith("CRDS_")]:
            del os.environ[name]
        os.environ.update(before)
        _forget()
