"""What all pages of one instrument share: its book, its bars and its trades as a pyramid. One feed, many eyes."""

import asyncio
import time
import weakref
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from rtlab.book import Bar, BarsView, BookView, TapeView
from rtlab.lab.hub import Followed, Hub, Wish
from rtlab.lab.streams import TAPE_DEPTH
from rtlab.model import Instrument
from rtlab.pipelines import FrameClock
from rtlab.protocol import Applied, Trades
from rtlab.views.bubbles import Trades as Tape
from rtlab.views.depth_history import DepthHistory, Levels
from rtlab.views.page import MarketState
from rtlab.views.past import Past
from rtlab.views.price import Prices

SECOND = 1_000_000_000
BOOK_DEPTH = 100
BARS_KEPT = 300
TRADES_KEPT = 60  # that a page begins its tape with
MOST_POINTS = 5_000_000  # of one instrument's prices; then the older half is forgotten, and counted
BACK_MS = 1000.0  # a market that steps back by more has begun anew
HEALTH_EVERY_S = 0.25  # while nothing else is new
LINGER_S = 10.0  # without a page, until it is given up: one that is loaded again finds its history

TAPE = ("ts", "ticks", "lots", "side")
TapeRow = tuple[int, ...]
Health = Mapping[str, object]


class Eye(Protocol):
    """A page that looks at one instrument."""

    def update(self, state: MarketState) -> None:
        """Bring the page to `state`."""

    def look_again(self) -> None:
        """Begin anew: the shared history is another one now."""


class Watched:
    """One instrument that pages look at; belongs to the client's loop.

    `prices` holds its trades, of which at most MOST_POINTS are kept; `forgotten` counts the others. When no page
    has looked for LINGER_S seconds it ends, with its subscriptions, and calls `on_end`.
    """

    def __init__(
        self,
        hub: Hub,
        instrument: Instrument,
        health: Callable[[], Health],
        hz: float,
        *,
        on_end: Callable[[], object] = lambda: None,
        past: Past | None = None,
    ) -> None:
        self.instrument, self.prices, self.forgotten = instrument, Prices(instrument, past), 0
        self._hub, self._health, self._on_end = hub, health, on_end
        self._eyes: weakref.WeakSet[Eye] = weakref.WeakSet()
        self._fresh: weakref.WeakSet[Eye] = weakref.WeakSet()
        self._recent: deque[TapeRow] = deque(maxlen=TRADES_KEPT)
        self._arrived: list[TapeRow] = []
        self._last: int | None = None
        self._bars_from = 0
        self._depth: tuple[DepthHistory, Tape] | None = None
        self._news = asyncio.Event()
        self.stay()
        symbol = instrument.symbol
        self._book = hub.follow(Wish("book", symbol, BOOK_DEPTH), self._on_news)
        self._bars = hub.follow(Wish("bars", symbol, BARS_KEPT, SECOND), self._on_news)
        self._trades = hub.follow(Wish("trades", symbol, TAPE_DEPTH), self._on_trades)
        if isinstance(tape := _view(self._trades), TapeView):
            self._arrived.extend(tape.rows)  # somebody else follows them already
        self._task = asyncio.get_running_loop().create_task(self._run(FrameClock(hz)))

    def join(self, eye: Eye) -> None:
        """Show `eye` all there is, then what is new, until it leaves or nobody holds it any more."""
        self._eyes.add(eye)
        self._fresh.add(eye)
        self._news.set()

    def leave(self, eye: Eye) -> None:
        """Show `eye` nothing any more."""
        self._eyes.discard(eye)
        self._fresh.discard(eye)

    def depth(self) -> tuple[DepthHistory, Tape]:
        """Give what rested in the book, and the trades, from the first call on: what heat maps share."""
        if self._depth is None:
            self._depth = DepthHistory(self.instrument), Tape()
        return self._depth

    def stay(self) -> None:
        """Wait for a page that is about to come; on the client's loop."""
        self._alone_since = asyncio.get_running_loop().time()

    def close(self) -> None:
        """End what shows; the subscriptions end with the lab's client."""
        self._task.cancel()

    def _is_alone(self, now: float) -> bool:
        if self._eyes:
            self._alone_since = now
        return now - self._alone_since > LINGER_S

    def _end(self) -> None:
        if self.prices.past is not None:
            self.prices.past.close()
        self._hub.leave(self._book, self._on_news)
        self._hub.leave(self._bars, self._on_news)
        self._hub.leave(self._trades, self._on_trades)
        self._on_end()

    def _on_news(self, applied: Applied) -> None:
        self._news.set()

    def _on_trades(self, applied: Applied) -> None:
        if isinstance(applied.message, Trades) and isinstance(tape := _view(self._trades), TapeView):
            self._arrived.extend(tape.news)
            self._news.set()

    def _take(self, rows: list[TapeRow]) -> None:
        held = self.prices.pyramid.x
        if len(held) and rows[-1][0] / 1e6 < held[-1] - BACK_MS:
            self._begin_anew(Prices(self.instrument))
        elif len(held) + len(rows) > MOST_POINTS:
            self.forgotten += len(held) - MOST_POINTS // 2
            self._begin_anew(self.prices.newest(MOST_POINTS // 2))
        self.prices.append(_columns(rows))
        self._recent.extend(rows)
        self._last = rows[-1][1]

    def _begin_anew(self, prices: Prices) -> None:
        self.prices = prices
        for eye in tuple(self._eyes):
            eye.look_again()

    async def _run(self, clock: FrameClock) -> None:
        clock_s = asyncio.get_running_loop().time
        while not self._is_alone(clock_s()):
            try:
                async with asyncio.timeout(HEALTH_EVERY_S):
                    await self._news.wait()
            except TimeoutError:
                pass  # nothing new: the health of the feed is shown all the same
            await asyncio.sleep(clock.wait(clock_s()))
            clock.tick(clock_s())
            self._news.clear()
            self._show()
        self._end()

    def _show(self) -> None:
        rows, self._arrived = self._arrived, []
        if rows:
            self._take(rows)
        book, bars = _view(self._book), _view(self._bars)
        levels = (book.bids(BOOK_DEPTH), book.asks(BOOK_DEPTH)) if isinstance(book, BookView) else ([], [])
        all_bars = bars.rows() if isinstance(bars, BarsView) else []
        trades = _columns(rows[-TRADES_KEPT:]) if rows else None
        if self._depth is not None and isinstance(book, BookView):
            self._remember(*self._depth, levels, rows)
        news = MarketState(*levels, self._last, self._changed(all_bars), trades, self._health())
        for eye in tuple(self._eyes):
            if eye in self._fresh:
                recent = _columns(list(self._recent)) if self._recent else None
                eye.update(news._replace(bars=all_bars, trades=recent))
            else:
                eye.update(news)
        self._fresh.clear()

    def _remember(
        self, history: DepthHistory, tape: Tape, levels: tuple[Levels, Levels], rows: list[TapeRow]
    ) -> None:
        # book and trades by one clock: when they were seen, and what came late as long before that as it is old
        now = time.time_ns()
        history.append(now, *levels)
        if rows:
            newest = max(row[0] for row in rows)
            tape.append(_columns([(now - newest + row[0], *row[1:]) for row in rows]))

    def _changed(self, bars: list[Bar]) -> list[Bar]:
        # newest first: only the open bar of the last look, and what came after it, can have changed
        changed = [bar for bar in bars if bar[0] >= self._bars_from]
        self._bars_from = bars[0][0] if bars else 0
        return changed


def _view(followed: Followed) -> object:
    return followed.subscription.view if followed.subscription is not None else None


def _columns(rows: Sequence[TapeRow]) -> dict[str, list[int]]:
    return {name: [row[i] for row in rows] for i, name in enumerate(TAPE)}
