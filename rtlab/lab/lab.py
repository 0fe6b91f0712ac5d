"""What notebooks and dashboards hold: one object that owns lifetimes and wires the rest, nothing more."""

import asyncio
import atexit
import os
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Self

from rtlab.client import Client
from rtlab.client import connect as connect_client
from rtlab.config import Settings, load
from rtlab.errors import ClosedError, ConfigError, InstrumentError, RtlabError, StoreError
from rtlab.lab.hub import Followed, Hub, Wish
from rtlab.lab.live import LiveBook
from rtlab.lab.loop import LabLoop, runs_here
from rtlab.lab.process import ServerProcess
from rtlab.model import Instrument

if TYPE_CHECKING:
    import pyarrow as pa

    from rtlab.alerts import Alert
    from rtlab.lab.alerts import Alerts, Watch
    from rtlab.lab.board import Board
    from rtlab.lab.dashboard import Dashboard, Kind
    from rtlab.lab.eyes import Watched
    from rtlab.lab.grids import Grid
    from rtlab.lab.history import Recording
    from rtlab.lab.streams import Streams
    from rtlab.model.instrument import Number
    from rtlab.pipelines import FrameStream
    from rtlab.store import Store
    from rtlab.views.past import Past

BOOK_DEPTH = 100
CLOSE_S = 10.0


class Lab:
    """A live market: its books, streams and dashboard, over one connection that comes back by itself.

    Made by `rtlab.demo()`, `rtlab.live(source)` or `rtlab.connect(url)`. In a script they return when the feed is
    there; where an event loop runs (Jupyter) they return at once, and `await lab` waits. `close` it, or use `with`
    or `async with`.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        url: str | None = None,
        source: str | None = None,
        instruments: tuple[Instrument, ...] = (),
    ) -> None:
        self.settings, self.url = settings, url or ""
        self.hub = Hub()
        self.loop = LabLoop()
        self._streams: Streams | None = None
        self._instruments = {one.symbol: one for one in instruments}
        self._watched: dict[str, Watched] = {}
        self._board: Board | None = None
        self._recordings: list[Recording] = []
        self._alerts: Alerts | None = None
        self._client: Client | None = None
        self._server = ServerProcess(_server_arguments(settings, source)) if url is None else None
        self._closed = False
        self._leaving = asyncio.Lock()
        self._opener: asyncio.Task[None] | None = None
        self._opening = self.loop.start(self._open())
        atexit.register(self.close)
        if not runs_here():
            self._wait_until_open()

    @property
    def symbols(self) -> list[str]:
        """The symbols of the feed; empty while it is not known yet."""
        return list(self._instruments)

    def instrument(self, symbol: str) -> Instrument:
        """Give one instrument of the feed; InstrumentError when it has none of that symbol."""
        self._check_open()
        if symbol in self._instruments:
            return self._instruments[symbol]
        if not self._instruments:
            raise InstrumentError(
                "the lab is not connected yet, so it knows no instruments", expected="`await lab`"
            )
        known = ", ".join(self._instruments)
        raise InstrumentError("the feed has no such instrument", expected=f"one of {known}", got=symbol)

    def book(self, symbol: str) -> LiveBook:
        """Give the live book of an instrument: it prints itself, `.frame()` is a DataFrame."""
        instrument = self.instrument(symbol)
        followed = self.loop.call(lambda: self.hub.follow(Wish("book", symbol, BOOK_DEPTH)))
        book = LiveBook(instrument, followed, self.loop, lambda: self._first_state(followed))
        if not runs_here():
            self.loop.wait(self._first_state(followed))
        return book

    def stream(self, channel: str, symbol: str) -> "FrameStream":
        """Give the stream of frames of `trades`, or of quotes (`ticker`), of an instrument; shared by all who ask."""
        from rtlab.lab.streams import Streams  # late: the server starts before numba is loaded
        from rtlab.pipelines.analytics import kernels

        instrument = self.instrument(symbol)
        # here, and not with the first row: the feed would have to wait for it, and leave out trades
        import_module("pandas")
        kernels.warm()

        def stream() -> "FrameStream":
            if self._streams is None:
                self._streams = Streams(self.hub, hz=self.settings.frame_hz)
            return self._streams.of(channel, instrument)

        return self.loop.call(stream)

    def dashboard(
        self, symbol: str | None = None, *, theme: str | None = None, kind: "Kind" = "market"
    ) -> "Dashboard":
        """Give a live page for a notebook cell or a Panel server: "market", or "depth" with the heat map of a book.

        `theme` None is as the reader prefers.
        """
        self._check_open()
        from rtlab.lab.dashboard import Dashboard  # late: panel costs seconds

        return Dashboard(self, symbol=symbol, theme=theme, kind=kind)

    def watch(self, *, theme: str | None = None) -> "Grid":
        """Give the watch page, live: all instruments at a glance; `theme` None is as the reader prefers."""
        from rtlab.lab.grids import Grid  # late: panel costs seconds

        board = self.board()
        return Grid("Instruments", board.metrics, board.lookers, written=board.written, theme=theme)

    def board(self) -> "Board":
        """Give what all watch pages share; begun at the first call, kept while the lab lives."""
        self._check_open()
        from rtlab.lab.board import Board  # late: panel costs seconds

        def make() -> Board:
            if self._board is None:
                self._board = Board(self.hub, self._instruments, self._health)
            return self._board

        return self.loop.call(make)

    def watched(self, symbol: str) -> "Watched":
        """Give what all pages of an instrument share; begun at the first call, kept while somebody looks."""
        from rtlab.lab.eyes import Watched  # late: panel costs seconds

        instrument = self.instrument(symbol)

        def watch() -> Watched:
            if symbol not in self._watched:
                self._watched[symbol] = Watched(
                    self.hub,
                    instrument,
                    self._health,
                    self.settings.frame_hz,
                    on_end=lambda: self._watched.pop(symbol, None),
                    past=self._past(instrument),
                )
            self._watched[symbol].stay()
            return self._watched[symbol]

        return self.loop.call(watch)

    @property
    def alerts(self) -> "Alerts":
        """The desk of this lab's alerts: what they said last, and what became of it."""
        self._check_open()
        if self._alerts is None:
            from rtlab.lab.alerts import Alerts  # late: it starts a bus

            name, url = self.settings.alerts, self.settings.bus_url
            self._alerts = Alerts(self.loop, self.hub, self._link, bus_url=url, name=name)
        return self._alerts

    def alert(
        self,
        symbol: str,
        *,
        above: "Number | None" = None,
        below: "Number | None" = None,
        spread: "Number | None" = None,
        silent: float | None = None,
        gap: bool = False,
        webhook: str = "",
        then: "Callable[[Alert], object] | None" = None,
        rest_s: float = 10.0,
    ) -> "Watch":
        """Tell when the last price is at or `above` or `below` a line, the `spread` is that wide, the feed has been
        `silent` for so many seconds (it pings each second), or something of it was lost (`gap`): one condition.

        It is told once when that begins, by the bus: to the desk (`lab.alerts`), to `then`, and to `webhook`, where
        it is posted as JSON until it is taken or has failed six times. What ends and begins again within `rest_s`
        seconds is told once when they are over, with how often it was.
        """
        from rtlab.alerts import rule_for
        from rtlab.alerts.webhook import checked

        if then is not None and not callable(then):
            raise ConfigError(
                "the caller's `then` is no function", expected="one that takes an alert", got=then
            )
        instrument = self.instrument(symbol)
        rule = rule_for(instrument, above=above, below=below, spread=spread, silent=silent, gap=gap)
        return self.alerts.watch(rule, webhook=checked(webhook) if webhook else "", then=then, rest_s=rest_s)

    def record(self, folder: "str | Path | None" = None) -> "Recording":
        """Record the feed from now on into `folder` (None: a temporary one), in a process of its own."""
        self._check_open()
        from rtlab.lab.history import Recording  # late: pyarrow costs half a second

        if not runs_here():
            self._opening.result()
        recording = Recording(self.loop, self.url, None if folder is None else Path(folder))
        self._recordings.append(recording)
        return recording

    def history(self, channel: str, symbol: str, span: str = "1h") -> "pa.Table":
        """Give the last `span` (as 30s, 5m, 1h, 7d) of recorded rows of `trades` or `book`, hot and cold as one.

        StoreError when nothing is recorded: `record()`, or the setting `store`.
        """
        self._check_open()
        from rtlab.store.moments import span_ns

        with self._store() as store:
            return _last(store, channel, symbol, span_ns(span))

    @contextmanager
    def _store(self) -> Iterator["Store"]:
        from rtlab.store import Store  # late: pyarrow costs half a second

        if self._recordings:
            yield self._recordings[-1].store
        elif self.settings.store == "none":
            raise StoreError("this lab has no history", expected="lab.record(), or the setting store")
        else:
            with Store(self.settings.store) as store:
                yield store

    def _past(self, instrument: Instrument) -> "Past | None":
        if not self._recordings and self.settings.store == "none":
            return None
        from rtlab.lab.past import past_of  # late: pyarrow costs half a second

        return past_of(instrument, self._store)

    def statistics(self) -> Mapping[str, tuple[object, ...]]:
        """Count what was sent, merged, dropped, lost and found again: named tuples by part of the lab."""
        return self.loop.call(self._count)

    async def ready(self) -> Self:
        """Wait until the feed is there; AddressError, UnreachableError or RefusedError when it cannot be."""
        try:
            await asyncio.shield(asyncio.wrap_future(self._opening))
        except RtlabError:
            await self.aclose()
            raise
        return self

    def __await__(self) -> Generator[object, None, Self]:
        return self.ready().__await__()

    def close(self) -> None:
        """Leave the feed, end the demo's server, and wait for both. Idempotent."""
        if not self.loop.loop.is_closed():
            atexit.unregister(self.close)
            self.loop.wait(self._leave(), CLOSE_S)
            self.loop.close()

    async def aclose(self) -> None:
        """Do what `close` does, and keep nobody waiting meanwhile."""
        await asyncio.to_thread(self.close)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return await self.ready()

    async def __aexit__(self, *problem: object) -> None:
        await self.aclose()

    @property
    def closed(self) -> bool:
        """Whether it was left."""
        return self._closed

    def _repr_mimebundle_(self, *arguments: object, **named: object) -> object:
        from rtlab.lab.showing import bundle  # late: panel costs seconds

        return bundle(self, *arguments, **named)

    def __repr__(self) -> str:
        if self._closed:
            return "<rtlab.Lab, closed>"
        state = "starting" if self._client is None else self._state(self._client)
        return f"<rtlab.Lab {self.url or 'demo'}, {state}: {', '.join(self.symbols) or 'no instruments yet'}>"

    async def _first_state(self, followed: Followed) -> None:
        if not self._opening.done():
            await asyncio.wrap_future(self._opening)
        if self._client is not None and followed.subscription is not None:
            await self._client.ready(followed.subscription)

    def _wait_until_open(self) -> None:
        try:
            self._opening.result()
        except BaseException:
            self.close()
            raise

    async def _open(self) -> None:
        self._opener = asyncio.current_task()
        try:
            if self._server is not None:
                self.url = await self._server.start()
            self._client = self._make_client()
            await self._client.__aenter__()
            self._instruments |= await self._client.instruments()
        except BaseException:
            await self._leave()
            raise
        self.hub.attach(self._client)

    def _make_client(self) -> Client:
        if self._server is not None:
            return connect_client(self.url)
        token, ca_file = (
            None if text == "none" else text for text in (self.settings.token, self.settings.ca_file)
        )
        return connect_client(self.url.split(","), token=token, ca_file=ca_file)

    async def _leave(self) -> None:
        if self._opener is not None and self._opener is not asyncio.current_task():
            self._opener.cancel()
            await asyncio.wait([self._opener])
        async with self._leaving:
            self._closed = True
            for watched in self._watched.values():
                watched.close()
            if self._board is not None:
                self._board.close()
            for recording in self._recordings:
                await recording.end()
            if self._streams is not None:
                self._streams.close()
            if self._alerts is not None:
                await self._alerts.close()
            if self._client is not None:
                await self._client.close()
            if self._server is not None:
                await self._server.close()

    def _count(self) -> Mapping[str, tuple[object, ...]]:
        found: dict[str, tuple[object, ...]] = {}
        if self._streams is not None:
            found |= self._streams.statistics()
        if self._client is not None:
            client = self._client.statistics()
            found |= {"link": client, "reader": client.reader}
        if self._alerts is not None:
            found |= {"alerts": self._alerts.statistics(), **self._alerts.bus_statistics()}
        for number, recording in enumerate(self._recordings):
            found["recorder" if not number else f"recorder {number + 1}"] = recording.statistics()
        return found

    def _link(self) -> tuple[float, int]:
        # seconds since the feed said anything, and how often something of it was lost
        if self._client is None:
            return -1.0, 0
        link = self._client.statistics()
        lost = link.lost + link.reader.gaps + link.reader.checksum_failures
        lost += sum(one.standing.unrecorded for one in self._recordings)
        return link.staleness_ms / 1e3 if link.staleness_ms >= 0 else -1.0, lost

    def _state(self, client: Client) -> str:
        state = str(client.state)
        return client.treatment if state == "live" else state

    def _health(self) -> Mapping[str, object]:
        if self._client is None:
            return {"state": "connecting"}
        link = self._client.statistics()
        told = link.reader._asdict()
        return {
            **told,
            "state": self._state(self._client),
            "staleness_ms": link.staleness_ms,
            **self._recorded(),
        }

    def _recorded(self) -> Mapping[str, object]:
        # shown where something is recorded: how far behind that is, and what was given up for it
        if not self._recordings:
            return {}
        told = [one.statistics() for one in self._recordings]
        return {
            "recorder_lag_s": max(one.lag_s for one in told),
            "unrecorded": sum(one.unrecorded for one in told),
        }

    def _check_open(self) -> None:
        if self._closed:
            raise ClosedError("this lab is closed", expected="a new rtlab.demo() or rtlab.connect(url)")


def _last(store: "Store", channel: str, symbol: str, span: int) -> "pa.Table":
    return store.read(channel, symbol, store.newest(symbol) - span)


def demo(**flags: object) -> Lab:
    """Start a simulated market, its engine and its feed in a process of its own, and connect to it.

    `flags` are settings, as rate=10_000 or seed=7; ConfigError for an unknown one.
    """
    return demo_with(load(environ=os.environ, flags=flags))


def live(source: str, **flags: object) -> Lab:
    """Follow a live venue in a process of its own, and connect to it: `rtlab.live("binance:BTCUSDT,ETHUSDT")`.

    A source is one of the venues that are known (`binance`, `binance-usdm`, `kraken`, `coinbase`) or any other of ccxt
    (`ccxt.okx:BTC/USDT`). A book that its venue does not prove any more is empty within two seconds. AddressError
    says what the venue did not list or answer.
    """
    return live_with(load(environ=os.environ, flags=flags), source)


def connect(url: str, **flags: object) -> Lab:
    """Connect to the feed at `url`, as ws://host:8765; UnreachableError when nobody answers there.

    Several gateways of it are divided by commas. Token and certificates are the settings `token` and `ca_file`.
    """
    return connect_with(load(environ=os.environ, flags=flags), url)


def demo_with(settings: Settings) -> Lab:
    """Give a demo with these settings."""
    from rtlab.sources.simulated import demo_instruments

    return Lab(settings, instruments=demo_instruments())


def live_with(settings: Settings, source: str) -> Lab:
    """Follow the live venue that `source` names with these settings."""
    from rtlab.sources.venues.directory import wanted

    wanted(source)  # what is wrong with the name is told here, not by a process
    return Lab(settings, source=source)


def connect_with(settings: Settings, url: str) -> Lab:
    """Connect to `url` with these settings."""
    return Lab(settings, url=url)


def _server_arguments(settings: Settings, source: str | None = None) -> list[str]:
    if source is not None:
        return [
            *("--host", "127.0.0.1", "--port", "0"),
            *("--source", source, "--venue-url", settings.venue_url),
        ]
    return [
        *("--host", "127.0.0.1", "--port", "0"),
        *("--rate", str(settings.rate), "--seed", str(settings.seed)),
        *("--messages", settings.messages),
    ]
