"""Random bits (splitmix64) and what is drawn from tables with them."""

import numpy as np

from rtlab.compiling import part
from rtlab.sources.simulation.layout import ONE, REGIMES, TABLE_MASK, Memory, Rows

_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S1 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(1)


@part
def draw(memory: Memory) -> int:
    """Give 63 random bits as a number that is not negative."""
    bits = memory.state[0].random + _STEP
    memory.state[0].random = bits
    bits = (bits ^ (bits >> _S30)) * _FIRST
    bits = (bits ^ (bits >> _S27)) * _SECOND
    number: int = np.int64((bits ^ (bits >> _S31)) >> _S1)  # type: ignore[assignment]
    return number


@part
def chance(memory: Memory) -> int:
    """Give one of ONE equally likely numbers."""
    return draw(memory) & (ONE - 1)


@part
def pick(memory: Memory, table: Rows[int]) -> int:
    """Give one of a table's quantiles."""
    return table[draw(memory) & TABLE_MASK]


@part
def next_regime(bits: int, regime: int) -> int:
    """Move a regime one step, the likelier towards the middle the further out it is (Ehrenfest's urn)."""
    return regime + 1 if (bits & (REGIMES - 1)) >= regime else regime - 1
