import asyncio
import gc
import weakref
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import streamz
from support.fake_page import FakePage

import rtlab
from rtlab.errors import ConfigError, DataError
from rtlab.pipelines import FrameStream
from rtlab.views.own import DataPlot
from rtlab.views.pictures import StreamPlot

N = 100_000
FRAME = pd.DataFrame(
    {"bid": np.arange(float(N)), "ask": np.arange(float(N)) + 1},
    index=pd.date_range("2024", periods=N, freq="s"),
)


class Browser:
    """Opens a plot and says that it is there, as a browser does."""

    def __init__(self, shown: DataPlot) -> None:
        self.shown, self.page = shown, FakePage(shown)
        overlay = shown.view.overlay
        self.page.say(overlay, {"type": "hello", "mount": "m", "renderer": "llvmpipe", "width": 900})

    def ask(self, x0: float, x1: float, *, hidden: tuple[int, ...] = ()) -> dict:
        question = {"type": "ask", "mount": "m", "view": 0, "x0": x0, "x1": x1, "width": 800, "live": False}
        self.page.say(self.shown.view.overlay, {**question, "hidden": list(hidden)})
        return self.page.of("columns")[-1]


def test_every_column_of_numbers_is_a_line():
    shown = rtlab.plot(FRAME, title="Quotes")
    assert shown.view.pyramid.names == ("bid", "ask")
    assert repr(shown) == f"DataPlot({shown.view.pyramid!r})"
    browser = Browser(shown)
    columns = browser.ask(*shown.view._extent())
    assert len(columns["lines"]) == 2
    assert all(800 < closed <= 3202 for closed, _ in columns["lines"])
    assert shown.view._figure.title.text == "Quotes"
    browser.page.close()


def test_a_hidden_line_is_not_sent_and_the_range_is_of_the_others():
    shown = rtlab.plot({"low": np.arange(100.0), "high": np.arange(100.0) + 1000})
    browser = Browser(shown)
    both = browser.ask(0, 100)
    one = browser.ask(0, 100, hidden=(1,))
    assert both["y1"] > 1000 > one["y1"]
    assert [sum(line) for line in one["lines"]] == [100, 0]
    browser.page.close()


def test_a_stream_of_frames_of_the_lab_keeps_its_own_picture():
    from rtlab.pipelines import FrameStream

    assert isinstance(rtlab.plot(FrameStream()), StreamPlot)


@pytest.mark.parametrize("file", ["my.csv", Path("my.csv")])
def test_a_file_is_told_how_to_become_a_table(file):
    with pytest.raises(
        DataError, match=r"a file is no table: .* plot\(pandas.read_csv\(file\)\).* got my.csv"
    ):
        rtlab.plot(file)


def test_text_that_is_left_out_is_told():
    shown = rtlab.plot(pd.DataFrame({"y": [1.0, 2.0], "note": ["a", "b"]}))
    assert shown.left_out == ("note",)
    assert "left out: note" in repr(shown)
    assert shown.view.overlay.hint == "left out, neither numbers nor times: note"


def test_categories_are_events_of_the_window():
    state = pd.Categorical(["open"] * 50 + ["halt"] * 50)
    shown = rtlab.plot(pd.DataFrame({"y": np.arange(100.0), "state": state}))
    browser = Browser(shown)
    browser.ask(40.0, 60.0)
    assert [event.label for event in shown.view.overlay.events] == ["halt"]
    assert list(browser.page.of("marks")[-1]["events"]) == [{"x": 50.0, "label": "halt", "colour": "muted"}]
    browser.page.close()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (([1, 3, 2], [1, 2, 3]), "x decreases at position 2: expected x >= 3.0, got 2.0"),
        (([1, 2, 3], [1, 2]), "y and x do not belong together: expected 3 values, got 2"),
        (
            [np.nan, np.nan],
            "there is nothing to draw in the data: expected at least one number, got only nan",
        ),
        (pd.DataFrame({"y": ["a", "b"]}), "expected a column of numbers, got only text in y"),
        (np.empty(0), "there is nothing to draw in the data: expected at least one row, got none"),
        (
            [1.0, np.inf],
            "y at position 1 cannot be drawn: expected a finite number, or nan for a gap, got inf",
        ),
        ([np.inf, np.inf], "expected at least one number, got only infinite ones"),
    ],
)
def test_bad_input_is_one_clear_message(source, message):
    with pytest.raises(DataError, match=message) as caught:
        rtlab.plot(source)
    assert caught.value._render_traceback_() == [f"DataError: {caught.value}"]


@pytest.mark.parametrize(
    ("later", "message"),
    [
        ({"a": [4.0]}, "a column of the caller's vanished: expected a, b, got no b"),
        ({"a": [4.0], "b": [np.inf]}, "b at position 0 cannot be drawn"),
        ({"a": ["x"], "b": ["y"]}, "only text in a, b"),
        ({"a": [4.0, 5.0], "b": [1.0]}, "b and x do not belong together"),
    ],
)
def test_what_is_bad_later_is_shown_and_the_plot_keeps_what_it_had(later, message):
    stream = streamz.Stream()
    shown = rtlab.plot(stream)
    stream.emit({"a": [1.0, 2.0], "b": [3.0, 4.0]})
    stream.emit(later)
    assert message in shown.view.overlay.notice
    assert (len(shown.view.pyramid), shown.refused) == (2, 1)


def test_a_good_part_takes_the_message_away():
    stream = streamz.Stream()
    shown = rtlab.plot(stream)
    for part in (([1.0], [1.0]), ([0.5], [1.0]), ([2.0], [7.0])):
        stream.emit((np.array(part[0]), np.array(part[1])))
        told = shown.view.overlay.notice
        assert bool(told) == (part[0] == [0.5]), told
    assert shown.view.pyramid.y.tolist() == [1.0, 7.0]


MS = 1_700_000_000_000 + np.arange(100)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ((MS, np.arange(100.0)), 'x is drawn as plain numbers; if these are times, say x_unit="ms"'),
        (
            pd.DataFrame({"ts": MS, "y": 1.0}),
            'ts is drawn as a line; if it holds times, say x="ts", x_unit="ms"',
        ),
        (pd.Series(1.0, index=MS // 1000), 'x is drawn as plain numbers; if these are times, say x_unit="s"'),
        (
            pd.DataFrame({"note": ["a"] * 100, "y": 1.0}, index=MS),
            "left out, neither numbers nor times: note; x is",
        ),
        ((np.arange(100), np.arange(100.0)), ""),
        (FRAME, ""),
    ],
)
def test_numbers_that_may_be_times_are_not_taken_for_them_in_silence(source, told):
    shown = rtlab.plot(source)
    assert shown.view.overlay.hint.startswith(told)
    assert bool(shown.view.overlay.hint) == bool(told)
    assert shown.view.overlay.notice == ""  # nothing is wrong


def test_with_its_unit_x_is_a_time():
    shown = rtlab.plot(pd.DataFrame({"ts": MS * 10**6, "y": 1.0}), x="ts", x_unit="ns")
    assert shown.view.overlay.hint == ""
    assert shown.view._time_axis
    assert shown.view.pyramid.x.tolist() == MS.tolist()
    stream = streamz.Stream()
    shown = rtlab.plot(stream, x="ts", x_unit="s")
    stream.emit({"ts": 1_700_000_000.5, "y": 4.0})
    assert shown.view.pyramid.x.tolist() == [1_700_000_000_500]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"x_unit": "h"}, "there is no such unit of x: expected s, ms, us, ns, got h"),
        ({"kind": "bars"}, 'there is no such kind of plot: expected "line" or "scatter", got bars'),
    ],
)
def test_a_setting_that_there_is_not_is_told(settings, message):
    with pytest.raises(DataError, match=message):
        rtlab.plot(pd.Series(1.0, index=MS), **settings)
    with pytest.raises(DataError, match="there is no x that could be times"):
        rtlab.plot([1.0, 2.0], x_unit="s")


@pytest.mark.parametrize("height", ["big", 0, 200.5, True, None])
@pytest.mark.parametrize("source", [[1.0, 2.0], FrameStream()])
def test_a_height_that_is_no_number_of_pixels_is_told(height, source):
    with pytest.raises(ConfigError, match=r"no number of pixels: expected a whole number > 0"):
        rtlab.plot(source, height=height)


def test_an_x_of_text_is_told_with_the_mend():
    frame = pd.DataFrame({"time": ["2024-03-01 10:00", "2024-03-01 10:01"], "y": [1.0, 2.0]})
    mend = r"x is text: expected .*: pandas\.to_datetime\(df{}\) makes times of it, got '2024-03-01 10:00'"
    for settings in ({}, {"x_unit": "s"}):
        with pytest.raises(DataError, match=mend.format(r'\["time"\]')):
            rtlab.plot(frame, x="time", **settings)
    with pytest.raises(DataError, match=mend.format(r"\.index")):
        rtlab.plot(frame.set_index("time"))
    assert rtlab.plot(frame.assign(time=pd.to_datetime(frame["time"])), x="time").view is not None


def test_a_scatter_takes_x_in_any_order_and_sends_one_mark_a_cell():
    random = np.random.default_rng(3)
    x, y = random.standard_normal((2, N))
    shown = rtlab.plot((x, y), kind="scatter")
    assert shown.view.overlay.sparse == "≤ 1 in 2 × 2 px"
    assert len(shown.view.pyramid) == N
    browser = Browser(shown)
    columns = browser.ask(-4.0, 4.0)
    ((marks, more),) = columns["lines"]
    assert more == 0
    assert columns["merged"] == N - marks - np.count_nonzero(np.abs(x) > 4)
    points = np.asarray(columns["points"]).reshape(2, -1)
    cells = set(zip((points[0] // 0.02).tolist(), (points[1] // 2**-5).tolist(), strict=True))
    assert len(cells) > marks * 0.98 > 10_000
    assert {tuple(one) for one in points.T.tolist()} <= set(zip(x.tolist(), y.tolist(), strict=True))
    assert shown.view._figure.renderers[0].glyph.fill_color == browser.shown.view._colours.accent
    browser.page.close()


def test_a_scatter_of_a_stream_takes_points_from_anywhere():
    stream = streamz.Stream()
    shown = rtlab.plot(stream, kind="scatter")
    for x in (5.0, 1.0, 3.0):
        stream.emit((x, x * x))
    assert shown.view.pyramid.x.tolist() == [1.0, 3.0, 5.0]
    assert shown.refused == 0


@pytest.mark.parametrize(
    ("parts", "x", "y"),
    [
        ([(1, 5.0), (2, 6.0)], [1.0, 2.0], [5.0, 6.0]),
        ([{"t": datetime(2024, 1, 1, tzinfo=UTC), "y": 5.0}], [1704067200000.0], [5.0]),
        ([pd.Series([1.0, 2.0], index=[3, 4], name="y")], [3.0, 4.0], [1.0, 2.0]),
    ],
)
def test_a_stream_brings_pairs_rows_or_tables(parts, x, y):
    stream = streamz.Stream()
    shown = rtlab.plot(stream)
    for part in parts:
        stream.emit(part)
    assert (shown.view.pyramid.x.tolist(), shown.view.pyramid.y.tolist()) == (x, y)


def test_rows_without_an_x_are_counted_on():
    stream = streamz.Stream()
    shown = rtlab.plot(stream)
    stream.emit([1.0, 2.0])
    stream.emit(np.array([3.0]))
    assert shown.view.pyramid.x.tolist() == [0.0, 1.0, 2.0]


def test_plain_numbers_are_drawn_when_they_came():
    stream = streamz.Stream()
    shown = rtlab.plot(stream)
    before = datetime.now(UTC).timestamp() * 1000
    for value in (1, 2.5, np.float32(3)):
        stream.emit(value)
    assert shown.view.pyramid.y.tolist() == [1, 2.5, 3]
    assert before - 1 <= shown.view.pyramid.x[0] <= shown.view.pyramid.x[-1]


def test_before_the_first_value_the_plot_says_that_it_waits():
    shown = rtlab.plot(streamz.Stream())
    assert shown.view is None
    assert shown.statistics() is None
    assert "Waiting for the first values" in shown._place[0].object
    assert repr(shown) == "DataPlot(waiting for its first values)"


def test_a_bad_first_part_is_told_in_the_place_of_the_plot():
    stream = streamz.Stream()
    shown = rtlab.plot(stream)
    stream.emit("words")
    assert "this cannot be drawn" in shown._place[0].object
    stream.emit([1.0, 2.0])
    assert len(shown.view.pyramid) == 2


def test_a_closed_plot_leaves_its_stream():
    stream = streamz.Stream()
    shown = rtlab.plot(stream)
    assert len(stream.downstreams) == 1
    shown.close()
    shown.close()
    assert len(stream.downstreams) == 0


def test_old_points_of_a_stream_may_go():
    stream = streamz.Stream()
    shown = rtlab.plot(stream, age=1000.0)
    for start in range(0, 600_000, 20_000):
        x = np.arange(start, start + 20_000)
        stream.emit((x, x))
    assert shown.statistics().held < 400_000
    assert shown.view.pyramid.total == 600_000


async def numbers(count: int):
    for i in range(count):
        yield i, float(i * i)
        await asyncio.sleep(0)


async def test_an_async_iterator_is_shown_as_it_comes():
    shown = rtlab.plot(numbers(20))
    while shown.view is None or len(shown.view.pyramid) < 20:
        await asyncio.sleep(0.001)
    assert shown.view.pyramid.y[-1] == 361.0


async def test_an_iterator_that_ends_at_once_says_so():
    shown = rtlab.plot(numbers(0))
    while "Waiting" in shown._place[0].object:
        await asyncio.sleep(0.001)
    assert shown._place[0].object == "the stream ended without a value"


async def test_an_iterator_of_a_plot_that_nobody_holds_is_left():
    async def forever():
        while True:
            yield 1.0
            await asyncio.sleep(0)

    shown = rtlab.plot(forever())
    there, task = weakref.ref(shown), shown._feed
    del shown
    for _ in range(1000):
        await asyncio.sleep(0)
        gc.collect() if there() else None
        if task.done():
            break
    assert there() is None
    assert task.done()


def test_an_async_iterator_needs_a_loop():
    with pytest.raises(DataError, match="an async iterator needs a running event loop"):
        rtlab.plot(numbers(1))


def test_what_is_printed_says_what_is_shown():
    shown = rtlab.plot(np.arange(5.0))
    assert str(shown) == repr(shown)
    assert str(shown).startswith("DataPlot(Pyramid(5 points")


def test_a_tab_shows_the_same_rows_with_the_events_of_its_own_window():
    stream = streamz.Stream()
    plot = rtlab.plot(stream)
    early = plot._for_a_tab()
    stream.emit({"a": ["only text"]})
    assert "nothing to draw" in early._place[0].object
    assert "nothing to draw" in plot._for_a_tab()._place[0].object
    state = pd.Categorical(["open", "halt", "open", "halt"])
    stream.emit(pd.DataFrame({"y": np.arange(4.0), "state": state}))
    browser = Browser(early)
    browser.ask(0.5, 1.5)
    assert [one.label for one in early.view.overlay.events] == ["halt"]
    assert plot.view.overlay.events == ()
    assert early.view.pyramid is plot.view.pyramid
    browser.page.close()
