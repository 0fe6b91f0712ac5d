from contextlib import contextmanager

import numpy as np
import pytest
from support.kept import BTC, Made, keep
from support.waiting import until

from rtlab.errors import StoreError
from rtlab.lab.past import past_of
from rtlab.store import Store
from rtlab.views.past import Past


@contextmanager
def opened(folder):
    with Store(folder) as store:
        yield store


@pytest.fixture
def made(tmp_path):
    made = Made(begin_ns=1_700_000_000_000_000_000)
    keep(tmp_path, made, rolls=2)
    return made


async def test_what_was_traded_comes_in_the_units_of_a_chart(tmp_path, made):
    past = past_of(BTC, lambda: opened(tmp_path))
    times = np.array([ts for _, _, ts, *_ in made.trades])
    begin, end = times[0] / 1e6, times[-1] / 1e6 + 1
    assert past.want(begin, end, end, "a plot", lambda: True)
    await until(lambda: past.statistics().pages)
    assert past.pyramid.x.tolist() == pytest.approx(times / 1e6)
    prices = [float(price * BTC.tick_size) for *_, price, _ in made.trades]
    assert past.pyramid.y.tolist() == pytest.approx(prices)
    past.close()


async def test_a_store_that_holds_nothing_says_so(tmp_path):
    past: Past = past_of(BTC, lambda: opened(tmp_path))
    past.want(10.0, 20.0, 20.0, "a plot", lambda: True)
    await until(lambda: past.problem)
    with pytest.raises(StoreError) as told, Store(tmp_path) as store:
        store.read("trades", BTC.symbol)
    assert past.problem == str(told.value)
    past.close()
