"""Write an exposure: the raw file first, then its truth, which is keyed by the raw file's SHA-256.

Both are written under a temporary name and renamed. An interruption between the two leaves a raw
file without truth, or with an older one whose key does not fit: it is never taken for this one's.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from iris_contract import Ramp, Truth
from iris_contract.atomic import hash_file

__all__ = ["write_exposure"]


def write_exposure(ramp: Ramp, truth: Truth, raw_path: str | Path, truth_path: str | Path) -> str:
    """Write both files and return the raw file's SHA-256; raises LayoutError or RunDirectoryError."""
    ramp.write(raw_path)
    sha256 = hash_file(raw_path)
    replace(truth, raw_sha256=sha256).write(truth_path)
    return sha256
