"""The observatory `tmt` as `crds` wants it: names and types, read from the generated specs."""

from __future__ import annotations

import os

from crds.core import reftypes

HERE = os.path.dirname(os.path.abspath(__file__))

TYPES = reftypes.from_package_file("tmt", __file__)
OBSERVATORY = TYPES.observatory
INSTRUMENTS = TYPES.instruments
EXTENSIONS = TYPES.extensions
TEXT_DESCR = TYPES.text_descr
FILEKINDS = TYPES.filekinds

INSTRUMENT_FIXERS: dict[str, str] = {}
TYPE_FIXERS: dict[str, str] = {}

PROVENANCE_KEYWORDS = ("META.DESCRIPTION", "META.PEDIGREE", "META.USEAFTER", "META.AUTHOR")
USEAFTER_KEYWORDS = ("META.OBSERVATION.DATE", "META.OBSERVATION.TIME")
DEFAULT_SELECTORS = ("Match", "UseAfter")
