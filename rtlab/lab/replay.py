"""Send a recording the whole way, source to book to gateway to socket to client, and judge what arrives."""

import asyncio
import time
from collections.abc import Callable, Iterator
from typing import NamedTuple

from rtlab.book import BookView
from rtlab.client import Client, connect
from rtlab.config import Settings
from rtlab.errors import UnreachableError
from rtlab.lab.pace import check_speed, play
from rtlab.lab.server import MarketServer, until_ended
from rtlab.model import DepthSnapshot, DepthUpdate, MarketMessage, Quote
from rtlab.sources import Binance, Lobster, LobsterCheck, OracleStatistics, QuoteOracle, Step

WINDOW_NS = 5_000_000  # messages that came within this are published together


class Verdict(NamedTuple):
    """What a checked replay found. `lines` tell it to a person; one that is not `is_whole` was cut short."""

    holds: bool
    lines: list[str]
    is_whole: bool = True

    def complaint(self, what: str) -> str:
        """Give what is wrong with `what` that was replayed; empty when it holds."""
        if self.holds:
            return ""
        return f"{what} does not hold: see above" if self.is_whole else f"{what} was not played to its end"


class Progress:
    """How far a replay has come: chunks played, the market's own time in ns, and whether that was all of them."""

    def __init__(self, on_step: Callable[[int, int], None]) -> None:
        self.played = self.first_ns = 0
        self.is_whole = False
        self._on_step = on_step

    def step(self, ts: int) -> None:
        """Count one chunk at `ts`."""
        self.first_ns = self.first_ns or ts
        self.played += 1
        self._on_step(self.played, ts - self.first_ns)


class Replay:
    """One recording through one server. `speed` 1.0 is as recorded, None as fast as possible."""

    def __init__(
        self, source: Binance | Lobster, settings: Settings, *, speed: float | None, verify: bool
    ) -> None:
        self.source, self.speed, self.verify = source, check_speed(speed), verify
        self.patience_s = 30.0  # how long the reader may stand still
        self.server = MarketServer(source.instruments, settings)
        self.symbol = source.instruments[0].symbol
        self._oracle = QuoteOracle()
        self._check = LobsterCheck(source, self.server.engine) if isinstance(source, Lobster) else None
        self._arrived = asyncio.Event()
        self._view: BookView | None = None

    async def run(
        self,
        ended: asyncio.Event,
        on_ready: Callable[[str], None],
        on_step: Callable[[int, int], None] = lambda played, ns: None,
    ) -> Verdict | None:
        """Serve and play until the recording or `ended` comes; give the verdict of a checked replay.

        One that `ended` cut short does not hold, whatever was found by then: the rest was not looked at.
        """
        progress = Progress(on_step)

        def counted() -> Iterator[tuple[int, object]]:
            for ts, chunk in self._chunks():
                yield ts, chunk
                progress.step(ts)
            progress.is_whole = True

        async with self.server:
            on_ready(self.server.gateway.url)
            if not self.verify:
                await until_ended(play(counted(), self._publish, speed=self.speed), ended)
                return None
            async with connect(self.server.gateway.url) as client:
                await self._follow(client)
                begin = time.monotonic()
                await until_ended(play(counted(), self._publish_and_wait, speed=self.speed), ended)
                await self._caught_up()
                verdict = self._verdict(client, progress.played, time.monotonic() - begin)
                return verdict if progress.is_whole else _partial(verdict, progress.played)

    def _chunks(self) -> Iterator[tuple[int, object]]:
        if isinstance(self.source, Lobster):
            return ((step.row.ts, step) for step in self.source)
        if self.verify:  # one by one: the reader has to stand at every update that a quote may judge
            return ((message.ts_recv, [message]) for message in self.source)
        return iter(self.source.chunks(WINDOW_NS))

    def _publish(self, chunk: object) -> None:
        if isinstance(chunk, Step):
            assert self._check is not None
            for events in self._check.step(chunk):
                self.server.market.apply(events)
            self.server.gateway.publish()
        else:
            assert isinstance(chunk, list)
            self._judge(chunk)

    def _judge(self, messages: list[MarketMessage]) -> None:
        for message in messages:
            if isinstance(message, Quote):
                self._oracle.quote(message)
            elif isinstance(message, DepthUpdate | DepthSnapshot):
                for reached in self.server.market.apply_depth(self.symbol, message):
                    self._oracle.reached(*reached)
            else:
                self.server.market.apply_trade(message)
        self.server.gateway.publish()

    async def _publish_and_wait(self, chunk: object) -> None:
        self._publish(chunk)
        if isinstance(chunk, list):
            await self._caught_up()

    async def _follow(self, client: Client) -> None:
        subscription = client.subscribe("book", self.symbol)
        view = subscription.view
        assert isinstance(view, BookView)
        self._view = view
        client.on_applied(lambda applied: self._observe(view))
        await client.ready(subscription)

    def _observe(self, view: BookView) -> None:
        if isinstance(self.source, Binance):
            best = [levels[0] if levels else None for levels in (view.bids(1), view.asks(1))]
            self._oracle.observe(view.seq, *best)
        self._arrived.set()

    async def _caught_up(self) -> None:
        assert self._view is not None
        book = self.server.market.book(self.symbol)
        try:
            async with asyncio.timeout(self.patience_s):
                while self._view.seq < book.seq:
                    self._arrived.clear()
                    await self._arrived.wait()
        except TimeoutError:
            raise UnreachableError(
                f"the reader stands still at {self._view.seq} of {book.seq} for {self.patience_s:g} s"
            ) from None

    def _verdict(self, client: Client, played: int, seconds: float) -> Verdict:
        assert self._view is not None
        book, reader = self.server.market.book(self.symbol), client.statistics().reader
        same = (self._view.bids(), self._view.asks()) == (book.bids(), book.asks())
        came = (
            f"client: {reader.messages:,} messages, {reader.gaps} gaps, {reader.resyncs} resyncs, "
            f"{reader.checksum_failures} checksum failures, book {'equal to' if same else 'DIFFERENT from'} "
            f"the server's at {self._view.seq:,}"
        )
        lines = [f"{played:,} steps in {seconds:.1f} s", came]
        holds = same and not reader.gaps and not reader.checksum_failures
        if self._check is not None:
            report = self._check.report()
            return Verdict(holds and report.unexplained == 0, lines + report.lines())
        gaps = self.server.market.state(self.symbol).venue.statistics().gaps
        found = self._oracle.statistics()
        lines += [f"venue: {gaps} gaps", *_oracle_lines(found)]
        lines += [f"different: {one}" for one in self._oracle.differences]
        return Verdict(holds and gaps == 0 and 0 < found.points == found.equal, lines)


def _partial(verdict: Verdict, played: int) -> Verdict:
    line = f"ended after {played:,} steps, before the recording was: this is not about the whole of it"
    return Verdict(False, [*verdict.lines, line], is_whole=False)


def _oracle_lines(found: OracleStatistics) -> list[str]:
    return [
        f"client's book against bookTicker at equal update ids: {found.equal} of {found.points}"
        f" (different {found.different}, skipped {found.skipped}, waiting {found.waiting})"
    ]
