import numpy as np
import pytest
from support.random_market import BTC, NOON, SECOND

from rtlab.pipelines import Frame
from rtlab.views.candle import Candle, in_units, of_frame, of_rows


def test_rows_in_ticks_and_lots_become_prices_and_volume_in_units() -> None:
    rows = [(NOON + SECOND, 100, 120, 90, 110, 2_500, 7, "more"), (NOON, 1, 2, 1, 2, 3)]
    assert of_rows(rows).tolist() == [list(row[:6]) for row in rows]
    assert in_units(of_rows(rows), BTC) == {
        NOON + SECOND: Candle(10.0, 12.0, 9.0, 11.0, 2.5),
        NOON: Candle(0.1, 0.2, 0.1, 0.2, 0.003),
    }


def test_no_rows_are_no_candles() -> None:
    assert of_rows([]).shape == (0, 6)
    assert in_units(of_rows([]), BTC) == {}


def test_a_frame_of_bars_gives_the_same_as_its_rows() -> None:
    random = np.random.default_rng(4)
    rows = np.column_stack([NOON + np.arange(50) * SECOND, random.integers(1, 10**7, (50, 5))])
    names = ("open", "high", "low", "close", "volume")
    table = {name: rows[:, 1 + i] * (0.001 if name == "volume" else 0.1) for i, name in enumerate(names)}
    frame = Frame("bars", BTC, {"start": rows[:, 0], **table}, key="start")
    assert np.array_equal(of_frame(frame), rows)
    candles = in_units(of_frame(frame), BTC)
    assert all(type(value) is float for candle in candles.values() for value in candle)


def test_a_row_that_lacks_its_volume_is_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        of_rows([(NOON, 1, 2, 1, 2)])
