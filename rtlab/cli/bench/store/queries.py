"""Questions to a long history, warm; and how long the embedded server takes to start."""

import time
from decimal import Decimal
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from rtlab.cli.bench.store.recording import folder
from rtlab.embedded import EmbeddedServer
from rtlab.model import Instrument
from rtlab.store import Store
from rtlab.store.cold.columns import BOOK, TRADES, Stand
from rtlab.store.cold.place import LocalPlace
from rtlab.store.cold.schema import TAIL_SCHEMA, Levels
from rtlab.store.cold.writer import ColdWriter

RUNS = 10
INSTRUMENTS = tuple(Instrument(f"SYM-{number}", Decimal("0.01"), Decimal("0.001")) for number in range(3))
_PIECE = 1_000_000
_BEGIN_NS = 1_700_000_000_000_000_000

QUERIES = {
    "one-second OHLCV of one instrument": """
        SELECT ts // 1000000000 AS second, arg_min(price, seq) AS open, max(price) AS high, min(price) AS low,
               arg_max(price, seq) AS close, sum(qty) AS volume
        FROM trades WHERE instrument = 'SYM-1' GROUP BY second ORDER BY second""",
    "count": "SELECT count(*) FROM book WHERE instrument = 'SYM-1'",
    "as-of join of trades with the book": """
        SELECT count(*), sum(b.price - t.price)
        FROM (SELECT step, price FROM trades WHERE instrument = 'SYM-1') t
        ASOF JOIN (SELECT step, price FROM book WHERE instrument = 'SYM-1') b ON t.step >= b.step""",
}


class Asked(NamedTuple):
    """How long each question took (ms), over how much."""

    case: str
    took: dict[str, list[float]]


def ask(rows: int) -> Asked:
    """Keep `rows` rows of three instruments, a quarter of them trades; ask each question ten times, warm."""
    with folder() as path:
        each = rows // len(INSTRUMENTS)
        for instrument in INSTRUMENTS:
            with ColdWriter(LocalPlace(path), path, instrument) as writer:
                _fill(writer, each)
        with Store(path) as store:
            store.compact()
            took = {name: _times(store, query) for name, query in QUERIES.items()}
        return Asked(f"{rows:,} rows, {each // 4:,} trades of it", took)


def _fill(writer: ColdWriter, rows: int) -> None:
    rng = np.random.default_rng(1)
    writer.begin(Stand(1, ts=_BEGIN_NS), Levels.empty(), "start")
    piece = min(_PIECE, rows)
    for _ in range(rows // piece):
        stand = writer.stand
        is_trade = rng.random(piece) < 0.25
        is_trade[::4], is_trade[1::4], is_trade[2::4], is_trade[3::4] = True, False, False, False
        made = int(is_trade.sum())
        order = np.argsort(is_trade, kind="stable")
        steps = stand.position + 1 + np.arange(piece)
        ts = stand.ts + np.cumsum(rng.integers(1, 2_000_000, piece))
        seqs = np.concatenate([stand.book + 1 + np.arange(piece - made), stand.trades + 1 + np.arange(made)])
        channel = np.repeat(np.array([BOOK, TRADES], np.int8), [piece - made, made])
        price = 1_000_000 + np.cumsum(rng.integers(-2, 3, piece))
        columns = (channel, np.full(piece, stand.epoch), seqs, steps[order], ts[order])
        more = (rng.integers(0, 2, piece).astype(np.int8), price[order], rng.geometric(0.01, piece))
        after = Stand(1, stand.position + piece, stand.book + piece - made, stand.trades + made, int(ts[-1]))
        batch = pa.RecordBatch.from_arrays([pa.array(one) for one in (*columns, *more)], schema=TAIL_SCHEMA)
        writer.append(batch, after)
        writer.levels = None  # the books of random rows are no books
        writer.roll()


def _times(store: Store, query: str) -> list[float]:
    store.sql(query)
    took = []
    for _ in range(RUNS):
        began = time.perf_counter()
        store.sql(query)
        took.append(1e3 * (time.perf_counter() - began))
    return took


def start_times(runs: int) -> list[float]:
    """Give how long the embedded server takes from `start` to its first answer, in ms."""
    took = []
    with folder() as path:
        for _ in range(runs):
            began = time.perf_counter()
            with EmbeddedServer(path / "hot"):
                took.append(1e3 * (time.perf_counter() - began))
    return took
