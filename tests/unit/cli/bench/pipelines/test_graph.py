import asyncio

import numpy as np
import pandas as pd
import pytest

from rtlab.cli.bench.pipelines import graph


def test_the_rows_are_always_the_same_and_make_sense():
    trades, quotes = graph.random_rows(1000)
    again, _ = graph.random_rows(1000)
    assert trades.tolist() == again.tolist()
    assert (np.diff(trades[:, 0]) >= 0).all()
    assert (quotes[:, 4] > quotes[:, 2]).all()


def test_the_truth_is_that_of_pandas():
    trades, quotes = graph.random_rows(5000)
    table = pd.DataFrame(trades, columns=["ts", "p", "q", "s"])
    told = graph.results(trades, quotes)
    closes = table.groupby(table.ts // graph.SECOND).p.last()
    assert (told["bars"], told["closes"]) == (len(closes), closes.sum())
    assert told["notional"] == (table.p * table.q).sum()
    assert told["variance"] == pytest.approx((np.log(table.p).diff() ** 2).sum(), rel=1e-12)


async def test_every_row_goes_through_the_graph():
    trades, quotes = graph.random_rows(5000)
    assert await graph.throughput(trades, quotes, 500) > 0


async def test_a_steady_flow_is_seen_in_time():
    found = await graph.steady(2000, 0.6)
    assert found.core_percent > 0
    assert 0 < found.p50_ms <= found.p99_ms


async def test_a_grid_calls_as_often_as_asked_and_never_early():
    loop, times = asyncio.get_running_loop(), []
    began = loop.time()
    await graph.on_grid(lambda: times.append(loop.time() - began) or len(times) < 20, 0.001)
    assert len(times) == 20
    assert all(time >= number * 0.001 - loop._clock_resolution for number, time in enumerate(times))


async def test_a_grid_ends_with_what_its_function_raised():
    rows = [True, True]
    with pytest.raises(IndexError):
        await graph.on_grid(rows.pop, 0.001)
