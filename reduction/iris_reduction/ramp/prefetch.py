"""Ask the processor for memory ahead of its use, from within a compiled loop.

A fit of one tile of pixels computes for about as long as the next tile takes to come from memory, and
touches none of it meanwhile, so the two would take turns. The hint lets them overlap. It changes no
result, and reaches no further than the end of the array.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

__all__ = ["prefetch"]

LINE = 64  # bytes that memory delivers at once


def _emit(_context: Any, array: Any, place: Any) -> Any:
    """Emit LLVM's prefetch of one element, for reading, into all levels of cache."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        pointer = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        byte, flag = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, flag, flag, flag])
        function = builder.module.declare_intrinsic("llvm.prefetch", [byte], kind)
        address = builder.bitcast(builder.gep(pointer, [arguments[1]]), byte)
        builder.call(function, [address, flag(0), flag(3), flag(1)])
        return context.get_dummy_value()

    return types.void(array, types.intp), generate


_hint: Any = intrinsic(_emit)


@njit(nogil=True, cache=True)
def prefetch(array: Any, start: int, stop: int) -> None:
    """Hint at the elements from `start` to `stop` of a contiguous one-dimensional `array`, as far as it goes."""
    for place in range(start, min(stop, array.size), LINE // array.itemsize):
        _hint(array, place)
