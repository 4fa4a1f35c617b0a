"""Names of products, of references that have not been delivered yet, and of the keywords that record them."""

from __future__ import annotations

import re
from pathlib import PurePath

from iris_contract.fitsio import Header
from iris_contract.reftypes import load_reference_types

__all__ = ["list_references", "name_product", "name_reference", "reference_keyword"]

_LEVEL = re.compile(r"_LVL\d(?=_)")


def name_product(source: str, level: int) -> str:
    """Return the file name of the product of `level` made from the file `source`.

    >>> name_product("raw/2035A-P001-001_IRIS_IMG1_SCI_LVL0_0001-00.fits", 1)
    '2035A-P001-001_IRIS_IMG1_SCI_LVL1_0001-00.fits'
    >>> name_product("mine.fits", 2)
    'mine_LVL2.fits'
    """
    path = PurePath(source)
    if _LEVEL.search(path.name):
        return _LEVEL.sub(f"_LVL{level}", path.name)
    return f"{path.stem}_LVL{level}.fits"


def name_reference(header: Header) -> str:
    """Return the file name of a new reference: instrument, detector, kind, what it is selected by besides, start.

    >>> name_reference({"DETECTOR": "IMG1", "REFTYPE": "flat", "FILTER": "H", "DATE-OBS": "2035-01-01",
    ...     "TIME-OBS": "04:00:00.000"})
    'IRIS_IMG1_FLAT_H_20350101T040000.fits'
    """
    keys = load_reference_types()[str(header["REFTYPE"])].list_keys(header)
    chosen = [_word(key, header[key]) for key in keys if key != "DETECTOR"]
    when = re.sub(r"[-:]|\.\d+", "", f"{header['DATE-OBS']}T{header['TIME-OBS']}")
    return "_".join(["IRIS", str(header["DETECTOR"]), str(header["REFTYPE"]).upper(), *chosen, when]) + ".fits"


def _word(key: str, value: str | int | float) -> str:
    """Return the value of a match key as part of a file name: scales in mas, since names have no second dot."""
    return f"{1000 * float(value):g}mas" if key == "SCALE" else str(value)


def reference_keyword(kind: str) -> str:
    """Return the header keyword that records a reference of `kind`.

    >>> reference_keyword("readnoise")
    'R_READNO'
    """
    return f"R_{kind}"[:8].upper()


def list_references(header: Header) -> dict[str, str]:
    """Return kind to file name of the references that a product's header records.

    >>> list_references({"R_READNO": "crds://tmt_iris_readnoise_0001.fits", "R_DARK": "mine.fits"})
    {'dark': 'mine.fits', 'readnoise': 'tmt_iris_readnoise_0001.fits'}
    """
    recorded = {kind: header.get(reference_keyword(kind)) for kind in load_reference_types()}
    return {kind: str(name).removeprefix("crds://") for kind, name in recorded.items() if name is not None}
