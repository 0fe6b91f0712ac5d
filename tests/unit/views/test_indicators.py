import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.random_market import BTC, NOON, SECOND

from rtlab.errors import ConfigError
from rtlab.pipelines import Frame, FrameStream
from rtlab.views.candle import Candle
from rtlab.views.indicators import DAY_NS, OFFERED, Indicator, indicators

NAMES = ("ema 4", "bollinger 4", "vwap")


def candles(count: int, seed: int = 1, *, first: int = NOON) -> dict[int, Candle]:
    random = np.random.default_rng(seed)
    made = {}
    for i in range(count):
        ticks = sorted(random.integers(600_000, 601_000, 4).tolist())
        low, one, other, high = (round(n * 0.1, 1) for n in ticks)
        made[first + i * SECOND] = Candle(one, high, low, other, random.integers(0, 9_999) / 1000)
    return made


def frame_of(table: dict[int, Candle]) -> Frame:
    columns = {name: np.array([getattr(c, name) for c in table.values()]) for name in Candle._fields}
    start = np.array(list(table), dtype=np.int64)
    return Frame(
        "bars", BTC, {"start": start, **columns, "final": np.ones(len(start), np.bool_)}, key="start"
    )


@pytest.mark.parametrize(
    ("name", "columns"), [("ema 4", ("ema",)), ("bollinger 4", ("middle", "lower", "upper"))]
)
def test_values_are_those_of_the_node_of_the_pipelines(name: str, columns: tuple[str, ...]) -> None:
    table, frames = candles(60), []
    kind, period = name.split()
    stream = FrameStream(stream_name="bars")
    stream.channel = "bars"
    getattr(stream, kind)(int(period)).sink(frames.append)
    stream.emit(frame_of(table))
    told = {
        int(ts): values
        for frame in frames
        for ts, *values in zip(frame["ts"], *(frame[column] for column in columns), strict=True)
    }
    rows = Indicator(name, BTC).rows(table)
    assert rows.keys() == told.keys()
    for start, values in rows.items():
        assert values == pytest.approx(told[start], rel=1e-12)


def test_vwap_weighs_typical_prices_by_volume_and_begins_anew_each_day() -> None:
    midnight = (NOON // DAY_NS + 1) * DAY_NS
    table = candles(40, first=midnight - 20 * SECOND)
    rows = Indicator("vwap", BTC).rows(table)
    for start, (vwap,) in rows.items():
        same_day = [(s, c) for s, c in table.items() if s <= start and (s >= midnight) == (start >= midnight)]
        volume = sum(c.volume for _, c in same_day)
        assert vwap == pytest.approx(
            sum((c.high + c.low + c.close) / 3 * c.volume for _, c in same_day) / volume
        )


def test_candles_without_volume_have_no_vwap() -> None:
    table = {start: candle._replace(volume=0.0) for start, candle in candles(3).items()}
    assert Indicator("vwap", BTC).rows(table) == {}


@pytest.mark.parametrize("name", NAMES)
@given(looks=st.sets(st.integers(1, 30), max_size=8))
def test_values_do_not_depend_on_how_often_one_looks(name: str, looks: set[int]) -> None:
    table, indicator = candles(30), Indicator(name, BTC)
    for count in sorted(looks):
        seen = dict(list(table.items())[:count])
        # the open one is looked at before it is what it will be
        indicator.rows({**seen, max(seen): Candle(1.0, 9.0, 1.0, 5.0, 1.0)})
        assert indicator.rows(seen) == Indicator(name, BTC).rows(seen)


@pytest.mark.parametrize("name", NAMES)
def test_older_candles_that_are_forgotten_do_not_move_the_line(name: str) -> None:
    table, indicator = candles(50), Indicator(name, BTC)
    everything = list(indicator.rows(table).items())
    indicator, rows = Indicator(name, BTC), {}
    for newest in range(20, 51):
        kept = dict(list(table.items())[newest - 20 : newest])
        rows = indicator.rows(kept)
        assert set(rows) <= set(kept)
    assert list(rows.items()) == everything[-20:]
    assert len(indicator._seen) <= 20


@pytest.mark.parametrize("name", NAMES)
def test_a_candle_that_was_changed_or_came_between_makes_it_count_again(name: str) -> None:
    table = candles(20)
    starts = list(table)
    changed = {**table, starts[7]: table[starts[7]]._replace(close=60_111.0, volume=77.0)}
    indicator = Indicator(name, BTC)
    indicator.rows({start: table[start] for start in starts if start != starts[3]})
    for wanted in (table, changed):
        assert indicator.rows(wanted) == Indicator(name, BTC).rows(wanted)


@pytest.mark.parametrize("name", NAMES)
def test_after_a_hole_longer_than_what_is_kept_it_begins_anew(name: str) -> None:
    indicator, later = Indicator(name, BTC), candles(9, 2, first=NOON + 1000 * SECOND)
    indicator.rows(candles(9))
    assert indicator.rows(later) == Indicator(name, BTC).rows(later)


def test_no_candles_have_no_values_and_few_have_no_average_yet() -> None:
    assert Indicator("ema 4", BTC).rows({}) == {}
    assert Indicator("ema 4", BTC).rows(candles(3)) == {}
    assert len(Indicator("ema 4", BTC).rows(candles(4))) == 1


@pytest.mark.parametrize(
    ("given", "name"),
    [(" EMA 7 ", "ema 7"), ("ema", "ema 20"), ("bollinger", "bollinger 20"), ("Vwap", "vwap")],
)
def test_names_are_read_as_one_writes_them(given: str, name: str) -> None:
    assert Indicator(given, BTC).name == name
    assert repr(Indicator(given, BTC)) == f"Indicator({name!r})"


def test_an_unknown_name_is_told_with_those_that_there_are() -> None:
    with pytest.raises(ConfigError, match="bollinger 20"):
        Indicator("macd", BTC)


def test_the_usual_ones_are_offered_behind_those_that_are_asked_for() -> None:
    assert list(indicators(["ema 9", "vwap"], BTC)) == ["ema 9", "vwap", *(n for n in OFFERED if n != "vwap")]
    assert list(indicators([], BTC, offered=())) == []
