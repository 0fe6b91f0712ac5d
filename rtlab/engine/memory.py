"""Arrays from their addresses, inside a kernel: one argument for all of them, since each costs its caller time."""

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from numba import types
from numba.extending import intrinsic

from rtlab.compiling import part
from rtlab.engine.layout import STATE, Rows, State

Words = npt.NDArray[np.int64]
RowType = np.dtype[Any]
_intrinsic: Callable[[Callable[..., object]], Callable[..., Any]] = intrinsic
_carray: Any = numba.carray  # type: ignore[attr-defined]


@_intrinsic
def _pointer(context: object, address: object) -> tuple[object, object]:
    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> object:
        return builder.inttoptr(arguments[0], context.get_value_type(signature.return_type))

    return types.voidptr(types.int64), generate


@part
def rows_at(address: int, count: int, row: RowType) -> Rows[Any]:
    """Give the `count` rows that lie at `address`; their owner keeps them alive."""
    return _carray(_pointer(address), (count,), row)  # type: ignore[no-any-return]


@part
def state_of(words: Words) -> State:
    """Give the state whose bytes are `words`."""
    return _carray(_pointer(np.int64(words.ctypes.data)), (1,), STATE)[0]  # type: ignore[no-any-return]
