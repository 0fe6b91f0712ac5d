"""Ask for memory before it is needed, inside a kernel."""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils as _cgutils
from numba.extending import intrinsic

_intrinsic: Callable[[Callable[..., object]], Callable[..., Any]] = intrinsic
cgutils: Any = _cgutils
_BYTES = ir.IntType(8).as_pointer()
_INT = ir.IntType(32)
_READ, _KEEP, _DATA = (_INT(value) for value in (0, 3, 1))


@_intrinsic
def prefetch(context: object, array: Any, row: object) -> tuple[object, object]:
    """Have the processor fetch where `row` of a C-contiguous array begins; it waits for nothing.

    Any row will do, also one that does not exist: a prefetch of what is not there is ignored.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> object:
        made = context.make_array(array)(context, builder, arguments[0])
        (stride, *_) = cgutils.unpack_tuple(builder, made.strides, array.ndim)
        start = builder.ptrtoint(made.data, stride.type)
        at = builder.inttoptr(builder.add(start, builder.mul(arguments[1], stride)), _BYTES)
        kind = ir.FunctionType(ir.VoidType(), [_BYTES, _INT, _INT, _INT])
        fetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        builder.call(fetch, [at, _READ, _KEEP, _DATA])
        return context.get_dummy_value()

    return types.void(array, types.int64), generate
