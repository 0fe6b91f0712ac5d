import pytest
from bokeh.plotting import figure
from support.random_market import BTC, NOON, SECOND

from rtlab.views.candle import Candle
from rtlab.views.indicator_lines import DASHES, IndicatorLines
from rtlab.views.indicators import KINDS, Indicator

CANDLES = {NOON + i * SECOND: Candle(1.0, 2.0, 1.0, 1.0 + i / 10, 1.0) for i in range(8)}


def lines(name: str) -> IndicatorLines:
    made = IndicatorLines(Indicator(name, BTC), SECOND)
    made.put(figure())
    return made


def test_every_kind_has_a_dash_of_its_own() -> None:
    assert DASHES.keys() == KINDS.keys()
    assert len({str(dash) for dash in DASHES.values()}) == len(DASHES)


@pytest.mark.parametrize("name", ["ema 3", "bollinger 3", "vwap"])
def test_lines_stand_in_the_middle_of_their_candles_and_only_while_shown(name: str) -> None:
    one = lines(name)
    one.draw(CANDLES)
    assert one.table.source.data["x"] == []
    assert not any(renderer.visible for renderer in one.renderers)
    one.shown = True
    one.draw(CANDLES)
    data, wanted = one.table.source.data, one.indicator.rows(CANDLES)
    assert data["x"] == [start / 1e6 + 500 for start in wanted]
    for i, line in enumerate(one.indicator.lines):
        assert data[line] == [values[i] for values in wanted.values()]
    assert all(renderer.visible for renderer in one.renderers)
    one.shown = False
    one.draw(CANDLES)
    assert list(one.table.source.data["x"]) == []


def test_lines_wear_a_colour_and_tell_whether_they_are_shown() -> None:
    one = lines("bollinger 5")
    one.wear("#123456")
    assert {renderer.glyph.line_color for renderer in one.renderers} == {"#123456"}
    assert repr(one) == "IndicatorLines(bollinger 5, hidden)"
