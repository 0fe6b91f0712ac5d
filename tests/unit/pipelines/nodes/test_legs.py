import pytest
from support.every_node import ETH
from support.frames import BTC, quotes, random_quotes, random_trades, trades

from rtlab.errors import ConfigError, LocalError
from rtlab.pipelines.loop import OwnersLoop
from rtlab.pipelines.stream import root


def begun(channel: str = "trades"):
    return root(channel, channel, OwnersLoop())


def test_a_trade_tells_the_quote_that_it_met():
    stream, ticker = begun(), begun("ticker")
    node = stream.asof(ticker)
    stream._emit(trades([(5, 1001, 2, 1)]))
    assert node.latest_frame is None
    ticker._emit(quotes([(4, 1, 1000, 30, 1004, 10), (6, 2, 990, 30, 1004, 10)]))
    frame = node.latest_frame
    assert (frame["price"].tolist(), frame["bid"].tolist(), frame["since"].tolist()) == (
        [100.1],
        [100.0],
        [4],
    )


def test_two_instruments_are_not_joined(caplog):
    stream, ticker = begun(), begun("ticker")
    node = stream.asof(ticker)
    stream._emit(trades(random_trades(1, 3)))
    ticker._emit(quotes(random_quotes(1, 3), ETH))
    assert node.errors == 1
    assert "two instruments cannot be joined: expected BTC-USD, got ETH-USD" in caplog.text


def test_the_spread_between_two_instruments_is_a_basket_without_weights():
    a, b = begun(), begun()
    node = a.basket([b])
    a._emit(trades([(1, 1000, 1, 0), (5, 1010, 1, 0), (9, 1020, 1, 0)]))
    b._emit(trades([(2, 5000, 1, 0), (8, 5000, 1, 0)], instrument=ETH))
    assert node.latest_frame["ts"].tolist() == [2, 5, 8]
    assert node.latest_frame["value"].tolist() == [50.0, 51.0, 51.0]
    assert node.latest_frame.instrument == BTC


def test_correlations_are_named_by_their_pair():
    streams = [begun() for _ in range(3)]
    node = streams[0].correlation(streams[1:], "1s", 10)
    for number, stream in enumerate(streams):
        stream._emit(trades(random_trades(number, 3000)))
    assert set(node.latest_frame.columns) == {"start", "pair_0_1", "pair_0_2", "pair_1_2"}
    assert node.latest_frame.rows > 5


def test_a_stream_is_given_once():
    stream = begun()
    with pytest.raises(LocalError, match="a stream twice"):
        stream.basket([stream])


def test_a_basket_of_nothing_else_is_refused():
    with pytest.raises(ConfigError, match="too few"):
        begun().basket([])


def test_a_frame_that_lacks_a_column_is_told_by_leg(caplog):
    stream, ticker = begun(), begun("ticker")
    node = stream.asof(ticker)
    ticker._emit(trades(random_trades(1, 3)))
    assert node.errors == 1
    assert "asof cannot fold this: expected a frame with ask_lots" in caplog.text
