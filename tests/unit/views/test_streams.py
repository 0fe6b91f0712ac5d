import asyncio
import gc
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextvars import ContextVar

import pytest
from support.flowing import Trades, sinks

from rtlab.pipelines import Frame, FrameStream
from rtlab.views.curves import Curve
from rtlab.views.pictures import StreamPlot
from rtlab.views.streams import MOST_WAITING, Feed


class Album:
    def __init__(self) -> None:
        self.frames: list[Frame] = []

    def take(self, frame: Frame) -> None:
        self.frames.append(frame)


@pytest.fixture
def trades() -> Iterator[Trades]:
    made = Trades()
    yield made
    made.source.close()


def test_every_stream_and_node_has_both(trades: Trades) -> None:
    for stream in (trades.stream, trades.stream.bars("1s"), trades.stream.map(lambda frame: frame)):
        assert isinstance(stream.plot(), StreamPlot)
        assert isinstance(stream.to_holoviews().rtlab_curve, Curve)


def test_a_feed_passes_every_frame_on(trades: Trades) -> None:
    album = Album()
    Feed(trades.stream, album)
    trades.come(3)
    trades.come(4)
    assert [frame.rows for frame in album.frames] == [3, 4]


def test_a_feed_does_not_keep_what_it_feeds_and_ends_without_it(trades: Trades) -> None:
    album = Album()
    Feed(trades.stream, album)
    assert sinks(trades.stream) == 1
    del album
    gc.collect()
    trades.come()
    assert sinks(trades.stream) == 0


def test_a_feed_that_was_ended_passes_nothing_on(trades: Trades) -> None:
    album = Album()
    feed = Feed(trades.stream, album)
    feed.end()
    feed.end()
    trades.come()
    assert album.frames == []


def test_a_feed_ended_by_what_it_feeds_leaves_the_others(trades: Trades) -> None:
    album, other = Album(), Album()
    feeds = [Feed(trades.stream, album), Feed(trades.stream, other)]
    album.take = lambda frame: feeds[0].end()
    trades.come()
    trades.come()
    assert len(other.frames) == 2
    assert sinks(trades.stream) == 1


def test_importing_the_module_loads_neither_panel_nor_holoviews() -> None:
    code = "import sys, rtlab.views.streams; print({'panel', 'holoviews', 'bokeh'} & set(sys.modules))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert out.stdout.strip() == "set()"


def test_importing_the_views_is_enough() -> None:
    code = "import rtlab.views, rtlab.pipelines as p; print(hasattr(p.FrameStream, 'plot'))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert out.stdout.strip() == "True"
    assert hasattr(FrameStream, "to_holoviews")


async def test_in_a_running_loop_frames_are_shown_in_its_own_thread(trades: Trades) -> None:
    class Names:
        def __init__(self) -> None:
            self.names: list[str] = []

        def take(self, frame: Frame) -> None:
            self.names.append(threading.current_thread().name)

    shown = Names()
    feed = Feed(trades.stream, shown)
    await asyncio.to_thread(trades.come, 3)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert shown.names == ["MainThread"]
    feed.end()


async def test_frames_are_shown_in_a_context_of_their_own_whatever_page_their_stream_is_of(
    trades: Trades,
) -> None:
    page: ContextVar[str] = ContextVar("page", default="none")

    class Pages:
        def __init__(self) -> None:
            self.seen: list[str] = []

        def take(self, frame: Frame) -> None:
            self.seen.append(page.get())

    shown = Pages()
    feed = Feed(trades.stream, shown)
    page.set("another")
    trades.come(1)
    await asyncio.sleep(0)
    assert shown.seen == ["none"]
    feed.end()


async def test_while_the_loop_is_busy_a_bounded_number_waits_and_the_oldest_go(trades: Trades) -> None:
    album = Album()
    feed = Feed(trades.stream, album)
    for _ in range(MOST_WAITING + 5):
        trades.come(1)
    assert album.frames == []
    await asyncio.sleep(0)
    assert len(album.frames) == MOST_WAITING
    assert feed.dropped == 5
    assert album.frames[0]["seq"][0] == 6
