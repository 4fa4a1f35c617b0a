"""Ask CRDS which references serve a dataset; what is missing is an error, never a skipped step."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from iris_contract.errors import ReferenceFileError
from iris_contract.keywords import load_keywords
from iris_contract.reftypes import load_reference_types
from iris_reduction.cache import use_cache

__all__ = ["select"]


def select(
    header: Mapping[str, Any],
    kinds: Iterable[str],
    cache: str | Path,
    context: str | None = None,
    *,
    file: str | Path | None = None,
) -> dict[str, Path]:
    """Return the path of the reference of each kind for a header of FITS keywords or META paths.

    `file` is named in errors. Raises ReferenceFileError that names kind, match keys and values
    where the rules select nothing or the cache lacks what they select.
    """
    context = use_cache(cache, context)
    wanted = tuple(kinds)
    if not wanted:
        return {}
    import crds

    plain = {key: value for key, value in header.items() if isinstance(value, str | int | float | bool)}
    try:
        names = crds.getrecommendations(plain, reftypes=wanted, observatory="tmt")
    except Exception as error:  # crds raises anything
        raise ReferenceFileError(f"CRDS cannot select references: {error}", file=file) from None
    return {kind: _locate(kind, names[kind], header, context, file) for kind in wanted}


def _locate(kind: str, name: str, header: Mapping[str, Any], context: str, file: str | Path | None) -> Path:
    """Return the path of a recommendation, which must be a file."""
    if name.startswith("NOT FOUND"):
        values = " ".join(f"{keyword}={value!r}" for keyword, value in _match_values(kind, header).items())
        raise ReferenceFileError(
            f"no {kind} reference in {context} for {values}; deliver one or override it", file=file
        )
    import crds

    path = Path(crds.locate_file(name, "tmt"))
    if not path.is_file():
        raise ReferenceFileError(f"the rules of {context} select this {kind}, but the cache lacks it", file=path)
    return path


def _match_values(kind: str, header: Mapping[str, Any]) -> dict[str, Any]:
    """What the rules of `kind` looked at, by FITS keyword."""
    table, keywords = load_reference_types(), load_keywords()
    plain = {k: header.get(k, header.get(keyword.path)) for k, keyword in keywords.items()}
    looked_at = (*(table[kind].list_keys(plain) if kind in table else ()), "DATE-OBS", "TIME-OBS")
    return {k: plain[k] for k in looked_at}
