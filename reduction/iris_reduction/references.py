"""Read reference files, each once per process: the exposures of a night share theirs.

Opening one costs more than a small array holds. What was read is kept while the file stays the one
it was (path, inode, size, times), for regions of up to half a million pixels and for the last few
files only, some 50 MB at most. Each caller gets arrays of its own. Not kept: full frames.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from iris_contract import Reference, Subarray

__all__ = ["read_reference"]

_FILES = 8
_PIXELS = 1 << 19

Identity = tuple[int, ...]


def read_reference(path: str | Path, kind: str, region: Subarray) -> Reference:
    """Return the part of a reference of `kind` that covers `region`; errors as `Reference.read`."""
    file = Path(path).absolute()
    if region.xsize * region.ysize > _PIXELS or not file.is_file():
        return Reference.read(path, kind, region)
    status = file.stat()
    identity = status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
    kept = _read_once(str(path), file, identity, kind, region)
    return Reference(dict(kept.header), {name: plane.copy() for name, plane in kept.content.items()})


@lru_cache(maxsize=_FILES)
def _read_once(path: str, _file: Path, _identity: Identity, kind: str, region: Subarray) -> Reference:
    """Read `path`, the name that errors show; file and identity tell when to read it again."""
    return Reference.read(path, kind, region)
