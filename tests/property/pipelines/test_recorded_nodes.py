"""The nodes on recorded days, frame by frame, row for row against pandas, TA-Lib and talipp on the whole."""

import numpy as np
import pandas as pd
import pytest
import talib
from support.frames import SECOND, quotes, trades
from support.recorded_rows import day
from talipp.indicators import ATR, RSI
from talipp.ohlcv import OHLCV

from rtlab.pipelines.loop import OwnersLoop
from rtlab.pipelines.stream import FrameStream, root

pytestmark = pytest.mark.recorded
STEP = 997
EVERY = 10**6


def begun(channel: str) -> FrameStream:
    return root(channel, channel, OwnersLoop())


def fed(stream: FrameStream, name: str, *nodes: FrameStream) -> list[pd.DataFrame]:
    """Feed a day into a stream; give all rows of the nodes."""
    kept = [node.keep(EVERY) for node in nodes]
    one = day(name)
    rows = one.trades if stream.channel == "trades" else one.quotes
    for first in range(0, len(rows), STEP):
        part = rows[first : first + STEP]
        frame = (
            trades(part, first + 1, one.instrument)
            if stream.channel == "trades"
            else quotes(part, one.instrument)
        )
        stream._emit(frame)
    assert all(node.errors == 0 for node in kept)
    return [node.to_frame() for node in kept]


def exact(ticks: pd.Series, size: object) -> list[float]:
    """The float nearest to the exact decimal of each whole number of steps."""
    return [float(int(tick) * size) for tick in ticks]


def table_of(name: str) -> pd.DataFrame:
    one = day(name)
    table = pd.DataFrame(one.trades, columns=["ts", "ticks", "lots", "side"])
    table["price"] = exact(table.ticks, one.instrument.tick_size)
    return table


@pytest.mark.parametrize("name", ["btc", "eth", "amzn"])
def test_bars_by_activity(name):
    one, table, stream = day(name), table_of(name), begun("trades")
    lots = int(table.lots.sum() // 300)
    notional = int((table.ticks.astype(object) * table.lots).sum() // 300)
    ticks, volume, money = fed(
        stream, name, stream.tick_bars(50), stream.volume_bars(lots), stream.notional_bars(notional)
    )
    amounts = [
        (ticks, pd.Series(1, table.index), 50),
        (volume, table.lots, lots),
        (money, table.ticks * table.lots, notional),
    ]
    for got, amount, size in amounts:
        numbers, number, total = [], 0, 0
        for value in amount.tolist():
            numbers.append(number)
            total += value
            if total >= size:
                number, total = number + 1, 0
        groups = table.groupby(numbers)
        assert len(got) == len(groups) > 100
        for column, values in (("open", "first"), ("high", "max"), ("low", "min"), ("close", "last")):
            assert got[column].tolist() == exact(getattr(groups.ticks, values)(), one.instrument.tick_size)
        assert got["volume"].tolist() == exact(groups.lots.sum(), one.instrument.lot_size)
        assert got["trades"].tolist() == groups.size().tolist()
        assert got.index.asi8.tolist() == groups.ts.first().tolist()


@pytest.mark.parametrize("name", ["btc", "amzn"])
def test_indicators_on_bars_of_a_second(name):
    stream = begun("trades")
    bars = stream.bars("1s")
    nodes = [bars.ema(20), bars.rsi(14), bars.bollinger(20), bars.atr(14), bars.realized_volatility()]
    table, ema, rsi, bands, atr, volatility = fed(stream, name, bars, *nodes)
    table = table[table["final"]]
    close = table["close"].to_numpy()
    assert len(close) > 300
    assert ema["ema"].to_numpy() == pytest.approx(talib.EMA(close, 20)[19:], rel=1e-12)
    assert rsi["rsi"].to_numpy() == pytest.approx(talib.RSI(close, 14)[14:], rel=1e-12)
    talipp_rsi = [value for value in RSI(14, close.tolist()) if value is not None]
    assert rsi["rsi"].to_numpy() == pytest.approx(talipp_rsi, rel=1e-10)
    middle = pd.Series(close).rolling(20)
    assert bands["middle"].to_numpy() == pytest.approx(middle.mean().to_numpy()[19:], rel=1e-12)
    width = middle.apply(lambda w: np.std(w), raw=True).to_numpy()[19:]
    assert bands["upper"].to_numpy() == pytest.approx(bands["middle"].to_numpy() + 2 * width, rel=1e-12)
    rows = [OHLCV(0, h, low, c) for h, low, c in table[["high", "low", "close"]].itertuples(index=False)]
    assert atr["atr"].to_numpy() == pytest.approx(
        [one for one in ATR(14, rows) if one is not None], rel=1e-12
    )
    squares = (np.log(pd.Series(close)).diff().fillna(0) ** 2).cumsum()
    assert volatility["volatility"].to_numpy() == pytest.approx(np.sqrt(squares).to_numpy(), rel=1e-12)


@pytest.mark.parametrize("name", ["btc", "eth", "amzn"])
def test_averages_and_signs_at_each_trade(name):
    one, table, stream = day(name), table_of(name), begun("trades")
    twap, volatility, sign, tick, odd = fed(
        stream,
        name,
        stream.twap(),
        stream.realized_volatility(),
        stream.trade_sign(),
        stream.trade_sign("tick"),
        stream.anomalies(4.0, 100),
    )
    held = table.ts.cummax().diff().fillna(0).astype("int64")
    area = np.cumsum((table.ticks.shift(fill_value=0) * held).to_numpy().astype(object))
    elapsed = held.cumsum()
    expected = [float(a) / e if e else float(t) for a, e, t in zip(area, elapsed, table.ticks, strict=True)]
    assert twap["twap"].to_numpy() == pytest.approx(
        np.array(expected) * float(one.instrument.tick_size), rel=1e-12
    )
    assert twap["elapsed"].tolist() == elapsed.tolist()
    squares = (np.log(table.price).diff().fillna(0) ** 2).cumsum()
    assert volatility["volatility"].to_numpy() == pytest.approx(
        np.sqrt(squares).to_numpy(), rel=1e-12, abs=1e-15
    )
    assert sign["sign"].tolist() == (1 - 2 * table.side).tolist()
    change = np.sign(table.ticks.diff())
    assert tick["sign"].tolist() == change.where(change != 0).ffill().fillna(0).tolist()
    before = table.price.rolling(100)
    mean = before.mean().shift(1)
    deviation = before.apply(lambda w: np.std(w), raw=True).shift(1)
    far = (table.price - mean).abs()
    clear = (far - 4 * deviation).abs() > 1e-6 * (
        1 + deviation
    )  # pandas' running mean is not exact to the last bit
    marked = pd.Series(np.isin(table.index + 1, odd["seq"]), table.index)
    assert (marked == ((far >= 4 * deviation) & (far > 0)))[clear & mean.notna()].all()
    assert marked.sum() > 2


@pytest.mark.parametrize("name", ["btc", "amzn"])
def test_what_quotes_tell(name):
    one, stream = day(name), begun("ticker")
    mid, micro, pressure, stale = fed(
        stream, name, stream.midprice(), stream.microprice(), stream.book_pressure(), stream.stale("1s")
    )
    q = pd.DataFrame(one.quotes, columns=["ts", "seq", "bid", "bid_lots", "ask", "ask_lots"])
    size = one.instrument.tick_size
    assert ((q.bid_lots > 0) & (q.ask_lots > 0)).all()
    assert mid["mid"].tolist() == [float(int(both) * size / 2) for both in q.bid + q.ask]
    weight = q.bid_lots + q.ask_lots
    expected = (q.bid * q.ask_lots + q.ask * q.bid_lots) / weight * float(size)
    assert micro["microprice"].to_numpy() == pytest.approx(expected.to_numpy(), rel=1e-12)
    assert pressure["pressure"].tolist() == ((q.bid_lots - q.ask_lots) / weight).tolist()
    before = q.ts.cummax().shift(fill_value=q.ts.iloc[0])
    assert [one.value for one in stale.index if len(stale)] == q.ts[q.ts - before > SECOND].tolist()


@pytest.mark.parametrize("name", ["btc", "amzn"])
def test_each_trade_meets_its_quote(name):
    one, stream, ticker = day(name), begun("trades"), begun("ticker")
    joined = stream.asof(ticker)
    signed = joined.trade_sign("quote").keep(EVERY)
    (table,) = fed(stream, name, joined)
    (table,) = fed(ticker, name, joined)
    left = pd.DataFrame(one.trades, columns=["ts", "ticks", "lots", "side"])
    left["seq"] = np.arange(1, len(left) + 1)
    left = left[left.ts >= left.ts.cummax()]
    right = pd.DataFrame(one.quotes, columns=["ts", "number", "bid", "bid_lots", "ask", "ask_lots"])
    right = right[right.ts >= right.ts.cummax()]
    expected = pd.merge_asof(left, right, on="ts")
    expected = expected[expected.ts < min(left.ts.max(), right.ts.max())]
    got = table[table.index.asi8 < min(left.ts.max(), right.ts.max())]
    assert len(got) > 2000
    for column, name_there in (("seq", "seq"), ("bid_ticks", "bid"), ("ask_lots", "ask_lots")):
        assert got[column].tolist() == expected[name_there].fillna(0).astype("int64").tolist()
    truth = (1 - 2 * got["side"]).to_numpy()
    agree = (signed.to_frame()["sign"].to_numpy()[: len(truth)] == truth).mean()
    assert agree > 0.7  # Lee and Ready found 0.9 on quotes of their day; feeds whose clocks differ do worse


def test_two_instruments_together():
    a, b = begun("trades"), begun("trades")
    basket, correlation = a.basket([b], [1.0, -20.0]), a.correlation([b], "1s", 30)
    basket.keep(EVERY)
    correlation.keep(EVERY)
    fed(a, "btc", basket)
    value, corr = fed(b, "eth", basket, correlation)
    series = []
    for name in ("btc", "eth"):
        table = table_of(name)
        table = table[table.ts >= table.ts.cummax()]
        series.append(table.set_index("ts").price)
    merged = pd.concat([one.rename(str(n)).reset_index().assign(leg=n) for n, one in enumerate(series)])
    merged = merged.sort_values(["ts", "leg"], kind="stable").ffill().dropna()
    end = min(one.index.max() for one in series)
    expected = (merged["0"] - 20 * merged["1"])[merged.ts < end]
    got = value[value.index.asi8 < end]
    assert got["value"].to_numpy() == pytest.approx(expected.to_numpy(), rel=1e-12, abs=1e-9)
    steps = (
        pd.concat([one.groupby(one.index // SECOND * SECOND).last() for one in series], axis=1)
        .sort_index()
        .ffill()
    )
    returns = np.log(steps.dropna()).diff().dropna()
    rolled = [np.corrcoef(returns.iloc[n : n + 30].T)[0, 1] for n in range(len(returns) - 29)]
    starts = returns.index[29:].tolist()
    assert corr.index.asi8.tolist() == starts[: len(corr)]
    assert len(corr) > 200
    assert corr["pair_0_1"].to_numpy() == pytest.approx(rolled[: len(corr)], rel=1e-11, abs=1e-12)
