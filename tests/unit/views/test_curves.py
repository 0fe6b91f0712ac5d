import gc
from collections.abc import Iterator

import holoviews as hv
import pytest
from support.flowing import Quotes, Trades, sinks

import rtlab.views.streams  # noqa: F401  # gives streams their pictures
from rtlab.errors import ConfigError


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


def test_a_curve_holds_the_latest_rows(trades: Trades) -> None:
    trades.come(30)
    curve = trades.stream.to_holoviews(rows=10)[()]
    assert isinstance(curve, hv.Curve)
    assert curve.vdims == ["price"]
    assert curve.dimension_values("price").tolist() == trades.stream.to_frame(10)["price"].tolist()


def test_a_curve_before_the_first_frame_is_empty(trades: Trades) -> None:
    curve = trades.stream.to_holoviews()[()]
    assert len(curve) == 0


@pytest.mark.parametrize(("column", "name"), [(None, "close"), ("volume", "volume")])
def test_a_curve_is_of_the_column_that_was_asked_for(trades: Trades, column: str | None, name: str) -> None:
    bars = trades.stream.bars("1s")
    trades.come(100)
    assert bars.to_holoviews(column)[()].vdims == [name]


def test_a_curve_of_quotes_is_the_mid(quotes: Quotes) -> None:
    quotes.come((100, 1, 102, 1))
    assert quotes.stream.to_holoviews()[()].dimension_values("mid").tolist() == [10.1]


def test_an_unknown_column_is_told_with_those_there_are(trades: Trades) -> None:
    trades.come()
    with pytest.raises(ConfigError, match="price, qty"):
        trades.stream.to_holoviews("colour")[()]


def test_curves_compose_with_others(trades: Trades) -> None:
    trades.come()
    overlay = trades.stream.to_holoviews() * trades.stream.to_holoviews("qty")
    assert len(overlay[()]) == 2


def test_a_shown_curve_is_told_of_each_frame(trades: Trades) -> None:
    told: list[object] = []
    curve = trades.stream.to_holoviews()
    curve.streams[0].add_subscriber(lambda **contents: told.append(contents))
    trades.come()
    trades.come()
    assert len(told) == 2


def test_a_curve_that_nobody_holds_leaves_the_stream(trades: Trades) -> None:
    curve = trades.stream.to_holoviews()
    assert sinks(trades.stream) == 1
    del curve
    gc.collect()
    trades.come()
    assert sinks(trades.stream) == 0
