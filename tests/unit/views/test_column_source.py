import gc
import weakref

import numpy as np
import pytest
from support.frames import random_trades, trades

import rtlab.views.streams  # noqa: F401  gives streams their `to_source`
from rtlab.errors import ConfigError
from rtlab.pipelines.loop import OwnersLoop
from rtlab.pipelines.stream import FrameStream, root


def begun() -> FrameStream:
    return root("trades BTC-USD", "trades", OwnersLoop())


def fed(stream: FrameStream, rows: np.ndarray, step: int = 50) -> None:
    for first in range(0, len(rows), step):
        stream._emit(trades(rows[first : first + step], first + 1))


def test_a_source_has_the_last_rows_with_times_in_ms():
    stream, rows = begun(), random_trades(1, 400)
    fed(stream, rows[:100])
    source = stream.to_source(rollover=150)
    assert len(source.data["ts"]) == 100
    fed(stream, rows[100:])
    assert np.asarray(source.data["ts"]).tolist() == (rows[-150:, 0] / 1e6).tolist()
    assert np.asarray(source.data["ticks"]).tolist() == rows[-150:, 1].tolist()


def test_bars_replace_the_open_one():
    stream, rows = begun(), random_trades(1, 3000)
    bars = stream.bars("1s").keep(1000)
    source = bars.to_source()
    fed(stream, rows)
    table = bars.to_frame()
    assert np.asarray(source.data["close"]).tolist() == table["close"].tolist()
    assert np.asarray(source.data["volume"]).tolist() == table["volume"].tolist()
    assert np.asarray(source.data["start"]).tolist() == [one.value / 1e6 for one in table.index]
    assert len(table) > 20


def test_only_what_is_new_is_sent():
    from bokeh.document import Document

    stream, document, sent = begun(), Document(), []
    fed(stream, random_trades(1, 100))
    source = stream.to_source()
    document.add_root(source)
    document.on_change(sent.append)
    stream._emit(trades([(1, 2, 3, 0)], 101))
    (event,) = sent
    assert {name: len(column) for name, column in event.data.items()} == dict.fromkeys(source.data, 1)


def test_nobody_holds_a_source_but_its_owner():
    stream = begun()
    source = stream.to_source()
    there = weakref.ref(source)
    del source
    gc.collect()
    assert there() is None
    fed(stream, random_trades(1, 100))
    assert list(stream.downstreams) == []


def test_a_source_of_no_rows_is_refused():
    with pytest.raises(ConfigError, match="at least 1"):
        begun().to_source(rollover=0)
