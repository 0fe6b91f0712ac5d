import numpy as np
import pytest
from bokeh.plotting import figure
from support.random_market import BTC, NOON, SECOND

from rtlab.views.indicator_lines import DASHES, IndicatorLines
from rtlab.views.indicators import KINDS, Indicator

TABLE = np.array([[NOON + i * SECOND, 10, 20, 10, 10 + i % 3, 1] for i in range(8)])


def lines(name: str) -> IndicatorLines:
    made = IndicatorLines(Indicator(name, BTC))
    made.put(figure())
    return made


def test_every_kind_over_the_candles_has_a_dash_of_its_own() -> None:
    assert DASHES.keys() == KINDS.keys()
    over = [str(DASHES[name]) for name, kind in KINDS.items() if not kind.pane]
    assert len(set(over)) == len(over) == 4
    assert [name for name in KINDS if lines(name).has_pane] == ["rsi", "atr"]


@pytest.mark.parametrize("name", ["ema 3", "bollinger 3", "vwap", "rsi 3"])
@pytest.mark.parametrize(("since", "end"), [(0, 8), (5, 8), (3, 6)])
def test_lines_stand_in_the_middle_of_their_candles_and_only_while_shown(
    name: str, since: int, end: int
) -> None:
    one = lines(name)
    one.draw(TABLE, TABLE[since:end], SECOND)
    assert one.table.source.data["x"] == []
    assert not any(renderer.visible for renderer in one.renderers)
    one.shown = True
    one.draw(TABLE, TABLE[since:end], SECOND)
    data, wanted = (
        one.table.source.data,
        Indicator(name, BTC).values(TABLE).between(TABLE[since, 0], TABLE[end - 1, 0]),
    )
    assert data["x"] == [start / 1e6 + 500 for start in wanted.start]
    assert len(data["x"]) >= 3
    for line, values in zip(one.indicator.lines, wanted.lines, strict=True):
        assert data[line] == values.tolist()
    assert all(renderer.visible for renderer in one.renderers)
    one.draw(TABLE, TABLE[:0], SECOND)
    assert list(one.table.source.data["x"]) == []
    one.shown = False
    one.draw(TABLE, TABLE[since:end], SECOND)
    assert list(one.table.source.data["x"]) == []


def test_lines_wear_a_colour_and_tell_whether_they_are_shown() -> None:
    one = lines("bollinger 5")
    one.wear("#123456")
    assert {renderer.glyph.line_color for renderer in one.renderers} == {"#123456"}
    assert repr(one) == "IndicatorLines(bollinger 5, hidden)"
