"""Work a cube off in blocks of rows, or a list item by item, one per thread at a time.

What a block needs stays in the last-level cache, memory beyond the results is a few blocks, and no
result depends on the number of threads.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["map_each", "map_rows", "split_rows"]

READS = 1 << 21  # per block: 8 MB of float32

Item = TypeVar("Item")
Result = TypeVar("Result")


def split_rows(shape: tuple[int, ...]) -> list[slice]:
    """Return the blocks of rows of a cube of `shape` (ny, nx, ...)."""
    ny, step = shape[0], max(1, READS // math.prod(shape[1:]))
    return [slice(y, min(y + step, ny)) for y in range(0, ny, step)]


def map_rows(work: Callable[[slice], Result], shape: tuple[int, ...]) -> list[Result]:
    """Return what `work` returns for each block of rows, in order; it runs in as many threads as numba may use."""
    return map_each(work, split_rows(shape))


def map_each(work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """Return what `work` returns for each item, in order; it runs in as many threads as numba may use."""
    from numba import get_num_threads  # here, since listing algorithms must not import numba

    with ThreadPoolExecutor(get_num_threads()) as threads:
        return list(threads.map(work, items))
