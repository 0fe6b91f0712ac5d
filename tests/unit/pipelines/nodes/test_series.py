import numpy as np
import pandas as pd
import pytest
from support.frames import BTC, quotes, random_quotes, random_trades, trades

from rtlab.errors import LocalError
from rtlab.pipelines import Frame
from rtlab.pipelines.loop import OwnersLoop
from rtlab.pipelines.nodes.series import times_of
from rtlab.pipelines.stream import root


def begun(channel: str = "trades"):
    return root(channel, channel, OwnersLoop())


def fed(stream, rows: np.ndarray, step: int = 37) -> None:
    for first in range(0, len(rows), step):
        stream._emit(trades(rows[first : first + step], first + 1))


def test_of_bars_only_the_final_ones_count_and_each_once():
    stream, rows = begun(), random_trades(5, 4000)
    bars = stream.bars("1s").keep(1000)
    ema, atr = bars.ema(5).keep(1000), bars.atr(5).keep(1000)
    fed(stream, rows)
    table = bars.to_frame()
    close = table["close"][table["final"]]
    expected = pd.Series([close[:5].mean(), *close[5:]]).ewm(alpha=1 / 3, adjust=False).mean()
    assert ema.to_frame()["ema"].tolist() == pytest.approx(expected.tolist(), rel=1e-12)
    assert ema.to_frame().index.tolist() == close.index[4:].tolist()
    assert len(atr.to_frame()) == len(close) - 4


def test_bands_lie_around_the_middle_at_their_width():
    stream = begun()
    node = stream.bollinger(10, 3.0)
    fed(stream, random_trades(5, 200), 200)
    frame = node.latest_frame
    price = pd.Series(trades(random_trades(5, 200))["price"]).rolling(10)
    assert frame["upper"] == pytest.approx((price.mean() + 3 * price.std(ddof=0))[9:].to_numpy(), rel=1e-9)
    assert frame["middle"] - frame["lower"] == pytest.approx(frame["upper"] - frame["middle"], abs=1e-9)


def test_the_volatility_of_mids_in_windows():
    stream = begun("ticker")
    node = stream.midprice().realized_volatility("1s")
    stream._emit(quotes(random_quotes(6, 500)))
    assert {"ts", "seq", "start", "change", "volatility"} == set(node.latest_frame.columns)
    assert np.isfinite(node.latest_frame["volatility"]).all()


def test_a_column_may_be_named_and_must_be_where_none_is_known():
    stream = begun()
    assert stream.ema(3, "qty").parameters == {"period": 3, "column": "qty"}
    with pytest.raises(LocalError, match="which column"):
        stream.map(lambda frame: frame).ema(3)


def test_a_column_of_texts_is_told(caplog):
    stream = begun()
    node = stream.ema(1, "price")
    stream._emit(Frame("trades", BTC, {"ts": np.array([1]), "price": np.array(["high"])}))
    assert node.errors == 1
    assert "ema cannot fold the column price: expected numbers" in caplog.text


def test_what_has_no_time_is_told():
    with pytest.raises(LocalError, match="no event time"):
        times_of(Frame("x", BTC, {"price": np.array([1.0])}))


def test_rsi_of_trades_stays_within_its_bounds():
    stream = begun()
    node = stream.rsi().keep(10_000)
    fed(stream, random_trades(5, 2000))
    assert node.to_frame()["rsi"].between(0, 100).all()
    assert len(node.to_frame()) == 2000 - 14
