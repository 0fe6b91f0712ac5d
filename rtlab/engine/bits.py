"""The live prices of an instrument as a tree of bits: the next one is found in as many steps as the tree is high.

Every node is a 64-bit word; bit b of node v says that its child 64 v + 1 + b has any bit set. The ticks of the
window are the leaves. Bids and asks share a tree: since no book is crossed, all below the best bid are bids.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from rtlab.compiling import part
from rtlab.engine.layout import Ladder, Rows

_intrinsic: Callable[[Callable[..., object]], Callable[..., Any]] = intrinsic


@_intrinsic
def lowest_bit(context: object, word: object) -> tuple[object, object]:
    """Give the number of the lowest set bit of a word that is not 0."""

    def generate(context: object, builder: Any, signature: object, arguments: Any) -> object:
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.int64), generate


@_intrinsic
def highest_bit(context: object, word: object) -> tuple[object, object]:
    """Give the number of the highest set bit of a word that is not 0."""

    def generate(context: object, builder: Any, signature: object, arguments: Any) -> object:
        zeros = builder.ctlz(arguments[0], ir.Constant(ir.IntType(1), 1))
        return builder.sub(ir.Constant(ir.IntType(64), 63), zeros)

    return types.int64(types.int64), generate


@part
def set_tick(bits: Rows[int], ladder: Ladder, tick: int) -> None:
    """Mark `tick`, counted from the window's base, as live."""
    node: int = ladder.leaves_at + tick
    while node > 0:
        bit = (node - 1) & 63
        node = (node - 1) >> 6
        before = bits[ladder.bits_at + node]
        bits[ladder.bits_at + node] = before | (1 << bit)
        if before != 0:
            break


@part
def clear_tick(bits: Rows[int], ladder: Ladder, tick: int) -> None:
    """Mark `tick` as empty."""
    node: int = ladder.leaves_at + tick
    while node > 0:
        bit = (node - 1) & 63
        node = (node - 1) >> 6
        bits[ladder.bits_at + node] &= ~(1 << bit)
        if bits[ladder.bits_at + node] != 0:
            break


@part
def next_above(bits: Rows[int], ladder: Ladder, tick: int) -> int:
    """Give the lowest live tick above `tick`, or -1."""
    node: int = ladder.leaves_at + tick
    while node > 0:
        bit = (node - 1) & 63
        node = (node - 1) >> 6
        word = bits[ladder.bits_at + node] & (-2 << bit)
        if word != 0:
            node = (node << 6) + 1 + lowest_bit(word)
            while node < ladder.leaves_at:
                node = (node << 6) + 1 + lowest_bit(bits[ladder.bits_at + node])
            return node - ladder.leaves_at
    return -1


@part
def next_below(bits: Rows[int], ladder: Ladder, tick: int) -> int:
    """Give the highest live tick below `tick`, or -1."""
    node: int = ladder.leaves_at + tick
    while node > 0:
        bit = (node - 1) & 63
        node = (node - 1) >> 6
        word = bits[ladder.bits_at + node] & ((1 << bit) - 1)
        if word != 0:
            node = (node << 6) + 1 + highest_bit(word)
            while node < ladder.leaves_at:
                node = (node << 6) + 1 + highest_bit(bits[ladder.bits_at + node])
            return node - ladder.leaves_at
    return -1
