"""What every source gives: its instruments, and chunks in time order, each with the time of its first row."""

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from rtlab.model import Instrument, MarketMessage

Commands = NDArray[np.void]
"""Rows of the dtype COMMAND."""

Chunk = tuple[int, Commands] | tuple[int, list[MarketMessage]]


class OrderFlow(Protocol):
    """A source of commands, which our engine matches."""

    @property
    def instruments(self) -> Sequence[Instrument]:
        """What is traded; a command's `instrument` is an index into it."""
        ...

    def chunks(self, window_ns: int = 0) -> Iterator[tuple[int, Commands]]:
        """Yield (ts of the first command in ns, COMMAND rows); a chunk spans at most `window_ns`."""
        ...


class MarketData(Protocol):
    """A source of books and trades that a venue already made."""

    @property
    def instruments(self) -> Sequence[Instrument]:
        """What is traded; a message's `instrument` is the symbol of one of them."""
        ...

    def chunks(self, window_ns: int = 0) -> Iterator[tuple[int, list[MarketMessage]]]:
        """Yield (ts_recv of the first message in ns, messages); a chunk spans at most `window_ns`."""
        ...
