"""A recorded day through a whole graph with all its ends: files, bus, dataframe, picture, checkpoint."""

import asyncio

import duckdb
import numpy as np
import pandas as pd
import pytest
from support.frames import SECOND
from support.recorded_rows import day

import rtlab.views.streams  # noqa: F401  gives streams their `to_source`
from rtlab.bus import connect
from rtlab.pipelines import FrameSource, Graph, frame_topic, read_frames, trade_frame

pytestmark = pytest.mark.recorded


async def played(source: FrameSource, rows: np.ndarray, step: int = 200) -> None:
    """Give a source its rows as fast as its graph takes them."""
    for first in range(0, len(rows), step):
        source.on_trades(rows[first : first + step], first + 1)
        source.flush()
        await asyncio.sleep(0)


@pytest.mark.parametrize("name", ["btc", "amzn"])
async def test_what_a_day_leaves_behind(name, tmp_path):
    one, topic, got = day(name), frame_topic("odd", shards=1), []
    async with connect() as bus, FrameSource(one.instrument, "trades", hz=1000, limit=5000) as source:

        @bus.consume(topic)
        async def take(event) -> None:
            got.append(event.body.values["seq"])

        bars = source.stream.bars("1s").keep(100_000)
        odd = source.stream.anomalies(4.0, 100).keep(100_000)
        vwap = source.stream.vwap("1m").keep(100_000)
        shown = vwap.to_source(rollover=300)
        stored, published = bars.to_store(tmp_path), odd.to_bus(bus, topic)
        await played(source, one.trades)
        await published.drained()
        async with asyncio.timeout(20):
            while len(got) < published.published:
                await asyncio.sleep(0.01)
        table, events, averages = bars.to_frame(), odd.to_frame(), vwap.to_frame()
        assert source.statistics().errors == 0
        assert source.statistics().rows == len(one.trades)
        stored.flush()
    final = table[table["final"]]
    assert got == events["seq"].tolist()
    assert len(got) > 1
    assert read_frames(tmp_path, "bars", one.instrument.symbol).num_rows == len(final)
    where = tmp_path / "bars" / one.instrument.symbol / "*.parquet"
    asked = duckdb.sql(f"select max(high), min(low), sum(trades)::bigint from '{where}'").limit(1).fetchall()
    assert asked == [(final["high"].max(), final["low"].min(), int(final["trades"].sum()))]
    assert np.asarray(shown.data["vwap"]).tolist() == averages["vwap"].tolist()[-300:]


@pytest.mark.parametrize("name", ["btc", "eth", "amzn"])
def test_history_and_live_are_one(name):
    """The bars of a day as a graph folds them in big batches, and as a live source does, frame by frame."""
    one = day(name)

    def analytics(stream):
        return {"bars": stream.bars("5s"), "vwap": stream.vwap("5s"), "flow": stream.trade_sign()}

    with Graph(analytics).begin(one.instrument) as history, FrameSource(one.instrument, "trades") as live:
        seen = {key: stream.keep(100_000) for key, stream in analytics(live.stream).items()}
        for stream in history.outputs.values():
            stream.keep(100_000)
        history.push(trade_frame(one.instrument, np.arange(1, len(one.trades) + 1), one.trades))
        for first in range(0, len(one.trades), 77):
            live.on_trades(one.trades[first : first + 77], first + 1)
            live.flush()
        for key, stream in history.outputs.items():
            pd.testing.assert_frame_equal(stream.to_frame(), seen[key].to_frame())


@pytest.mark.parametrize("name", ["btc", "amzn"])
def test_order_flow_of_a_second_explains_its_change_of_price(name):
    """Cont, Kukanov and Stoikov's finding, on days that they never saw: imbalance and change go together."""
    one = day(name)
    quotes = pd.DataFrame(one.quotes, columns=["ts", "seq", "bid", "bid_lots", "ask", "ask_lots"])
    with FrameSource(one.instrument, "ticker", limit=200_000) as source:
        flow = source.stream.order_flow_imbalance("10s").keep(200_000)
        mid = source.stream.midprice().keep(200_000)
        for row in one.quotes[:40_000].tolist():
            source.on_quote(*row)
        source.flush()
        imbalance, prices = flow.to_frame(), mid.to_frame()["mid"]
    starts = imbalance["start"].astype("int64")
    last = imbalance.groupby(starts)["imbalance"].last()
    close = prices.groupby(prices.index.astype("int64") // (10 * SECOND) * (10 * SECOND)).last()
    change = close.diff()
    both = pd.concat([last, change], axis=1, join="inner").dropna()
    assert len(both) > 10
    assert both["imbalance"].corr(both["mid"]) > 0.3
    assert len(quotes) >= 40_000
