import numpy as np
import pandas as pd
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st
from support.random_market import BTC, NOON, SECOND

from rtlab.errors import ConfigError
from rtlab.pipelines import Frame, FrameStream
from rtlab.views.candle import CLOSE, HIGH, LOW, START, VOLUME, Candle, in_units
from rtlab.views.indicators import DAY_NS, OFFERED, Indicator, Values, indicators

NAMES = ("ema 4", "sma 4", "bollinger 4", "vwap", "rsi 4", "atr 4")


def candles(count: int, seed: int = 1, *, first: int = NOON) -> np.ndarray:
    random = np.random.default_rng(seed)
    made = np.empty((count, 6), np.int64)
    for i in range(count):
        low, one, other, high = np.sort(random.integers(600_000, 601_000, 4))
        made[i] = first + i * SECOND, one, high, low, other, random.integers(0, 9_999)
    return made


def alike(one: Values, other: Values) -> bool:
    pairs = zip((one.start, *one.lines), (other.start, *other.lines), strict=True)
    return all(np.array_equal(*pair) for pair in pairs)


def of(values: Values) -> dict[int, tuple[float, ...]]:
    rows = zip(*(line.tolist() for line in values.lines), strict=True)
    return dict(zip(values.start.tolist(), rows, strict=True))


def anew(name: str, table: np.ndarray) -> Values:
    return Indicator(name, BTC).values(table)


def frame_of(bars: np.ndarray) -> Frame:
    table = in_units(bars, BTC)
    columns = {name: np.array([getattr(c, name) for c in table.values()]) for name in Candle._fields}
    start = np.array(list(table), dtype=np.int64)
    return Frame(
        "bars", BTC, {"start": start, **columns, "final": np.ones(len(start), np.bool_)}, key="start"
    )


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("ema 4", ("ema",)),
        ("bollinger 4", ("middle", "lower", "upper")),
        ("rsi 4", ("rsi",)),
        ("atr 4", ("atr",)),
    ],
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
    rows = of(anew(name, table))
    assert rows.keys() == told.keys()
    for start, values in rows.items():
        assert values == pytest.approx(told[start], rel=1e-12)


def test_vwap_weighs_typical_prices_by_volume_and_begins_anew_each_day() -> None:
    midnight = (NOON // DAY_NS + 1) * DAY_NS
    table = candles(40, first=midnight - 20 * SECOND)
    for start, (vwap,) in of(anew("vwap", table)).items():
        same_day = [
            (s, c)
            for s, c in in_units(table, BTC).items()
            if s <= start and (s >= midnight) == (start >= midnight)
        ]
        volume = sum(c.volume for _, c in same_day)
        assert vwap == pytest.approx(
            sum((c.high + c.low + c.close) / 3 * c.volume for _, c in same_day) / volume
        )


@pytest.mark.parametrize("period", [2, 14, 30])
def test_rsi_atr_and_averages_are_those_of_other_libraries(period: int) -> None:
    table = candles(400)
    high, low, close = (table[:, at] * 0.1 for at in (HIGH, LOW, CLOSE))
    rsi, atr, ema = (anew(f"{kind} {period}", table) for kind in ("rsi", "atr", "ema"))
    assert rsi.lines[0] == pytest.approx(talib.RSI(close, period)[period:], rel=1e-9)
    assert rsi.start.tolist() == table[period:, START].tolist()
    assert ema.lines[0] == pytest.approx(talib.EMA(close, period)[period - 1 :], rel=1e-9)
    before = np.append(np.nan, close[:-1])
    ranges = pd.DataFrame([high - low, abs(high - before), abs(low - before)]).max()
    seed = [ranges[:period].mean(), *ranges[period:]]
    wilder = pd.Series(seed).ewm(alpha=1 / period, adjust=False).mean()
    assert atr.lines[0] == pytest.approx(wilder.to_numpy(), rel=1e-9)
    sma = pd.Series(close).rolling(period).mean().dropna()
    assert anew(f"sma {period}", table).lines[0] == pytest.approx(sma.to_numpy(), rel=1e-9)


def test_candles_without_volume_have_no_vwap() -> None:
    table = candles(3)
    table[:, VOLUME] = 0
    assert of(anew("vwap", table)) == {}


@pytest.mark.parametrize("name", NAMES)
@given(looks=st.sets(st.integers(1, 30), max_size=8))
def test_values_do_not_depend_on_how_often_one_looks(name: str, looks: set[int]) -> None:
    table, indicator = candles(30), Indicator(name, BTC)
    for count in sorted(looks):
        seen = table[:count].copy()
        # the open one is looked at before it is what it will be
        seen[-1, 1:] = 10, 90, 10, 50, 1000
        indicator.values(seen)
        assert alike(indicator.values(table[:count]), anew(name, table[:count]))


@pytest.mark.parametrize("name", NAMES)
def test_older_candles_that_are_forgotten_do_not_move_the_line(name: str) -> None:
    table, indicator = candles(50), Indicator(name, BTC)
    everything = list(of(indicator.values(table)).items())
    indicator, rows = Indicator(name, BTC), {}
    for newest in range(20, 51):
        kept = table[newest - 20 : newest]
        rows = of(indicator.values(kept))
        assert set(rows) <= set(kept[:, START].tolist())
    assert list(rows.items()) == everything[-20:]
    assert len(indicator._seen) < 20


@pytest.mark.parametrize("name", NAMES)
def test_a_candle_that_was_changed_or_came_between_makes_it_count_again(name: str) -> None:
    table = candles(20)
    changed = table.copy()
    changed[7, CLOSE], changed[7, VOLUME] = 601_110, 77
    indicator = Indicator(name, BTC)
    indicator.values(np.delete(table, 3, axis=0))
    for wanted in (table, changed, table[:12]):
        assert alike(indicator.values(wanted), anew(name, wanted))


@pytest.mark.parametrize("name", NAMES)
def test_after_a_hole_longer_than_what_is_kept_it_begins_anew(name: str) -> None:
    indicator, later = Indicator(name, BTC), candles(9, 2, first=NOON + 1000 * SECOND)
    indicator.values(candles(9))
    assert alike(indicator.values(later), anew(name, later))


def test_no_candles_have_no_values_and_few_have_no_average_yet() -> None:
    assert of(anew("ema 4", candles(0))) == {}
    assert of(anew("bollinger 4", candles(3))) == {}
    assert len(of(anew("ema 4", candles(4)))) == 1


def test_values_between_two_starts_are_of_the_candles_between() -> None:
    table = candles(9)
    values = anew("bollinger 4", table)
    assert of(values.between(int(table[6, START]), 2**62)) == dict(list(of(values).items())[-3:])
    assert list(of(values.between(int(table[5, START]), int(table[6, START])))) == table[5:7, START].tolist()
    assert of(values.between(0, 2**62)) == of(values)


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (" EMA 7 ", "ema 7"),
        ("ema", "ema 20"),
        ("bollinger", "bollinger 20"),
        ("Vwap", "vwap"),
        ("RSI", "rsi 14"),
    ],
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
