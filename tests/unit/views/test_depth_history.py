import numpy as np
import pytest

from rtlab.errors import ConfigError
from rtlab.model import Instrument
from rtlab.views.depth_history import NONE, ROWS, SCALES, DepthHistory, to_bytes, to_lots

INSTRUMENT = Instrument("BTC-USD", "0.01", "0.001")
RANDOM = np.random.default_rng(2)


def history(**changes) -> DepthHistory:
    return DepthHistory(INSTRUMENT, **{"interval_ns": 10, "columns": 64, **changes})


class Plain:
    """The same by dictionaries: what rested at which row in which column of scale 0."""

    def __init__(self) -> None:
        self.columns: dict[int, dict[int, int]] = {}
        self.last: dict[int, int] = {}
        self.newest = -1

    def append(self, ts: int, bids, asks) -> None:
        column, state = max(ts // 10, self.newest), dict([*bids, *asks])
        for between in range(self.newest + 1 if self.newest >= 0 else column, column):
            self.columns[between] = dict(self.last)
        here = self.columns.setdefault(column, {})
        for row, lots in state.items():
            here[row] = max(here.get(row, 0), lots)
        self.last, self.newest = state, column

    def cell(self, scale: int, column: int, row: int, factor: int) -> int:
        fine = range(column << scale, (column + 1) << scale)
        return max(self.columns.get(c, {}).get(r, 0) for c in fine for r in range(row, row + factor))


def book(middle: int):
    bids = [(middle - i, int(RANDOM.integers(1, 1000))) for i in range(1, 12)]
    return bids, [(middle + i, int(RANDOM.integers(1, 1000))) for i in range(1, 12)]


@pytest.mark.parametrize("scale", [0, 1, 3])
@pytest.mark.parametrize("factor", [1, 4])
def test_every_cell_is_the_most_that_rested_there(scale, factor):
    held, plain = history(columns=256), Plain()
    ts, middle = 1000, 5000
    for _ in range(150):
        ts += int(RANDOM.choice([0, 3, 9, 10, 45]))
        middle += int(RANDOM.integers(-2, 3))
        levels = book(middle)
        held.append(ts, *levels)
        plain.append(ts, *levels)
    first, last = held.extent(scale)
    # the first column of a scale also stands for columns before the first
    seen = held.picture(scale, first, last - first + 1, 4960, 20, factor)
    assert seen.cells.shape == (last - first + 1, 20)
    expected = [
        [plain.cell(scale, column, 4960 + factor * row, factor) for row in range(20)]
        for column in range(first, last + 1)
    ]
    assert np.array_equal(seen.cells, to_bytes(np.array(expected)))


def test_a_byte_tells_the_lots_to_a_twentieth():
    lots = np.unique(np.geomspace(1, 4e9, 1000).round())
    assert np.abs(to_lots(to_bytes(lots)) / lots - 1).max() < 0.1  # of one lot it knows a half octave less
    large = lots[lots > 20]
    assert np.abs(to_lots(to_bytes(large)) / large - 1).max() < 0.05
    assert to_bytes(np.array([0])) == 0
    assert to_lots(np.array([0])) == 0


def test_the_best_prices_go_with_the_columns():
    held = history()
    held.append(5, [(99, 1)], [(101, 1)])
    held.append(15, [], [(102, 1)])
    seen = held.picture(0, 0, 3, 90, 20)
    assert seen.bids.tolist() == [99, NONE, NONE]
    assert seen.asks.tolist() == [101, 102, NONE]
    assert held.middle() == 102


def test_what_is_not_held_is_nothing():
    held = history(columns=4)
    for column in range(10):
        held.append(column * 10, [(99, 8)], [(101, 8)])
    assert held.extent(0) == (6, 9)
    assert held.extent(1) == (1, 4)
    seen = held.picture(0, 3, 9, 99, 1)
    assert seen.cells[:, 0].tolist() == [0, 0, 0, *[int(to_bytes(np.array(8)))] * 4, 0, 0]
    assert held.picture(1, 1, 1, 99, 1).cells[0, 0] > 0


def test_an_empty_history_has_no_columns():
    held = history()
    assert held.extent(0) == (0, -1)
    assert held.middle() == 0
    assert not held.picture(0, 0, 5, 0, 5).cells.any()
    assert repr(held) == "DepthHistory(BTC-USD, 0 columns)"


def test_after_a_pause_longer_than_all_it_remembers_it_begins_anew():
    held = history(columns=4)
    held.append(0, [(99, 8)], [])
    later = 10 * ((4 << SCALES) + 1)
    held.append(later, [(99, 8)], [])
    assert held.extent(0) == (later // 10, later // 10)


def test_levels_far_from_the_market_are_left_out_and_those_of_one_row_are_added():
    held = history(row_ticks=10)
    held.append(0, [(1009, 3), (1001, 4), (1000 - 20 * ROWS, 9)], [(1010, 1)])
    seen = held.picture(0, 0, 1, 100, 1)
    assert seen.cells[0, 0] == to_bytes(np.array([7]))[0]
    assert not held.picture(0, 0, 1, 100 - 2 * ROWS, 10).cells.any()


def test_a_market_that_jumps_takes_the_rows_with_it():
    held = history(columns=64)
    held.append(0, [(1000, 5)], [])
    held.append(10, [(1000 + 3 * ROWS, 5)], [])
    held.append(20, [(1000, 6)], [])
    seen = held.picture(0, 0, 3, 1000, 1)
    assert (seen.cells[:, 0] > 0).tolist() == [True, False, True]
    far = held.picture(0, 0, 3, 1000 + 3 * ROWS, 1)
    assert (far.cells[:, 0] > 0).tolist() == [False, True, False]


def test_time_never_steps_back():
    held = history()
    held.append(100, [(99, 1)], [])
    held.append(50, [(98, 1)], [])
    assert held.extent(0) == (10, 10)


@pytest.mark.parametrize("bad", [{"interval_ns": 0}, {"row_ticks": 0}, {"columns": 1}])
def test_a_history_that_makes_no_sense_is_refused(bad):
    with pytest.raises(ConfigError, match="a depth history needs"):
        history(**bad)
