from base64 import b64decode

import numpy as np
import pytest
from support.random_market import BTC, RandomMarket

from rtlab.views.depth_history import NONE, DepthHistory
from rtlab.views.heat_window import HeatWindow, Look, Part, encode

RANDOM = np.random.default_rng(4)


class Screen:
    """What the browser does with a part, the plain way."""

    def __init__(self) -> None:
        self.current = np.zeros(0, np.uint8)
        self.columns: dict[int, np.ndarray] = {}
        self.best: dict[int, tuple[int, int]] = {}
        self.base = 0

    def take(self, part: Part, rows: int) -> None:
        if part.whole:
            self.current, self.columns, self.best, self.base = np.zeros(rows, np.uint8), {}, {}, part.base
        self.write(part.first, part.columns, b64decode(part.changes))
        both = np.frombuffer(b64decode(part.best), "<i2").reshape(-1, 2)
        for i, pair in enumerate(both.tolist()):
            self.best[part.first + i] = tuple(pair)

    def write(self, first: int, n: int, changes: bytes) -> None:
        counts = np.frombuffer(changes[: 2 * n], "<u2")
        total = int(counts.sum())
        rows, values = changes[2 * n : 2 * n + total], changes[2 * n + total :]
        assert len(values) == total
        at = 0
        for i, count in enumerate(counts.tolist()):
            for k in range(at, at + count):
                self.current[rows[k]] = values[k]
            at += count
            self.columns[first + i] = self.current.copy()


@pytest.mark.parametrize("rows", [1, 200, 256])
def test_what_is_encoded_is_what_is_written(rows):
    before = RANDOM.integers(0, 3, rows).astype(np.uint8)
    columns = RANDOM.integers(0, 3, (40, rows)).astype(np.uint8)
    screen = Screen()
    screen.current = before.copy()
    screen.write(7, 40, encode(before, columns))
    assert np.array_equal(np.array(list(screen.columns.values())), columns)


def test_nothing_changed_is_two_bytes_a_column():
    before = RANDOM.integers(0, 3, 200).astype(np.uint8)
    assert encode(before, np.tile(before, (9, 1))) == bytes(18)
    assert encode(before, np.empty((0, 200), np.uint8)) == b""


def look(**changes) -> Look:
    return Look(**{"view": 0, "scale": 0, "columns": 50, "rows": 100, **changes})


def grown(history: DepthHistory, market: RandomMarket, now: int, steps: int) -> int:
    for _ in range(steps):
        now += int(RANDOM.choice([0, 5, 10, 10, 10, 35]))
        history.append(now, *market.levels())
    return now


@pytest.mark.parametrize("scale", [0, 2])
@pytest.mark.parametrize("factor", [1, 3])
def test_parts_put_together_are_the_picture(scale, factor):
    history, market = DepthHistory(BTC, interval_ns=10), RandomMarket(3)
    now = grown(history, market, 1_000_000, 300)
    window, screen, wholes = HeatWindow(history), Screen(), 0
    window.take(look(scale=scale, factor=factor))
    for _ in range(120):
        now = grown(history, market, now, int(RANDOM.integers(1, 4)))
        part = window.news()
        wholes += part.whole
        screen.take(part, 100)
        newest = history.extent(scale)[1]
        # the open column may have been drawn before it was closed, all others are final
        seen = history.picture(scale, newest - 49, 50, screen.base, 100, factor)
        shown = np.array([screen.columns[c] for c in range(newest - 49, newest + 1)])
        assert np.array_equal(shown, seen.cells)
        rows = np.array([screen.best[c] for c in range(newest - 49, newest + 1)])
        assert np.array_equal(rows[:, 0], (seen.bids - screen.base) // factor)
    assert wholes < 10


def test_only_what_is_new_is_sent():
    history, market = DepthHistory(BTC, interval_ns=10), RandomMarket(3)
    now = grown(history, market, 1_000_000, 100)
    window = HeatWindow(history)
    window.take(look())
    assert window.news().columns == 50
    history.append(now + 10, *market.levels())
    part = window.news()
    assert not part.whole
    assert part.columns == 2  # the one that was open, and the new one


def test_a_market_near_the_edge_is_brought_back_to_the_middle():
    history = DepthHistory(BTC, interval_ns=10)
    window = HeatWindow(history)
    history.append(10, [(1000, 5)], [(1002, 5)])
    window.take(look())
    base = window.news().base
    assert base == 1001 - 50
    history.append(20, [(1030, 5)], [(1032, 5)])
    assert not window.news().whole
    history.append(30, [(1040, 5)], [(1042, 5)])
    part = window.news()
    assert part.whole
    assert part.base == 1041 - 50


def test_a_chosen_base_stays_wherever_the_market_goes():
    history = DepthHistory(BTC, interval_ns=10)
    window = HeatWindow(history)
    history.append(10, [(1000, 5)], [])
    window.take(look(base=950))
    assert window.news().base == 950
    history.append(20, [(2000, 5)], [])
    assert not window.news().whole


def test_a_window_of_the_past_has_no_news():
    history, market = DepthHistory(BTC, interval_ns=10), RandomMarket(3)
    now = grown(history, market, 1_000_000, 100)
    end = history.newest - 10
    window = HeatWindow(history)
    window.take(look(end=end))
    part = window.news()
    assert (part.first, part.columns, part.whole) == (end - 50, 50, True)
    assert not window.live
    history.append(now + 100, *market.levels())
    assert window.news() is None


def test_after_a_long_silence_of_the_browser_it_gets_the_whole():
    history, market = DepthHistory(BTC, interval_ns=10), RandomMarket(3)
    now = grown(history, market, 1_000_000, 10)
    window = HeatWindow(history)
    window.take(look())
    window.news()
    history.append(now + 10 * 60, *market.levels())
    assert window.news().whole


def test_who_appears_anew_gets_the_whole():
    history = DepthHistory(BTC, interval_ns=10)
    history.append(10, [(1000, 5)], [])
    window = HeatWindow(history)
    assert window.news() is None
    window.again()
    assert window.news() is None
    window.take(look())
    assert window.news().whole
    window.again()
    assert window.news().whole


def test_a_side_without_a_price_is_told():
    history = DepthHistory(BTC, interval_ns=10)
    history.append(10, [(1000, 5)], [])
    window = HeatWindow(history)
    window.take(look(columns=1, base=990))
    screen = Screen()
    screen.take(window.news(), 100)
    assert list(screen.best.values()) == [(10, -32768)]
    assert NONE < -32768


@pytest.mark.parametrize(
    "bad",
    [
        {"scale": -1},
        {"scale": 9},
        {"columns": 0},
        {"columns": 5000},
        {"rows": 0},
        {"rows": 257},
        {"factor": 0},
        {"factor": 65},
        {"base": 1 << 60},
        {"end": 1 << 61},
    ],
)
def test_a_look_that_makes_no_sense_is_known(bad):
    assert look().makes_sense()
    assert not look(**bad).makes_sense()
