"""`rtlab.plot`: anybody's time series, at once or as it comes, in a notebook cell or a page."""

import asyncio
import time
import weakref
from collections.abc import AsyncIterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
from panel.viewable import Viewer

from rtlab.errors import DataError, LocalError
from rtlab.pipelines import FrameStream
from rtlab.tabs import Others
from rtlab.views.awaited import Awaited, Tab
from rtlab.views.events import Events
from rtlab.views.layered import LayeredPlot, PlotStatistics
from rtlab.views.pictures import StreamPlot
from rtlab.views.pyramid import Pyramid
from rtlab.views.streams import Feed
from rtlab.views.table import Table, table
from rtlab.views.theme import ThemeName, colours

LIVE_SPAN_MS = 60_000.0


def plot(
    source: object,
    *,
    x: str | None = None,
    y: str | Sequence[str] | None = None,
    x_unit: str | None = None,
    kind: Literal["line", "scatter"] = "line",
    title: str = "",
    span: float | None = None,
    age: float | None = None,
    height: int = 320,
    theme: str = "light",
) -> "DataPlot | StreamPlot":
    """Show a series of any length: every column of numbers is a line, every category an event where it changes.

    `source` is a pandas, polars or pyarrow table or column, a numpy array, columns by name, a pair (x, y), a
    streamz Stream of such tables, of rows by name, of pairs or numbers, or an async iterator of the same; what
    comes without a time is drawn when it came. `x` and `y` name columns: by default the index, or the first
    column of times, and all numbers. With `x_unit` ("s", "ms", "us", "ns") numbers of x are times since 1970; without
    it they stay numbers, and where they look like times the plot says so. `span` (ms, or in x where x is no time) is
    how much is shown at first; points of a stream that are older than `age` may go.

    `kind` "scatter" draws marks instead of lines, at most one in two by two pixels, of an x in any order.

    In a notebook's cell the plot shows itself; in a script `plot(...).show()` opens a page with it. Text is no time
    and no category: `pd.to_datetime(column)` makes times of it, `column.astype("category")` categories. A column
    that is left out is named in the plot.

    DataError says what is wrong with the data. What is wrong with a later part of a stream is shown in the
    plot, which keeps what it had.
    """
    if isinstance(source, str | Path):
        raise DataError(
            "a file is no table",
            expected="what is in it: plot(pandas.read_csv(file)), or pyarrow.csv.read_csv for millions of rows",
            got=str(source),
        )
    if isinstance(source, FrameStream):
        return StreamPlot(source, height=height, theme=theme)
    shown = DataPlot(
        x=x, y=y, x_unit=x_unit, kind=kind, title=title, span=span, age=age, height=height, theme=theme
    )
    if _is_stream(source) or isinstance(source, AsyncIterable):
        shown.follow(source)
    else:
        shown.append(source)
    return shown


def _is_stream(source: object) -> bool:
    return all(hasattr(source, name) for name in ("sink", "upstreams", "downstreams"))


class DataPlot(Awaited):
    """The picture of a caller's own series: made with the first rows, then it grows.

    `view` is the LayeredPlot, None before the first rows. `refused` counts the parts of a stream that could
    not be drawn, the notice in the plot says why the last one could not.
    """

    def __init__(
        self,
        *,
        x: str | None = None,
        y: str | Sequence[str] | None = None,
        x_unit: str | None = None,
        kind: Literal["line", "scatter"] = "line",
        title: str = "",
        span: float | None = None,
        age: float | None = None,
        height: int = 320,
        theme: str = "light",
    ) -> None:
        super().__init__("the first values", height=height)
        if kind not in ("line", "scatter"):
            raise DataError("there is no such kind of plot", expected='"line" or "scatter"', got=kind)
        self._x, self._y, self._unit, self._shape = x, y, x_unit, kind
        self._title, self._span, self._age = title, span, age
        self._theme: ThemeName = colours(theme).name
        self._kind = ""
        self._source: object = None
        self._feed: Feed | asyncio.Task[None] | None = None
        self.view: LayeredPlot | None = None
        self.events = Events()
        self.left_out: tuple[str, ...] = ()
        self._lacks = self._notice = ""
        self.refused = 0
        self._tabs: Others[Tab] = Others()

    def append(self, rows: object) -> None:
        """Add rows behind the last ones; all of them, or none and DataError. Any thread may call it."""
        added = table(_named(rows), x=self._x, y=self._y, x_unit=self._unit)
        if added.kind != (self._kind or added.kind):
            raise DataError("x has changed its kind", expected=self._kind, got=added.kind)
        if self.view is None:
            self.view = self._made(added)
            self._hang(self.view)
            for tab in self._tabs.all():
                tab.take(None)
            return
        if added.counted:
            added = added._replace(x=added.x + self.view.pyramid.total)
        try:
            self.view.pyramid.append(added.x, added.columns)
        except LocalError as problem:
            raise DataError(problem.what, expected=problem.expected, got=problem.got) from None
        self.events.add(added.x, added.events)
        self.view.refresh()
        for view in (self.view, *(tab.view for tab in self._tabs.all())):
            self._mark_events(view)

    def follow(self, source: object) -> None:
        """Show what a streamz Stream or an async iterator brings from now on."""
        if isinstance(source, AsyncIterable):
            try:
                asyncio.get_running_loop()
            except RuntimeError:
                raise DataError(
                    "an async iterator needs a running event loop",
                    expected="a notebook, or an async function",
                ) from None
        self._source = source
        self._start()

    def statistics(self) -> PlotStatistics | None:
        """Say what has been asked, sent and shown; None before the first rows."""
        return self.view.statistics() if self.view is not None else None

    def _made(self, first: Table) -> LayeredPlot:
        values = list(first.columns.values()) or [np.zeros(len(first.x))]
        if len(first.x) and not any(np.isfinite(column).any() for column in values):
            infinite = any(np.isinf(column).any() for column in values)
            got = "only infinite ones" if infinite else "only nan"
            raise DataError("there is nothing to draw in the data", expected="at least one number", got=got)
        columns = first.columns or {"events": np.zeros(len(first.x))}
        if not len(first.x) and self._source is None:
            raise DataError("there is nothing to draw in the data", expected="at least one row", got="none")
        try:
            late = np.inf if self._shape == "scatter" else 0.0
            pyramid = Pyramid(first.x, columns, age=self._age, late=late)
        except LocalError as problem:
            raise DataError(problem.what, expected=problem.expected, got=problem.got) from None
        self._kind, self.left_out = first.kind, first.left_out
        left = f"left out, neither numbers nor times: {', '.join(self.left_out)}" if self.left_out else ""
        self._lacks = "; ".join(filter(None, (left, first.hint)))
        self.events.add(first.x, first.events)
        is_time = first.kind == "time"
        live = LIVE_SPAN_MS if is_time else 1000.0
        view = LayeredPlot(
            pyramid,
            title=self._title,
            y_label=next(iter(columns)) if len(columns) == 1 and next(iter(columns)) != "y" else "",
            x="time" if is_time else "number",
            span=self._span or (live if self._source is not None else None),
            height=self._height,
            theme=self._theme,
            kind=self._shape,
            on_window=lambda x0, x1: self._mark_events(self.view),
        )
        view.overlay.hint = self._lacks
        if self._source is not None:
            view.refresh()
        return view

    def _mark_events(self, view: Viewer | None) -> None:
        if isinstance(view, LayeredPlot) and view.window is not None and len(self.events):
            now = self.events.within(*view.window)
            if now != view.overlay.events:
                view.overlay.events = now

    def _for_a_tab(self) -> Tab:
        self._start()
        tab = self._tabs.add(Tab(self._waits_for, self._another, height=self._height))
        if self.view is None and self._notice:
            tab.say(self._notice)
        return tab

    def _another(self) -> LayeredPlot | None:
        if self.view is None:
            return None
        made: LayeredPlot = self.view.another(on_window=lambda x0, x1: self._mark_events(made))
        return made

    def _show(self, came: object) -> None:
        try:
            self.append(came)
        except DataError as problem:
            self.refused += 1
            self._say(str(problem))
        else:
            self._say("")

    def _say(self, notice: str) -> None:
        self._notice = notice
        if self.view is None:
            if notice:
                self._hang(_message(notice))
                for tab in self._tabs.all():
                    tab.say(notice)
        elif self.view.overlay.notice != notice:
            self.view.overlay.notice = notice

    def _start(self) -> None:
        if self._source is None or self._feed is not None:
            return
        if isinstance(self._source, AsyncIterable):
            self._feed = asyncio.get_running_loop().create_task(_drain(self._source, weakref.ref(self)))
        else:
            self._feed = Feed(cast(FrameStream, self._source), self)

    def _stop(self) -> None:
        feed, self._feed = self._feed, None
        if isinstance(feed, Feed):
            feed.end()
        elif feed is not None:
            feed.cancel()

    def __repr__(self) -> str:
        held = "waiting for its first values" if self.view is None else repr(self.view.pyramid)
        left = f", left out: {', '.join(self.left_out)}" if self.left_out else ""
        return f"DataPlot({held}{left})"


async def _drain(source: AsyncIterable[object], there: "weakref.ref[DataPlot]") -> None:
    came = False
    async for one in source:
        came = True
        if (shown := there()) is None:
            return
        shown.take(one)
        del shown
    if not came and (shown := there()) is not None:
        shown._say("the stream ended without a value")


def _message(text: str) -> Any:
    import panel as pn

    return pn.pane.Str(text, styles={"padding": "12px"})  # type: ignore[no-untyped-call]


def _named(rows: object) -> object:
    """Give what came as something that has rows: a number or a row by name came at this moment."""
    now = np.array([time.time_ns()]).astype("M8[ns]")
    if isinstance(rows, bool | int | float | np.number):
        return {"time": now, "y": np.array([float(rows)])}
    if isinstance(rows, tuple) and len(rows) == 2 and np.ndim(cast(Any, rows[0])) == 0:
        return np.atleast_1d(cast(Any, rows[0])), np.atleast_1d(cast(Any, rows[1]))
    if isinstance(rows, Mapping) and rows and all(np.ndim(cast(Any, value)) == 0 for value in rows.values()):
        return {name: np.atleast_1d(np.asarray(_stamp(value))) for name, value in rows.items()}
    return rows


def _stamp(value: object) -> object:
    """Give a datetime as numpy knows it, in UTC; all else as it is."""
    if hasattr(value, "timestamp") and hasattr(value, "astimezone"):
        return np.datetime64(int(value.timestamp() * 1e9), "ns")
    return value
