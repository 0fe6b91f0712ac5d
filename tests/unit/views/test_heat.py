import pytest
from support.looker import Looker, looking_at
from support.random_market import BTC, RandomMarket

from rtlab.views import heatmap
from rtlab.views.heat import DepthHeatmap

LOOK = {
    "type": "look",
    "view": 0,
    "scale": 0,
    "columns": 40,
    "rows": 100,
    "factor": 1,
    "end": None,
    "base": None,
}


@pytest.fixture
def heat() -> DepthHeatmap:
    return heatmap(BTC)


def feed(heat: DepthHeatmap, market: RandomMarket, columns: int) -> None:
    for _ in range(columns):
        market.now += heat.history.interval_ns
        heat.update(market.now, *market.levels())


def seen(looker: Looker, heat: DepthHeatmap) -> list[dict]:
    heat.beat.pace._due.clear()
    looker.say(heat.beat, {"painted": heat.beat.pace.statistics().drawn})
    return [message for message in looker.messages(heat.visual) if "d" in message]


def test_who_looks_gets_the_whole_and_then_what_is_new(heat: DepthHeatmap) -> None:
    market = RandomMarket()
    feed(heat, market, 60)
    with looking_at(heat) as looker:
        looker.say(heat.visual, LOOK)
        (whole,) = seen(looker, heat)
        assert whole["whole"]
        assert (whole["n"], whole["rows"], whole["scale"], whole["view"]) == (40, 100, 0, 0)
        assert whole["held"] == [heat.history.newest - 59, heat.history.newest]
        feed(heat, market, 1)
        news = seen(looker, heat)[-1]
        assert "whole" not in news
        assert news["n"] <= 2
        assert len(str(news)) < len(str(whole)) / 10


def test_trades_are_bubbles_of_the_cells_they_fall_into(heat: DepthHeatmap) -> None:
    market = RandomMarket()
    feed(heat, market, 60)
    heat.append({"ts": [market.now, market.now], "ticks": [612_345] * 2, "lots": [3, 4], "side": [0, 0]})
    with looking_at(heat) as looker:
        looker.say(heat.visual, LOOK)
        assert seen(looker, heat)[-1]["t"] == [[heat.history.newest, 612_345, 7, 0]]
        feed(heat, market, 1)
        assert "t" not in seen(looker, heat)[-1]
        heat.append({"ts": [market.now], "ticks": [612_000], "lots": [5], "side": [1]})
        assert seen(looker, heat)[-1]["t"] == [[heat.history.newest, 612_000, 5, 1]]


def test_a_window_of_the_past_stays(heat: DepthHeatmap) -> None:
    market = RandomMarket()
    feed(heat, market, 60)
    with looking_at(heat) as looker:
        looker.say(heat.visual, {**LOOK, "view": 3, "end": heat.history.newest - 5})
        assert len(seen(looker, heat)) == 1
        feed(heat, market, 5)
        assert len(seen(looker, heat)) == 1


@pytest.mark.parametrize("change", [{"rows": 0}, {"scale": 99}, {"columns": "x"}, {"view": None}])
def test_nonsense_is_counted_and_changes_nothing(heat: DepthHeatmap, change: dict) -> None:
    with looking_at(heat) as looker:
        looker.say(heat.visual, {**LOOK, **change})
        assert heat.refused == 1
        assert seen(looker, heat) == []


def test_repr_says_what_it_holds(heat: DepthHeatmap) -> None:
    feed(heat, RandomMarket(), 3)
    assert repr(heat) == "DepthHeatmap(DepthHistory(BTC-USD, 3 columns), trades=0)"


def test_the_theme_reaches_the_picture(heat: DepthHeatmap) -> None:
    heat.theme = "dark"
    assert heat.visual.theme == "dark"
