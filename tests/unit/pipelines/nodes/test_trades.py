import pandas as pd
import pytest
from support.frames import quotes, random_quotes, random_trades, trades

from rtlab.errors import ConfigError, LocalError
from rtlab.pipelines.loop import OwnersLoop
from rtlab.pipelines.stream import root


def begun(channel: str = "trades"):
    return root(channel, channel, OwnersLoop())


def test_tick_bars_are_a_table_by_number_and_tell_their_end():
    stream, rows = begun(), random_trades(2, 20)
    node = stream.tick_bars(6)
    for first in range(0, 20, 7):
        stream._emit(trades(rows[first : first + 7], first + 1))
    table = node.to_frame()
    assert node.latest_frame.key == "number"
    assert table["number"].tolist() == [0, 1, 2, 3]
    assert table["trades"].tolist() == [6, 6, 6, 2]
    assert table["final"].tolist() == [True, True, True, False]
    assert table["end"].astype("int64").tolist() == [rows[n, 0] for n in (5, 11, 17, 19)]


def test_volume_and_notional_bars_are_named_by_what_they_count():
    stream, rows = begun(), random_trades(2, 200)
    volume, notional = stream.volume_bars(10_000), stream.notional_bars(10**10)
    stream._emit(trades(rows))
    lots = pd.Series(volume.latest_frame["volume"]) / 0.001
    assert (lots[:-1] >= 10_000 - 1e-6).all()
    assert (notional.latest_frame["notional"][:-1] >= 10**10 * 0.0001 - 1e-6).all()


def test_twap_is_in_units_of_price():
    stream = begun()
    node = stream.twap()
    stream._emit(trades([(0, 1000, 1, 0), (10, 1010, 1, 0)]))
    assert node.latest_frame["twap"].tolist() == [100.0, 100.0]
    assert node.latest_frame["elapsed"].tolist() == [0, 10]


def test_the_aggressor_of_the_venue_is_the_sign():
    stream = begun()
    node = stream.trade_sign()
    stream._emit(trades([(0, 1000, 7, 0), (1, 1000, 9, 1)]))
    assert node.latest_frame["sign"].tolist() == [1, -1]
    assert node.latest_frame["signed_qty"].tolist() == [0.007, -0.009]


def test_trades_that_met_quotes_are_signed_by_them():
    stream, ticker, rows = begun(), begun("ticker"), random_quotes(3, 200, empty=0)
    joined = stream.asof(ticker)
    node = joined.trade_sign("quote")
    ticker._emit(quotes(rows))
    t = random_trades(4, 150)
    t[:, 0] = rows[:150, 0] + 1
    t[:75, 1], t[75:, 1] = rows[:75, 4], rows[75:150, 2]  # at the ask, at the bid
    stream._emit(trades(t))
    assert node.errors == joined.errors == 0
    assert node.latest_frame["sign"].tolist() == [1] * 75 + [-1] * 75


def test_an_unknown_rule_is_refused():
    with pytest.raises(ConfigError, match="aggressor or tick or quote"):
        begun().trade_sign("feeling")


def test_quotes_are_no_trades():
    for name, argument in (("tick_bars", 5), ("twap", None), ("trade_sign", "tick")):
        with pytest.raises(LocalError, match=f"{name} cannot fold this stream"):
            getattr(begun("ticker"), name)(argument)
