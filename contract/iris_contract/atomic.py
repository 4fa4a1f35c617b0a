"""Write files so that an interruption leaves the old file or the new one, never half of one."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from iris_contract.errors import RunDirectoryError

__all__ = ["hash_file", "replace_file", "write_json", "write_text"]


@contextmanager
def replace_file(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it over `path` if the block succeeds.

    The temporary name keeps the extension, since FITS and Parquet writers look at it. Raises
    RunDirectoryError where the folder cannot be written.
    """
    path = Path(path)
    temporary = path.with_name(f".{os.getpid()}.tmp.{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        if isinstance(error, FileNotFoundError) and not temporary.exists() and path.parent.exists():
            raise
        raise RunDirectoryError(f"cannot write: {error.strerror or error}", file=path) from error
    finally:
        with suppress(OSError):  # nothing was written where even the folder is none
            temporary.unlink()


def write_text(path: str | Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    with replace_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | Path, content: Any) -> None:
    """Write JSON atomically: sorted keys, two spaces, final newline; refuses NaN and Infinity."""
    write_text(path, json.dumps(content, indent=2, sort_keys=True, allow_nan=False) + "\n")


def hash_file(path: str | Path) -> str:
    """Return the SHA-256 of a file as 64 hexadecimal digits."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
