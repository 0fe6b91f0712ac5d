"""Arrays from their addresses, inside a kernel: one argument for all of them, since each costs its caller time."""

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np import arrayobj

from rtlab.compiling import part, pasted_part
from rtlab.engine.layout import (
    ACCOUNT,
    EVENT_ROW,
    EXTRA,
    LADDER,
    LEVEL,
    MARKET,
    ORDER,
    POSITION_ROW,
    RUNG,
    STATE,
    TAKER,
    WORD,
    Memory,
    State,
)

RowType = np.dtype[Any]
_arrays: Any = arrayobj
_cgutils: Any = cgutils
_intrinsic: Callable[[Callable[..., object]], Callable[..., Any]] = intrinsic


@_intrinsic
def rows_at(context: object, address: object, count: object, row: Any) -> tuple[object, object]:
    """Give the `count` rows of the type `row` that lie at `address`; their owner keeps them alive."""
    rows = types.Array(row.dtype, 1, "C")

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> object:
        array = _arrays.make_array(rows)(context, builder)
        size = context.get_constant(types.intp, context.get_abi_sizeof(context.get_data_type(row.dtype)))
        data = builder.inttoptr(arguments[0], array.data.type)
        _arrays.populate_array(
            array, data=data, shape=[arguments[1]], strides=[size], itemsize=size, meminfo=None
        )
        return array._getvalue()

    return rows(types.int64, types.int64, row), generate


@_intrinsic
def fetch(context: object, words: Any, at: object) -> tuple[object, object]:
    """Ask for the cache line of `words[at]`, which is needed soon; nothing waits for it."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> object:
        array = _arrays.make_array(words)(context, builder, arguments[0])
        byte = ir.IntType(8).as_pointer()
        address = builder.bitcast(builder.gep(array.data, [arguments[1]]), byte)
        flag = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, flag, flag, flag])
        asked = _cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        builder.call(asked, [address, flag(0), flag(3), flag(1)])  # to read, to keep, of data
        return context.get_dummy_value()

    return types.void(words, types.int64), generate


@part
def state_at(address: int) -> State:
    """Give the state that lies at `address`."""
    return rows_at(address, 1, STATE)[0]  # type: ignore[no-any-return]


@pasted_part
def memory_of(state: State) -> Memory:
    """Give the arrays that the state names."""
    return Memory(
        state,
        rows_at(state.taker_at, state.taker, TAKER)[0],
        rows_at(state.orders_at, state.orders, ORDER),
        rows_at(state.levels_at, state.levels, LEVEL),
        rows_at(state.extras_at, state.extras, EXTRA),
        rows_at(state.ladders_at, state.ladders, LADDER),
        rows_at(state.markets_at, state.markets, MARKET),
        rows_at(state.heap_at, state.heap, RUNG),
        rows_at(state.accounts_at, state.accounts, ACCOUNT),
        rows_at(state.positions_at, state.positions, POSITION_ROW),
        rows_at(state.rungs_at, state.rungs, RUNG),
        rows_at(state.bits_at, state.bits, WORD),
        rows_at(state.ids_at, state.ids, WORD),
        rows_at(state.events_at, state.events, EVENT_ROW),
    )
