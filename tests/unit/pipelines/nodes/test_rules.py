from support.frames import random_trades, trades

from rtlab.pipelines.loop import OwnersLoop
from rtlab.pipelines.stream import root


def begun():
    return root("trades", "trades", OwnersLoop())


def test_a_price_that_does_not_fit_is_told_with_what_it_was_held_against():
    stream, rows = begun(), random_trades(5, 300)
    rows[250, 1] += 5000
    node = stream.anomalies(8.0, 50)
    stream._emit(trades(rows))
    assert node.latest_frame["seq"].tolist() == [251]
    assert node.latest_frame["score"][0] > 8
    assert node.latest_frame["value"][0] == rows[250, 1] / 10


def test_a_stream_is_stale_while_another_goes_on():
    watched, other = begun(), begun()
    node, seen = watched.stale("1us", [other]), []
    node.sink(lambda frame: seen.extend(zip(frame["ts"].tolist(), frame["over"].tolist(), strict=True)))
    watched._emit(trades([(1, 5, 5, 0)]))
    other._emit(trades([(900, 5, 5, 0), (2000, 5, 5, 0), (2001, 5, 5, 0)]))
    watched._emit(trades([(2500, 5, 5, 0)]))
    assert seen == [(2000, False), (2500, True)]
