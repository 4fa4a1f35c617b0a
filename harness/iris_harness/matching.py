"""What selection compares of an exposure, so which exposures make one reference and which it serves.

A kind's match keys are those of the contract's reference types; only such as the exposures of one scenario
can differ in are looked at. References are of one detector in any case.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from iris_contract.reftypes import load_reference_types
from iris_harness.exposures import ExposureSpec

__all__ = ["Match", "describe_match", "find_match", "fits"]

Match = tuple[tuple[str, str], ...]
"""Keywords with their values, the detector first."""

VARIED: Mapping[str, Callable[[ExposureSpec], str | None]] = MappingProxyType(
    {
        "READMODE": lambda spec: spec.readout.mode,
        "FILTER": lambda spec: spec.filter,
        "GRATING": lambda spec: spec.lenslet.grating if spec.lenslet else "NONE",
        "SCALE": lambda spec: f"{spec.lenslet.scale:g} mas" if spec.lenslet else "NONE",
        "LLMSKST": lambda spec: spec.lenslet.mask if spec.lenslet else "NONE",
        "LLMSKCOL": lambda spec: str(spec.lenslet.column) if spec.lenslet and spec.lenslet.column is not None else None,
    }
)
WORDS: Mapping[str, str] = MappingProxyType(
    {"READMODE": "readout", "FILTER": "filter", "GRATING": "grating", "SCALE": "scale", "LLMSKST": "mask"}
    | {"LLMSKCOL": "column"}
)


def find_match(kind: str, spec: ExposureSpec) -> Match:
    """Return what references of `kind` match of an exposure; what is N/A for it is left out."""
    varied = ((key, VARIED[key](spec)) for key in load_reference_types()[kind].match if key in VARIED)
    return (("DETECTOR", spec.detector), *((key, value) for key, value in varied if value is not None))


def fits(match: Match, other: Match) -> bool:
    """Tell whether two agree in everything that both have."""
    theirs = dict(other)
    return all(theirs.get(key, value) == value for key, value in match)


def describe_match(match: Match) -> str:
    """Return what a reference matches besides its detector, in words.

    >>> describe_match((("DETECTOR", "IMG1"), ("FILTER", "H")))
    'filter H'
    """
    return ", ".join(f"{WORDS[key]} {value}" for key, value in match[1:])
