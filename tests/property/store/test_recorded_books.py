"""The venue itself judges: the stored book at an update must show the quote of the same update."""

import asyncio
import os
from typing import NamedTuple

import numpy as np
import pytest
from support.recorded import recorded

from rtlab.book import Market
from rtlab.model import DepthSnapshot, DepthUpdate, Quote, VenueTrade
from rtlab.sources import Binance
from rtlab.store import Store
from rtlab.store.cold.columns import Stand, StepRows
from rtlab.store.cold.place import LocalPlace
from rtlab.store.cold.schema import Levels
from rtlab.store.cold.writer import ColdWriter

EVERY = 1 if "RTLAB_ROUNDS" in os.environ else 3

pytestmark = pytest.mark.recorded


class Point(NamedTuple):
    seq: int
    ts: int
    bid: tuple[int, int]
    ask: tuple[int, int]


def keep(folder, source) -> list[Point]:
    """Record the messages, a file for each tenth of them; give the points at which a quote may judge."""
    market, reached, quotes = Market(source.instruments, 1), {}, {}
    with ColdWriter(LocalPlace(folder), folder, source.instrument) as writer:
        writer.begin(Stand(1), Levels.empty(), "start")
        rows = StepRows(Stand(1))
        market.on_step = lambda state, step: rows.add(step)
        for number, message in enumerate(source):
            if isinstance(message, DepthUpdate | DepthSnapshot):
                for last_id, seq in market.apply_depth(message.instrument, message):
                    reached[last_id] = (seq, market.book(message.instrument).ts)
            elif isinstance(message, VenueTrade):
                market.apply_trade(message)
            elif isinstance(message, Quote):
                quotes[message.update_id] = message
            if number % 9_000 == 8_999:
                writer.append(rows.take(), rows.stand)
                writer.roll()
        writer.append(rows.take(), rows.stand)
    return [
        Point(*reached[one], (quotes[one].bid, quotes[one].bid_qty), (quotes[one].ask, quotes[one].ask_qty))
        for one in sorted(reached.keys() & quotes.keys())
    ]


@pytest.mark.parametrize(
    ("file", "points"),
    [
        ("usdm_btcusdt_20240808.gz", 629),
        pytest.param("spot_ethusdt_20240808.gz", 577, marks=pytest.mark.long),
    ],
)
async def test_the_stored_book_shows_every_quote_of_its_venue(tmp_path, file, points):
    source = Binance(recorded(f"binance/{file}"))
    judged = await asyncio.to_thread(keep, tmp_path, source)
    assert len(judged) == points
    times = np.array([one.ts for one in judged])
    with Store(tmp_path) as store:
        assert len(store.manifest(source.symbol).of("book")) > 2
        for point in judged[::EVERY]:
            book = store.book(source.symbol, at=(1, point.seq))
            assert (book.bids[0], book.asks[0]) == (point.bid, point.ask)
        ts = store.read("book", source.symbol, columns=["ts", "seq"])
        seqs = dict(zip(ts.column("ts").to_pylist(), ts.column("seq").to_pylist(), strict=True))
        last_of_its_time = [one for one in judged if seqs[one.ts] == one.seq]
        assert len(last_of_its_time) > 0.5 * len(times)
        for point in last_of_its_time[:: 5 * EVERY]:
            book = store.book(source.symbol, at=point.ts)
            assert (book.seq, book.bids[0], book.asks[0]) == (point.seq, point.bid, point.ask)
