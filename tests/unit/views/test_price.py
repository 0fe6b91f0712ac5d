import threading

import numpy as np
import pytest
from support.looker import looking_at
from support.random_market import BTC, NOON, RandomMarket

from rtlab.errors import ConfigError
from rtlab.model import Instrument
from rtlab.pipelines import Frame
from rtlab.views.price import MOST_MARKERS, PriceChart, Prices, markers
from rtlab.views.theme import DARK

MS = 1_000_000


def trades(*rows: tuple[int, int, int]) -> dict[str, list[int]]:
    return {name: [row[i] for row in rows] for i, name in enumerate(("ts", "ticks", "side"))}


def test_points_are_milliseconds_and_prices_in_units() -> None:
    prices = Prices(BTC)
    prices.append(trades((NOON, 612_345, 0), (NOON + 5 * MS, 612_346, 1)))
    assert prices.pyramid.x.tolist() == [NOON / 1e6, NOON / 1e6 + 5]
    assert prices.pyramid.y.tolist() == [61234.5, 61234.6]
    assert prices.sides(0, 2).tolist() == [0, 1]


def test_a_frame_is_taken_as_it_is() -> None:
    columns = {name: np.array(column) for name, column in RandomMarket().trades(30).items()}
    prices = Prices(BTC)
    prices.append(Frame("trades", BTC, columns))
    assert len(prices) == 30


def test_sides_stay_with_their_trades_however_many_come() -> None:
    market, prices = RandomMarket(), Prices(BTC)
    told: list[int] = []
    for count in (1, 5_000, 0, 3, 9_000):
        columns = market.trades(count)
        told += columns["side"]
        prices.append(columns)
    assert prices.sides(0, len(prices)).tolist() == told


def test_a_late_trade_is_drawn_at_the_time_of_the_newest() -> None:
    prices = Prices(BTC)
    prices.append(trades((NOON, 1, 0), (NOON - 3 * MS, 2, 0), (NOON + MS, 3, 0)))
    prices.append(trades((NOON - 9 * MS, 4, 0)))
    assert (prices.pyramid.x - NOON / 1e6).tolist() == [0, 0, 1, 1]
    assert len(prices) == 4


def test_no_trades_change_nothing() -> None:
    prices = Prices(BTC)
    prices.append(trades())
    assert len(prices) == 0
    assert repr(prices) == "Prices(BTC-USD, trades=0)"


def test_two_threads_that_append_lose_no_trade_and_mix_no_side() -> None:
    prices = Prices(BTC)

    def append(side: int) -> None:
        for i in range(300):
            prices.append(trades((NOON + i * MS, 1_000 + side, side)))

    threads = [threading.Thread(target=append, args=(side,)) for side in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(prices) == 600
    assert prices.sides(0, 600).tolist() == [round(10 * y) - 1_000 for y in prices.pyramid.y.tolist()]


@pytest.mark.parametrize("count", [0, 1, 400, 1_000, 5_000])
def test_the_newest_go_on_as_if_the_older_had_never_been(count: int) -> None:
    market, prices = RandomMarket(), Prices(BTC)
    first, more = market.trades(1_000), market.trades(300)
    prices.append(first)
    newest, expected = prices.newest(count), Prices(BTC)
    expected.append({name: column[max(0, 1_000 - count) :] for name, column in first.items()})
    for one in (newest, expected):
        one.append(more)
    assert newest.pyramid.x.tolist() == expected.pyramid.x.tolist()
    assert newest.pyramid.y.tolist() == expected.pyramid.y.tolist()
    assert newest.sides(0, len(newest)).tolist() == expected.sides(0, len(expected)).tolist()
    assert len(prices) == 1_000


def test_the_volume_at_price_counts_trades_that_tell_their_lots_and_goes_on_with_the_newest() -> None:
    market, prices = RandomMarket(), Prices(BTC)
    prices.append(trades((NOON, 1, 0)))
    assert prices.volume.session.trades == 0
    columns = market.trades(40)
    prices.append(columns)
    newest = prices.newest(5)
    newest.append(market.trades(2))
    assert newest.volume.session.trades == 42
    assert prices.volume.session.rows(400).lots.sum() > sum(columns["lots"])


def test_each_trade_of_a_narrow_window_has_a_marker_of_its_side() -> None:
    prices = Prices(BTC)
    prices.append(trades((NOON, 1, 0), (NOON + MS, 2, 1), (NOON + 2 * MS, 3, 0)))
    seen = markers(prices, NOON / 1e6 + 1, NOON / 1e6 + 10)
    assert [(m.x - NOON / 1e6, m.y, m.shape, m.colour) for m in seen] == [
        (1.0, 0.2, "down", "ask"),
        (2.0, 0.3, "up", "bid"),
    ]


def test_the_window_is_closed_at_its_start_and_open_at_its_end() -> None:
    prices = Prices(BTC)
    prices.append(trades((NOON, 1, 0), (NOON + MS, 2, 0), (NOON + 2 * MS, 3, 0)))
    assert len(markers(prices, NOON / 1e6, NOON / 1e6 + 2)) == 2


@pytest.mark.parametrize(("count", "shown"), [(MOST_MARKERS, MOST_MARKERS), (MOST_MARKERS + 1, 0)])
def test_a_window_with_too_many_trades_has_no_markers(count: int, shown: int) -> None:
    market, prices = RandomMarket(), Prices(BTC)
    prices.append(market.trades(count))
    assert len(markers(prices, 0, 1e15)) == shown


def test_markers_of_random_windows_are_the_trades_within() -> None:
    market, prices = RandomMarket(), Prices(BTC)
    columns = market.trades(2_000)
    prices.append(columns)
    rows = list(zip(prices.pyramid.x.tolist(), [float(BTC.price(n)) for n in columns["ticks"]], strict=True))
    for _ in range(100):
        x0 = rows[market.random.randrange(2_000)][0]
        x1 = x0 + market.random.randint(0, 5_000)
        expected = [row for row in rows if x0 <= row[0] < x1]
        assert [(m.x, m.y) for m in markers(prices, x0, x1)] == (
            expected if len(expected) <= MOST_MARKERS else []
        )


def test_a_chart_of_its_own_takes_trades_and_shares_them() -> None:
    chart = PriceChart(BTC)
    chart.append(RandomMarket().trades(50))
    other = PriceChart(BTC, chart.prices)
    assert other.plot.pyramid is chart.plot.pyramid
    assert len(other.prices) == 50


def ask(chart: PriceChart, x0: float, x1: float, *, live: bool = False) -> dict[str, object]:
    return {"type": "ask", "mount": "m", "view": 1, "x0": x0, "x1": x1, "width": 500, "live": live}


def test_zooming_in_brings_the_markers_and_zooming_out_takes_them() -> None:
    chart = PriceChart(BTC)
    columns = RandomMarket().trades(2_000)
    chart.append(columns)
    x = chart.prices.pyramid.x
    with looking_at(chart) as looker:
        overlay = chart.plot.overlay
        looker.say(overlay, {"type": "hello", "mount": "m", "renderer": "", "width": 500})
        looker.say(overlay, ask(chart, float(x[100]), float(x[150])))
        assert len(overlay.markers) == 50
        looker.say(overlay, ask(chart, float(x[0]), float(x[-1])))
        chart.beat.pace._due.clear()
        looker.say(chart.beat, {"painted": 10**6})
        assert overlay.markers == ()


def test_markers_that_stay_the_same_are_not_sent_again() -> None:
    chart = PriceChart(BTC)
    chart.append(RandomMarket().trades(20))
    x = chart.prices.pyramid.x
    with looking_at(chart) as looker:
        looker.say(chart.plot.overlay, {"type": "hello", "mount": "m", "renderer": "", "width": 500})
        looker.say(chart.plot.overlay, ask(chart, float(x[0]), float(x[10])))
        looker.forget()
        for _ in range(5):
            chart.beat.pace._due.clear()
            chart.refresh()
        assert not [m for m in looker.messages(chart.plot.overlay) if m["type"] == "marks"]


def test_theme_reaches_the_plot_and_is_checked() -> None:
    chart = PriceChart(BTC, theme="dark")
    assert chart.plot.theme == "dark"
    assert chart.colours is DARK
    chart.theme = "light"
    assert chart.plot.theme == "light"
    with pytest.raises(ConfigError):
        chart.theme = "pink"


@pytest.mark.parametrize(("tick", "decimals"), [("0.5", 1), ("0.01", 2), ("5", 0)])
def test_prices_are_written_with_the_decimals_of_a_tick(tick: str, decimals: int) -> None:
    assert PriceChart(Instrument("X", tick, "1")).plot.overlay.decimals == decimals


def test_repr_tells_how_many_and_the_last() -> None:
    chart = PriceChart(BTC)
    assert repr(chart) == "PriceChart(BTC-USD, trades=0)"
    chart.append(trades((NOON, 612_345, 0)))
    assert repr(chart) == "PriceChart(BTC-USD, trades=1, last=61,234.5)"


def test_the_chart_of_another_tab_shares_the_prices_and_is_drawn_when_they_come() -> None:
    first = PriceChart(BTC, height=200)
    second = first.another()
    first.append(trades((NOON, 612_345, 0)))
    assert second.prices is first.prices
    assert second.plot.statistics().held == 1
    assert second.beat.pace._marked
