import gc
from collections.abc import Iterator

import numpy as np
import pytest
from support.flowing import Quotes, Trades, sinks
from support.looker import looking_at
from support.random_market import BTC

import rtlab.views.streams  # noqa: F401  # gives streams their pictures
from rtlab.errors import ConfigError
from rtlab.views.candles import Candles
from rtlab.views.layered import LayeredPlot
from rtlab.views.pictures import recent
from rtlab.views.price import PriceChart
from rtlab.views.streams import LINES


@pytest.fixture
def trades() -> Iterator[Trades]:
    made = Trades()
    yield made
    made.source.close()


@pytest.fixture
def quotes() -> Iterator[Quotes]:
    made = Quotes()
    yield made
    made.source.close()


def test_trades_are_drawn_as_prices(trades: Trades) -> None:
    plot = trades.stream.plot()
    trades.come(30)
    assert isinstance(plot.view, PriceChart)
    assert len(plot.view.prices) == 30


def test_bars_are_drawn_as_candles_of_their_interval(trades: Trades) -> None:
    plot = trades.stream.bars("5s").plot()
    for _ in range(20):
        trades.come()
    assert isinstance(plot.view, Candles)
    assert plot.view.interval_ns == 5_000_000_000
    newest = {row[0] - row[0] % 5_000_000_000 for row in trades.market.bars.values()}
    assert set(plot.view.bars.rows()[:, 0].tolist()) == newest


def test_candles_hold_what_the_bars_say(trades: Trades) -> None:
    plot = trades.stream.bars("1s").plot()
    for _ in range(20):
        trades.come(7)
    expected = Candles(BTC, 10**9)
    expected.update(trades.market.newest_bars(1_000))
    assert np.array_equal(plot.view.bars.rows(), expected.bars.rows())


@pytest.mark.parametrize("analytic", ["vwap", "spread", "microprice", "order_flow_imbalance"])
def test_analytics_are_drawn_as_a_line_of_their_column(trades: Trades, quotes: Quotes, analytic: str) -> None:
    fed = trades if analytic == "vwap" else quotes
    node = getattr(fed.stream, analytic)()
    plot = node.plot()
    if analytic == "vwap":
        trades.come(50)
    else:
        quotes.come((100, 1, 103, 2), (101, 1, 103, 2), (101, 5, 104, 2))
    assert isinstance(plot.view, LayeredPlot)
    rows = node.to_frame()
    column = rows[LINES[analytic]].to_numpy()
    assert plot.view.pyramid.y.tolist() == column[np.isfinite(column)].tolist()


def test_quotes_are_drawn_as_their_mid_where_both_sides_are(quotes: Quotes) -> None:
    plot = quotes.stream.plot()
    quotes.come((100, 1, 102, 1), (None, 0, 102, 1), (104, 1, 106, 1))
    assert plot.view.pyramid.y.tolist() == [10.1, 10.5]
    assert plot.view.pyramid.x.tolist() == [1_000.0, 3_000.0]


def test_a_quote_that_comes_late_is_drawn_at_the_newest_time(quotes: Quotes) -> None:
    plot = quotes.stream.plot()
    quotes.come((100, 1, 102, 1), (100, 1, 104, 1))
    quotes.source.on_quote(5, 3, 100, 1, 106, 1)
    quotes.source.flush()
    assert plot.view.pyramid.x.tolist() == [1_000.0, 2_000.0, 2_000.0]


def test_a_plot_begins_with_the_latest_rows_of_its_stream(trades: Trades) -> None:
    trades.come(40)
    trades.come(5)
    assert len(trades.stream.plot().view.prices) == 45


def test_candles_begin_with_the_latest_bars_of_their_stream(trades: Trades) -> None:
    bars = trades.stream.bars("1s")
    for _ in range(10):
        trades.come()
    plot = bars.plot()
    assert set(plot.view.bars.rows()[:, 0].tolist()) == set(trades.market.bars)


def test_recent_rows_are_what_the_stream_keeps(trades: Trades) -> None:
    assert recent(trades.stream) is None
    trades.come(3)
    trades.come(4)
    frame = recent(trades.stream)
    assert frame.rows == 7
    assert frame["seq"].tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert frame["ts"].dtype == np.int64
    assert frame["ts"][-1] == trades.market.now


def test_before_the_first_frame_the_plot_says_that_it_waits(trades: Trades) -> None:
    plot = trades.stream.plot()
    assert plot.view is None
    assert repr(plot) == "StreamPlot(waiting for its first frame)"
    assert "Waiting for trades" in plot.__panel__()[0].object


def test_the_first_frame_takes_the_place_of_the_waiting(trades: Trades) -> None:
    plot = trades.stream.plot()
    with looking_at(plot):
        trades.come()
        assert len(plot._place) == 1
        assert "PriceChart" in repr(plot)


@pytest.mark.parametrize("channel", ["odd", "alerts"])
def test_a_stream_without_a_picture_is_refused_at_once(trades: Trades, channel: str) -> None:
    trades.stream.channel = channel
    with pytest.raises(ConfigError, match="trades, bars, vwap"):
        trades.stream.plot()
    assert sinks(trades.stream) == 0


def test_an_unknown_theme_is_refused(trades: Trades) -> None:
    with pytest.raises(ConfigError, match="theme"):
        trades.stream.plot(theme="blue")


def test_theme_and_height_reach_the_picture(trades: Trades) -> None:
    trades.come()
    plot = trades.stream.plot(theme="dark", height=222)
    assert plot.view.theme == "dark"
    candles = trades.stream.bars("1s").plot(height=222)
    trades.come()
    assert candles.view.visual.height == 222


def test_a_closed_plot_leaves_the_stream(trades: Trades) -> None:
    plot = trades.stream.plot()
    assert sinks(trades.stream) == 1
    plot.close()
    plot.close()
    assert sinks(trades.stream) == 0
    assert not plot.fed
    trades.come()
    assert plot.view is None


def test_a_plot_that_nobody_holds_leaves_the_stream_at_the_next_frame(trades: Trades) -> None:
    trades.stream.plot()
    gc.collect()
    trades.come()
    assert sinks(trades.stream) == 0


def test_a_plot_whose_page_was_closed_leaves_the_stream_at_the_next_frame(trades: Trades) -> None:
    plot = trades.stream.plot()
    with looking_at(plot):
        trades.come()
        trades.come()
        assert plot.fed
    trades.come()
    assert not plot.fed
    assert sinks(trades.stream) == 0


def test_a_plot_that_is_shown_again_goes_on(trades: Trades) -> None:
    plot = trades.stream.plot()
    with looking_at(plot):
        trades.come()
        trades.come()
    trades.come()
    with looking_at(plot):
        before = len(plot.view.prices)
        trades.come(9)
        assert len(plot.view.prices) == before + 9
        assert plot.fed


def test_other_sinks_of_the_stream_stay(trades: Trades) -> None:
    seen: list[int] = []
    trades.stream.sink(lambda frame: seen.append(frame.rows))
    trades.stream.plot().close()
    trades.come(8)
    assert seen == [8]


def test_every_node_of_a_graph_can_be_plotted(trades: Trades) -> None:
    plot = trades.stream.filter(lambda frame: frame.rows > 5).plot()
    trades.come(3)
    assert plot.view is None
    trades.come(6)
    assert len(plot.view.prices) == 6


def test_a_tab_waits_as_the_plot_does_and_then_shows_the_same(trades: Trades) -> None:
    plot = trades.stream.plot()
    early = plot._for_a_tab()
    assert early.view is None
    trades.come(30)
    late = plot._for_a_tab()
    trades.come(5)
    assert early.view is not late.view
    assert early.view.prices is late.view.prices is plot.view.prices
    assert len(plot.view.prices) == 35
    plot.close()
    plot._for_a_tab()
    assert plot.fed
