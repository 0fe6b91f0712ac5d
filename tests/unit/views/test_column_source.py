import gc
import json
import weakref
from functools import partial

import numpy as np
import pytest
from bokeh.core.serialization import Serializer
from bokeh.document import Document
from bokeh.models import ColumnDataSource
from support.frames import random_trades, trades

import rtlab.views.streams  # noqa: F401  gives streams their `to_source`
from rtlab.errors import ConfigError
from rtlab.pipelines import Frame
from rtlab.pipelines.loop import OwnersLoop
from rtlab.pipelines.stream import FrameStream, root
from rtlab.views import column_source


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
    stream, document, sent = begun(), Document(), []
    fed(stream, random_trades(1, 100))
    source = stream.to_source()
    document.add_root(source)
    document.on_change(sent.append)
    stream._emit(trades([(1, 2, 3, 0)], 101))
    (event,) = sent
    assert {name: len(column) for name, column in event.data.items()} == dict.fromkeys(source.data, 1)


def bokehs_own(source: ColumnDataSource, frame: Frame, rollover: int) -> None:
    columns = {name: column.copy() for name, column in frame.columns.items()}
    columns["start"] = columns["start"] / 1e6
    if not source.data:
        source.data = columns
        return
    starts = source.data["start"].tolist()
    first = starts.index(columns["start"][0])
    known = len(starts) - first
    source.patch({name: [(slice(first, first + known), column[:known])] for name, column in columns.items()})
    if known < frame.rows:
        source.stream({name: column[known:] for name, column in columns.items()}, rollover)


def note(heard: list, attr: str, old: dict, new: dict) -> None:
    heard.append((attr, {name: len(column) for name, column in old.items()}, len(new["open"])))


def told(events: list, source: ColumnDataSource) -> str:
    words = [event.to_serializable(Serializer(deferred=False)) for event in events]
    return json.dumps(words, default=vars).replace(source.id, "the source")


@pytest.mark.parametrize("rollover", [3, 1000])
def test_document_and_listeners_are_told_what_bokeh_itself_would_tell(rollover):
    stream = begun()
    bars, sources = stream.bars("1s"), [ColumnDataSource(), ColumnDataSource()]
    events: list[list] = [[], []]
    heard: list[list] = [[], []]
    for source, told_here, heard_here in zip(sources, events, heard, strict=True):
        document = Document()
        document.add_root(source)
        document.on_change(told_here.append)
        source.on_change("data", partial(note, heard_here))
    bars.sink(lambda frame: column_source.take(sources[0], frame, rollover))
    bars.sink(lambda frame: bokehs_own(sources[1], frame, rollover))
    fed(stream, random_trades(1, 1500), 250)
    ours, theirs = map(told, events, sources)
    assert ours == theirs
    assert heard[0] == heard[1]
    assert {event.kind for event in events[0]} == {"ColumnDataChanged", "ColumnsPatched", "ColumnsStreamed"}
    assert all(np.array_equal(sources[0].data[name], column) for name, column in sources[1].data.items())


def test_what_listeners_were_given_stays_as_it_was():
    stream, given = begun(), []
    source = stream.to_source()
    source.on_change("data", lambda attr, old, new: given.append(old))
    fed(stream, random_trades(1, 150))
    assert [len(old.get("ts", ())) for old in given] == [0, 50, 100]


def test_columns_that_somebody_made_lists_go_on():
    stream, rows = begun(), random_trades(1, 100)
    source = stream.to_source()
    fed(stream, rows[:50])
    source.data = {name: list(column) for name, column in source.data.items()}
    stream._emit(trades(rows[50:], 51))
    assert np.asarray(source.data["ticks"]).tolist() == rows[:, 1].tolist()


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
