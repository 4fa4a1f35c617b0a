"""The policies of the observatory `tmt` that `crds` asks for: names, places, keywords, dates.

Rules match on META paths (the data model's vocabulary, also that of oirlab/tmt-crds-cache), files
carry FITS keywords; `keywords.json`, generated from the keyword table, joins the two. A reference
enters a UseAfter rule at its USEAFTER, and a ClosestTime rule at the time it was measured.
Knows nothing of pipelines: every reference type is offered to every dataset.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from typing import Any

from crds import data_file
from crds.core import config, exceptions, rmap, timestamp, utils

from . import FILEKINDS, HERE, INSTRUMENTS, OBSERVATORY, TYPES

Header = dict[str, Any]

get_all_tpninfos = TYPES.get_all_tpninfos
get_item = TYPES.get_item
get_row_keys_by_instrument = TYPES.get_row_keys_by_instrument
filekind_to_suffix = TYPES.filekind_to_suffix
suffix_to_filekind = TYPES.suffix_to_filekind

_NAME = re.compile(r"tmt(?:_([a-z][a-z0-9]*)(?:_([a-z][a-z0-9-]*))?)?(?:_(\d+))?")
_DATE, _TIME = "META.OBSERVATION.DATE", "META.OBSERVATION.TIME"


def _load_keywords() -> dict[str, str]:
    with open(os.path.join(HERE, "keywords.json"), encoding="utf-8") as stream:
        table: dict[str, str] = json.load(stream)
    return table


FITS_TO_META = _load_keywords()
_PAIRS = [pair for fits, meta in FITS_TO_META.items() for pair in ((meta, fits), (fits, meta))]
_PATTERNS = {f"P_{fits}"[:8]: meta for fits, meta in FITS_TO_META.items()} | {
    re.sub(r"\.([^.]+)$", r".P_\1", meta): meta for meta in FITS_TO_META.values()
}

# --- names -------------------------------------------------------------------------------------


def decompose_newstyle_name(filename: str) -> tuple[str, str, str, str, str, str]:
    """Return (folder, observatory, instrument, kind, serial, extension) of an official name."""
    folder, name = os.path.split(filename)
    root, extension = os.path.splitext(name)
    match = _NAME.fullmatch(root)
    instrument, kind, serial = match.groups("") if match else ("?", "?", "")
    if instrument not in ["", *INSTRUMENTS] or kind not in ["", *FILEKINDS]:
        raise exceptions.CrdsNamingError(f"{name!r} is not a name of the form tmt_iris_<kind>_NNNN")
    return folder, OBSERVATORY, instrument, kind, serial, extension


@utils.cached
def get_file_properties(filename: str) -> tuple[str, str]:
    """Return (instrument, kind) of a mapping or reference, from its name or else its header."""
    if config.is_mapping(filename):
        try:
            return decompose_newstyle_name(filename)[2:4]
        except exceptions.CrdsNamingError:
            mapping = rmap.fetch_mapping(filename)
            return mapping.header.get("instrument", ""), mapping.header.get("filekind", "")
    return get_reference_properties(filename)[2:4]


def get_reference_properties(filename: str) -> tuple[str, str, str, str, str, str]:
    """As `decompose_newstyle_name`, for a reference under any name."""
    try:
        return decompose_newstyle_name(filename)
    except exceptions.CrdsNamingError:
        return ref_properties_from_header(filename)


def ref_properties_from_header(filename: str) -> tuple[str, str, str, str, str, str]:
    """As `decompose_newstyle_name`, from INSTRUME and REFTYPE; the serial is the file's own name."""
    folder, name = os.path.split(filename)
    root, extension = os.path.splitext(name)
    header = data_file.get_free_header(filename, (), None, OBSERVATORY)
    found = {"INSTRUME": str(header.get("META.INSTRUMENT.NAME")), "REFTYPE": str(header.get("META.REFTYPE"))}
    for (keyword, value), allowed in zip(found.items(), (INSTRUMENTS, FILEKINDS), strict=True):
        if value.lower() not in allowed:
            raise exceptions.CrdsNamingError(f"{name!r}: {keyword}={value!r} is unknown to {OBSERVATORY}")
    instrument, kind = (value.lower() for value in found.values())
    return folder, OBSERVATORY, instrument, kind, root, extension


# --- places ------------------------------------------------------------------------------------


def locate_dir(instrument: str, mode: str | None = None) -> str:
    """Return the folder of an instrument's references in the cache."""
    root = str(config.get_crds_refpath(OBSERVATORY))
    mode = mode or config.get_crds_ref_subdir_mode(observatory=OBSERVATORY)
    return os.path.join(root, instrument.lower()) if mode == "instrument" else root


def locate_file(refname: str, mode: str | None = None, parameters: Mapping[str, Any] | None = None) -> str:
    """Return the path that a reference has, or would have, in the cache."""
    name = os.path.basename(refname)
    return os.path.join(locate_dir("iris", mode), name)  # tmt has one instrument


def tpn_path(tpn_file: str) -> str:
    """Return the path of a file of constraints."""
    return os.path.join(HERE, "tpns", tpn_file)


def get_env_prefix(instrument: str) -> str:
    """Return the prefix of references in a dataset's header."""
    return "crds://"


# --- keywords ----------------------------------------------------------------------------------


def match_context_key(key: str) -> str:
    """Return the case that keys have in mappings."""
    return key.upper()


def filekind_to_keyword(filekind: str) -> str:
    """Return the FITS keyword that records which reference was used."""
    return f"R_{filekind.upper()}"[:8]


def fits_to_parkeys(fits_header: Mapping[str, Any]) -> dict[str, str]:
    """Return the header under META paths, with values as strings."""
    return {FITS_TO_META.get(str(k).upper(), str(k).upper()): str(v) for k, v in fits_header.items()}


def get_cross_strapped_pairs(header: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the pairs (master, copy) of names for the same thing."""
    return _PAIRS


def reference_keys_to_dataset_keys(rmapping: Any, header: Mapping[str, Any]) -> Header:
    """Return the header of a reference in terms of the datasets it serves.

    P_ keywords, which list several values, replace the plain ones, and the date becomes that at
    which the rule of `rmapping` must place the reference.
    """
    header = dict(header)
    translations = {**_PATTERNS, **getattr(rmapping, "reference_to_dataset", {})}
    for key, value in translations.items():
        if header.get(key, "UNDEFINED") not in (None, "UNDEFINED"):
            header[value] = header[key]
    when = _place_in_time(rmapping, header)
    if when:
        header[_DATE], header[_TIME] = header["DATE-OBS"], header["TIME-OBS"] = when
    return header


def _place_in_time(rmapping: Any, header: Header) -> tuple[str, str] | None:
    """Date and time of the rule's entry; None leaves it to certify to miss the keyword."""
    measured = f"{header.get(_DATE, 'UNDEFINED')} {header.get(_TIME, 'UNDEFINED')}"
    if "ClosestTime" in rmapping.header.get("classes", ()) and "UNDEFINED" not in measured:
        date, time = timestamp.reformat_date(measured).split()
    elif header.get("META.USEAFTER", "UNDEFINED") != "UNDEFINED" or config.ALLOW_BAD_USEAFTER:
        date, time = timestamp.reformat_useafter(rmapping.filename, header).split()
    else:
        return None
    return date, time


def condition_matching_header(rmapping: Any, header: Mapping[str, Any]) -> Header:
    """Return the header with match values as rules hold them: upper case, numbers as floats."""
    keys = rmapping.get_required_parkeys()
    return {k: utils.condition_value(v) if k in keys else v for k, v in header.items()}


# --- what tmt does not have --------------------------------------------------------------------


def get_extra_tpninfos(refpath: str) -> list[Any]:
    """Return constraints from outside the tpn files: none."""
    return []


def project_check(refpath: str, rmap: Any) -> None:
    """Run checks beyond the tpn files: none."""


def header_to_reftypes(header: Mapping[str, Any], context: str = "latest") -> list[str]:
    """Return the types a dataset needs; empty, which `crds` reads as all."""
    return []


def header_to_pipelines(header: Mapping[str, Any], context: str = "latest") -> list[str]:
    """Refuse: which pipeline a dataset takes is not the cache's business."""
    raise NotImplementedError("tmt does not tell pipelines from headers")
