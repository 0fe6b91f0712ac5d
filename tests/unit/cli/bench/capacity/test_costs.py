import numpy as np
import pytest

from rtlab.cli.bench.capacity.costs import of_instruments, of_pages, of_points, of_readers, of_rows
from rtlab.store import Store


@pytest.fixture(scope="module")
def readers():
    return of_readers((10, 20), ticks_per_s=25, seconds=0.2, core=None)


@pytest.mark.long  # the small run of the whole bench measures the same
def test_a_tick_to_readers_costs_something_and_so_does_a_bare_one(readers):
    assert len(readers.ours) == 2
    assert all(0 < cost < 1 for cost in readers.ours)
    assert readers.bare is None or all(cost > 0 for cost in readers.bare)
    assert readers.bytes_each != 0


def test_rows_are_kept_whole_and_read_whole(tmp_path):
    written, read = of_rows((1000, 3000), tmp_path)
    assert len(written) == len(read) == 2
    assert all(cost > 0 for cost in [*written, *read])
    for size in (1000, 3000):
        with Store(tmp_path / f"{size}-0") as store:
            rows = store.read("trades", "BTC-USD")
        assert rows.num_rows == size
        assert np.diff(rows.column("ts").to_numpy()).min() > 0


def test_more_instruments_cost_more_and_more_points_too():
    for few, many in of_instruments((4, 64)):
        assert many > few
    few, many = of_pages((4, 2000))
    assert many > few
    small, large = of_points((10_000, 2_000_000))
    assert large > small
