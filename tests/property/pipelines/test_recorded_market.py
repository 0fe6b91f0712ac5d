"""The nodes on recorded market data, frame by frame, against pandas on the whole."""

import numpy as np
import pandas as pd
import pytest
from support.frames import SECOND
from support.recorded import recorded

from rtlab.model import Quote, VenueTrade
from rtlab.pipelines import FrameSource
from rtlab.sources import Binance

FILES = ["binance/usdm_btcusdt_20240808.gz", "binance/spot_ethusdt_20240808.gz"]


@pytest.mark.recorded
@pytest.mark.parametrize("name", FILES)
def test_nodes_on_a_recorded_market_equal_pandas(name):
    recording = Binance(recorded(name))
    trades: list[tuple[int, int, int, int]] = []
    quotes: list[tuple[int, int, int, int, int, int]] = []
    with (
        FrameSource(recording.instrument, "trades", limit=97) as source,
        FrameSource(recording.instrument, "ticker", limit=97) as ticker,
    ):
        bars = source.stream.bars("1s").keep(10_000)
        vwap = source.stream.vwap().keep(100_000)
        flow = ticker.stream.order_flow_imbalance().keep(100_000)
        spread = ticker.stream.spread().keep(100_000)
        for message in recording:
            if isinstance(message, VenueTrade):
                row = (message.ts_event, message.price, message.qty, message.aggressor_side)
                trades.append(row)
                source.on_trades([row], len(trades))
            elif isinstance(message, Quote):
                sides = (message.bid, message.bid_qty, message.ask, message.ask_qty)
                quotes.append((message.ts_event or message.ts_recv, len(quotes) + 1, *sides))
                ticker.on_quote(*quotes[-1])
        source.flush()
        ticker.flush()
        assert source.statistics().errors == ticker.statistics().errors == 0
        assert source.statistics().rows == len(trades) > 1000
        check_trades(trades, recording, bars.to_frame(), vwap.to_frame(), bars.left_out)
        check_quotes(quotes, flow.to_frame(), spread.to_frame(), recording)


def check_trades(rows, recording, bars, vwap, late: int) -> None:
    table = pd.DataFrame(rows, columns=["ts", "ticks", "lots", "side"])
    notional = (table.ticks * table.lots).cumsum() / table.lots.cumsum()
    expected = notional.to_numpy() * float(recording.instrument.tick_size)
    assert vwap["vwap"].to_numpy() == pytest.approx(expected, rel=1e-14)
    start = table.ts // SECOND * SECOND
    in_time = start >= start.cummax()
    assert late == (~in_time).sum()
    by = table[in_time].groupby(start[in_time])
    assert bars.index.asi8.tolist() == list(by.groups)
    assert bars["trades"].tolist() == by.size().tolist()
    for column, ticks in (("open", by.ticks.first()), ("high", by.ticks.max()), ("close", by.ticks.last())):
        assert bars[column].tolist() == [float(recording.instrument.price(tick)) for tick in ticks]
    assert bars["volume"].tolist() == [float(recording.instrument.quantity(lots)) for lots in by.lots.sum()]


def check_quotes(rows, flow, spread, recording) -> None:
    table = pd.DataFrame(rows, columns=["ts", "seq", "bid", "bid_qty", "ask", "ask_qty"])
    old = table.shift()
    change = (
        table.bid_qty * (table.bid >= old.bid)
        - old.bid_qty * (table.bid <= old.bid)
        - table.ask_qty * (table.ask <= old.ask)
        + old.ask_qty * (table.ask >= old.ask)
    ).fillna(0)
    change.iloc[0] = 0
    lots = change.cumsum().astype(np.int64)
    assert flow["imbalance"].tolist() == [float(recording.instrument.quantity(total)) for total in lots]
    assert spread["ticks"].tolist() == (table.ask - table.bid).tolist()
