"""A line of any number of points, in a notebook cell or a served page, that moves and can be moved."""

import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Literal, NamedTuple

import numpy as np
import panel as pn
from bokeh.plotting import figure
from numpy.typing import ArrayLike
from panel.viewable import Viewable, Viewer

from rtlab.errors import ConfigError
from rtlab.tabs import Others, Tabbed
from rtlab.views.beat import Pace
from rtlab.views.checked import pixels
from rtlab.views.dense import AXIS_PX, dense_figure, paint
from rtlab.views.host import SENDING, backend, push
from rtlab.views.overlay import WIDEST, Ask, Heard, Hello, Overlay, Painted
from rtlab.views.past import Past
from rtlab.views.pyramid import Pyramid
from rtlab.views.scatter import CELL_PX, Scatter, Shown
from rtlab.views.still import STILL_PX, Still, picture, told
from rtlab.views.theme import ThemeName, colours
from rtlab.views.viewport import Moving, News, Points, joined, window
from rtlab.views.wire import at_home

_FEW = 64  # so many numbers are sent as text, in base64: a third longer than as bytes, but two frames fewer


class PlotStatistics(NamedTuple):
    """What a `LayeredPlot` has done.

    `asked` windows were wanted by the browser, `answered` were sent, `dropped` came so late that the
    browser had left them, `refused` messages made no sense. `python_p50_ms` and `python_p95_ms` are
    the time from the question to the columns, of the last 1,000 answers. `shown` points are drawn of the
    `held` ones, of all lines. Of the repaints of the moving window `drawn` were sent, `merged` were overtaken
    by a newer.
    """

    asked: int
    answered: int
    dropped: int
    refused: int
    python_p50_ms: float
    python_p95_ms: float
    shown: int
    held: int
    drawn: int
    merged: int
    live: bool
    output_backend: str


class LayeredPlot(Tabbed, Viewer):
    """The line of a `Pyramid`: drawn densely below, and above it what the mouse and the orders move.

    Each value column of the pyramid is a line, and where there are several a legend names them and hides them.
    The wheel zooms about the cursor, dragging pans, a double click goes back to the newest point. The
    y axis fits what is visible. While the newest point is in the window, it stays there: the plot
    follows, and only what is new is sent.

    x is "time", in milliseconds since 1970 (see `milliseconds`), or "number". `span` is how much of x is
    shown at first; None shows all there is. `height` is in pixels; None fills the place. `on_window(x0, x1)`
    is called whenever the browser has been sent another window. Plots of one `group` on a page share the
    crosshair and the window. `past` is what lies before the pyramid: read when somebody pans there. `kind` "scatter"
    draws marks in place of lines, at most one in two by two pixels. y is written with `decimals`; None: as many as
    each number has.
    """

    def __init__(
        self,
        pyramid: Pyramid | None = None,
        *,
        title: str = "",
        y_label: str = "",
        x: Literal["time", "number"] = "time",
        span: float | None = None,
        height: int | None = 320,
        theme: ThemeName = "light",
        on_window: Callable[[float, float], None] | None = None,
        group: str = "",
        past: Past | None = None,
        kind: Literal["line", "scatter"] = "line",
        decimals: int | None = None,
    ) -> None:
        if x not in ("time", "number"):
            raise ConfigError("the caller's kind of x is unknown", expected='"time" or "number"', got=x)
        if kind not in ("line", "scatter"):
            raise ConfigError("there is no such kind of plot", expected='"line" or "scatter"', got=kind)
        if span is not None and not (np.isfinite(span) and span > 0):
            raise ConfigError("the caller's span cannot be shown", expected="a finite number > 0", got=span)
        super().__init__()  # type: ignore[no-untyped-call]
        self._colours = colours(theme)
        self.pyramid = Pyramid() if pyramid is None else pyramid
        self._title, self._y_label, self._time_axis, self._span = title, y_label, x == "time", span
        self._height = height = None if height is None else pixels(height)
        self.overlay = Overlay(
            self._heard,
            self._left,
            self._colours,
            time_axis=self._time_axis,
            names=self.pyramid.names,
            still=Still(self._picture),
        )
        self._kind, self._decimals = kind, decimals
        self.overlay.decimals = -1 if decimals is None else decimals
        self.overlay.sparse = f"≤ 1 in {CELL_PX} × {CELL_PX} px" if kind == "scatter" else ""
        place = (
            {"sizing_mode": "stretch_width", "height": height} if height else {"sizing_mode": "stretch_both"}
        )
        self._visual = pn.Column(self.overlay, margin=0, min_height=180, **place)
        self.overlay.group = group
        self.window: tuple[float, float] | None = None
        """What the browser shows of x, as far as is known; None before it shows anything."""
        self._on_window, self.past, self._problem = on_window, past, ""
        self._figure: figure | None = None
        self._pace = Pace()
        self._mount, self._view, self._moving = "", -1, None  # type: str, int, Moving | None
        self._asked = self._answered = self._dropped = self._shown = self._refreshed = 0
        self._others: Others[LayeredPlot] = Others()
        self._python_ms: deque[float] = deque(maxlen=1000)

    def __panel__(self) -> Viewable:
        return self._visual

    def another(self, *, on_window: Callable[[float, float], None] | None = None) -> "LayeredPlot":
        """Give a view of the same points for another tab: it shows what this one is given, and moves by itself.

        `on_window` is called in place of this view's.
        """
        made = LayeredPlot(
            self.pyramid,
            title=self._title,
            y_label=self._y_label,
            x="time" if self._time_axis else "number",
            span=self._span,
            height=self._height,
            theme=self.theme,
            on_window=on_window or self._on_window,
            group=self.overlay.group,
            past=self.past,
            kind=self._kind,
            decimals=self._decimals,
        )
        made._refreshed = self._refreshed
        self.overlay.share_with(made.overlay)
        return self._others.add(made)

    def _for_a_tab(self) -> "LayeredPlot":
        return self.another()

    @property
    def theme(self) -> ThemeName:
        """Whether it is "light" or "dark"; may be changed at any time."""
        return self._colours.name

    @theme.setter
    def theme(self, theme: ThemeName) -> None:
        self._colours = colours(theme)
        self.overlay.wear(self._colours)
        if (plot := self._figure) is not None:
            push(self._visual, lambda: paint(plot, self._colours))
        for other in self._others.all():
            other.theme = theme

    @property
    def follow(self) -> bool:
        """Whether the window moves with the newest point; set it to go there, or to stay."""
        return self._moving is not None

    @follow.setter
    def follow(self, follow: bool) -> None:
        for one in (self, *self._others.all()):
            one.overlay.send({"type": "follow", "on": follow})

    def append(self, x: ArrayLike, y: ArrayLike) -> None:
        """Add points and show them; LocalError as of `Pyramid.append`. Any thread may call it."""
        self.pyramid.append(x, y)
        self.refresh()

    def refresh(self) -> None:
        """Show what others have added to the pyramid. At most 30 times a second something is sent."""
        self._refreshed += 1
        if self._moving is not None:
            self._pace.mark(self, self._send_news)
            self._flush()
        for other in self._others.all():
            other.refresh()

    def statistics(self) -> PlotStatistics:
        """Say what has been asked, sent and shown so far."""
        with SENDING:
            p50, p95 = np.percentile(self._python_ms, [50, 95]) if self._python_ms else (0.0, 0.0)
            pace = self._pace.statistics()
            return PlotStatistics(
                asked=self._asked,
                answered=self._answered,
                dropped=self._dropped,
                refused=self.overlay.refused,
                python_p50_ms=float(p50),
                python_p95_ms=float(p95),
                shown=self._shown,
                held=self._held(),
                drawn=pace.drawn,
                merged=pace.merged,
                live=self.follow,
                output_backend="" if self._figure is None else str(self._figure.output_backend),
            )

    def _held(self) -> int:
        older = 0 if self.past is None else len(self.past.pyramid)
        return (len(self.pyramid) + older) * len(self.pyramid.names)

    def _flush(self) -> None:
        if self.overlay.seen:
            for draw in self._pace.take(time.monotonic_ns()):
                # what is called with a new window may change models
                if self._on_window is not None or not at_home(self.overlay, draw):
                    push(self.overlay, draw)

    def _heard(self, message: Heard) -> None:
        # one lock for all of it: columns and news must leave in the order in which they were cut
        with SENDING:
            match message:
                case Hello():
                    self._greet(message)
                case Ask() if message.mount == self._mount:
                    self._answer(message)
                case Painted() if message.mount == self._mount:
                    self._pace.painted(message.drawing)
                    self._dropped, self._shown = message.dropped, message.shown
        self._flush()

    def _left(self) -> None:
        self._mount, self._moving, self.window = "", None, None

    def _greet(self, hello: Hello) -> None:
        """Serve the newest browser that shows the plot; a figure can only be in one place."""
        if hello.mount != self._mount:  # else it did not hear yet that it was heard
            self._mount, self._moving = hello.mount, None
            self._pace.restart()
        if self._figure is None:
            self._figure = self._build(hello)
            pane = pn.pane.Bokeh(self._figure, margin=0, sizing_mode="stretch_both")  # type: ignore[no-untyped-call]
            self._visual.append(pane)
            self.overlay.figure_id = self._figure.id
        self.overlay.show_marks()

    def _cells(self, width: int, height: int) -> tuple[int, Scatter | None]:
        """Give into how many columns a place of so many pixels is cut, and for a scatter into which rows."""
        if self._kind == "line":
            return width, None
        return max(1, width // CELL_PX), Scatter(max(1, (height or self._height or 320) // CELL_PX))

    def _build(self, hello: Hello) -> figure:
        x0, x1 = self._extent()
        width, scatter = self._cells(int(min(max(hello.width - AXIS_PX, 50), WIDEST)), 0)
        return dense_figure(
            window(self.pyramid, x0, x1, width, None, scatter),
            backend(hello.renderer),
            self._colours,
            names=self.pyramid.names,
            title=self._title,
            y_label=self._y_label,
            time_axis=self._time_axis,
            kind=self._kind,
            decimals=self._decimals,
        )

    def _picture(self) -> tuple[str, str]:
        x0, x1 = self.window or self._extent()
        title = self._title or self._y_label or ", ".join(self.pyramid.names)
        drawn = picture(
            window(self.pyramid, x0, x1, STILL_PX),
            self._colours,
            title=title,
            time_axis=self._time_axis,
            dots=self._kind == "scatter",
        )
        first, last = (told(x, time_axis=self._time_axis) for x in (x0, x1))
        return drawn, f"{title}: {self._held():,} points; shown from {first} to {last}"

    def _extent(self) -> tuple[float, float]:
        x = self.pyramid.x
        end = float(x[-1]) if len(x) else self._now()
        if self._span is None and len(x) and x[0] < end:
            return float(x[0]), end
        return end - (self._span or (60_000.0 if self._time_axis else 1000.0)), end

    def _now(self) -> float:
        return time.time() * 1000 if self._time_axis else 0.0

    def _answer(self, ask: Ask) -> None:
        began = time.perf_counter()
        self._asked += 1
        self._view, self._moving = ask.view, None
        shown = frozenset(range(len(self.pyramid.names))) - set(ask.hidden) if ask.hidden else None
        if ask.live:
            span = ask.x1 - ask.x0
            width, scatter = self._cells(ask.width, ask.height)
            self._moving = Moving(self.pyramid, span, width, now=self._now(), shown=shown, scatter=scatter)
            self._pace.restart()
            news = self._moving.whole()
            self._tell("")
        else:
            news = self._still(ask, shown)
        self._python_ms.append((time.perf_counter() - began) * 1000)
        self._send(news, answer=True)
        self._answered += 1

    def _still(self, ask: Ask, shown: Shown, *, again: bool = False) -> News:
        width, scatter = self._cells(ask.width, ask.height)
        cut = window(self.pyramid, ask.x0, ask.x1, width, shown, scatter)
        problem = ""
        if self.past is not None and len(self.pyramid) and ask.x0 < (first := float(self.pyramid.x[0])):
            # what failed is tried again by the next window alone
            failed = again and self.past.problem != ""
            if failed or self.past.want(ask.x0, ask.x1, first, self, partial(self._come, ask, shown)):
                problem = self.past.problem
            cut = joined(window(self.past.pyramid, ask.x0, ask.x1, width, shown, scatter), cut)
        self._tell(problem)
        x0, x1, lines, y0, y1, merged = cut
        none = tuple(Points(x[:0], y[:0]) for x, y in lines)
        return News(x0, x1, lines, none, y0, y1, True, merged)

    def _come(self, ask: Ask, shown: Shown) -> bool:
        """Draw a window again of which more has been read, if it is still the one that is looked at."""

        def again() -> None:
            with SENDING:
                if (ask.mount, ask.view) == (self._mount, self._view):
                    self._send(self._still(ask, shown, again=True))

        return (ask.mount, ask.view) == (self._mount, self._view) and push(self.overlay, again)

    def _tell(self, problem: str) -> None:
        """Say why what lies before memory cannot be shown, as long as it is looked at."""
        if problem != self._problem:
            self._problem = self.overlay.notice = problem

    def _send_news(self) -> None:
        with SENDING:
            news = self._moving.news() if self._moving is not None else None
            if news is None:
                self._pace.painted(self._pace.statistics().drawn)  # nothing to paint is painted
            else:
                self._send(news)

    def _send(self, news: News, *, answer: bool = False) -> None:
        pyramid, points = self.pyramid, news.points
        message: dict[str, object] = {
            "type": "columns",
            "answer": answer,
            "mount": self._mount,
            "view": self._view,
            "live": self.follow,
            "whole": news.whole,
            "drawing": self._pace.statistics().drawn,
            "x0": news.x0,
            "x1": news.x1,
            "y0": news.y0,
            "y1": news.y1,
            "points": news.text if len(points) <= _FEW else points,
            "lines": [[len(a.x), len(b.x)] for a, b in zip(news.closed, news.open, strict=True)],
            "merged": news.merged,
            "overtaken": self._pace.statistics().merged,
            "held": self._held(),
            "streaming": self._refreshed > 0,
        }
        if len(pyramid):
            first = float(pyramid.x[0])
            if self.past is not None:
                first = self.past.begin(first, news.x1 - news.x0)
            message.update(first=first, last=float(pyramid.x[-1]), last_y=_last(pyramid))
        self.overlay.send(message)
        self.window = news.x0, news.x1
        if self._on_window is not None:
            self._on_window(news.x0, news.x1)


def _last(pyramid: Pyramid) -> list[float | None]:
    values = (float(pyramid.values(i)[-1]) for i in range(len(pyramid.names)))
    return [value if np.isfinite(value) else None for value in values]
