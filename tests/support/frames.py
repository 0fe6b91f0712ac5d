"""Random trades and quotes, frames of them, and ways to cut them into batches."""

import itertools
from collections.abc import Iterator

import numpy as np
from hypothesis import strategies as st

from rtlab.model import Instrument
from rtlab.pipelines import Frame, quote_frame, trade_frame

BTC = Instrument("BTC-USD", "0.1", "0.001")
SECOND = 1_000_000_000


def random_trades(seed: int, rows: int, *, jitter: int = 0, step: int = SECOND // 50) -> np.ndarray:
    """Rows (ts, ticks, lots, side); with `jitter` (ns) times go back now and then."""
    rng = np.random.default_rng(seed)
    ts = 1_700_000_000 * SECOND + np.cumsum(rng.integers(0, step, rows))
    if jitter:
        ts = ts - rng.integers(0, jitter, rows) * (rng.random(rows) < 0.1)
    ticks = 600_000 + np.cumsum(rng.integers(-3, 4, rows))
    return np.stack([ts, ticks, rng.integers(1, 5000, rows), rng.integers(0, 2, rows)], axis=1).astype(
        np.int64
    )


def random_quotes(seed: int, rows: int, *, jitter: int = 0, empty: float = 0.05) -> np.ndarray:
    """Rows (ts, seq, bid, bid lots, ask, ask lots); a side is empty with probability `empty`."""
    rng = np.random.default_rng(seed)
    ts, bid = random_trades(seed, rows, jitter=jitter)[:, :2].T
    ask = bid + rng.integers(1, 5, rows)
    bid_lots = rng.integers(1, 900, rows) * (rng.random(rows) >= empty)
    ask_lots = rng.integers(1, 900, rows) * (rng.random(rows) >= empty)
    bid, ask = bid * (bid_lots > 0), ask * (ask_lots > 0)
    return np.stack([ts, np.arange(1, rows + 1), bid, bid_lots, ask, ask_lots], axis=1).astype(np.int64)


def trades(rows: np.ndarray | list, first_seq: int = 1, instrument: Instrument = BTC) -> Frame:
    rows = np.array(rows, np.int64).reshape(-1, 4)
    return trade_frame(instrument, np.arange(first_seq, first_seq + len(rows)), rows)


def quotes(rows: np.ndarray | list, instrument: Instrument = BTC) -> Frame:
    return quote_frame(instrument, np.array(rows, np.int64).reshape(-1, 6))


def cut(rows: np.ndarray, points: list[int]) -> Iterator[np.ndarray]:
    """Cut rows into batches at any points; a batch may be empty."""
    bounds = [0, *sorted(min(point, len(rows)) for point in points), len(rows)]
    for start, stop in itertools.pairwise(bounds):
        yield rows[start:stop]


cuts = st.lists(st.integers(0, 60), max_size=8)

SMALL, WIDE = 10**6, 2**62


def trade_rows(greatest: int = SMALL) -> st.SearchStrategy[np.ndarray]:
    """Up to 60 trades whose times also stand still and go back; prices and quantities up to `greatest`."""
    number = st.integers(0, greatest)
    row = st.tuples(st.integers(-40, 60), number, number, st.integers(0, 1))
    return st.lists(row, max_size=60).map(lambda rows: _with_times(rows, 4))


def quote_rows(greatest: int = SMALL) -> st.SearchStrategy[np.ndarray]:
    """Up to 60 quotes; a third of the quantities are 0: an empty side."""
    lots = st.one_of(st.integers(1, greatest), st.integers(1, 3), st.just(0))
    price = st.one_of(st.integers(0, greatest), st.integers(0, 3))
    row = st.tuples(st.integers(-40, 60), st.just(0), price, lots, price, lots)
    return st.lists(row, max_size=60).map(lambda rows: _with_times(rows, 6))


def _with_times(rows: list[tuple[int, ...]], width: int) -> np.ndarray:
    block = np.array(rows, np.int64).reshape(-1, width)
    block[:, 0] = 1000 + np.cumsum(block[:, 0])
    return block
