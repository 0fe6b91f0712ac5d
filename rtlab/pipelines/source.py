"""A frame source: what a client brings, row by row, goes out as frames at the rate of a clock."""

import asyncio
import logging
from collections.abc import Sequence
from typing import NamedTuple, Self

from rtlab.errors import ClosedError, ConfigError, LocalError
from rtlab.model import Instrument
from rtlab.pipelines.buffers import QuoteBuffer, TradeBuffer, TradeRow
from rtlab.pipelines.clock import FrameClock
from rtlab.pipelines.frame import Integers
from rtlab.pipelines.loop import Failure, OwnersLoop, running_loop
from rtlab.pipelines.stream import FrameStream, dismantle, root

log = logging.getLogger("rtlab.pipelines")

CHANNELS: dict[str, type[TradeBuffer] | type[QuoteBuffer]] = {
    "trades": TradeBuffer,
    "ticker": QuoteBuffer,
    "book": QuoteBuffer,
}


class FrameSourceStatistics(NamedTuple):
    """What went through a source, and what did not."""

    frames: int  # given to the graph
    full: int  # of them, those that went out before their tick because they were full
    rows: int  # in those frames
    pending: int  # rows that wait for the next frame
    dropped: int  # trades that the graph was too busy for, oldest first
    merged: int  # quotes that the graph was too busy for, replaced by newer ones
    missed: int  # trades whose sequence numbers never came
    repeated: int  # trades that had come before
    errors: int  # failures of functions in the graph


class FrameSource:
    """Collects the rows of one instrument and channel and emits them on `stream`, a graph that it owns.

    A frame goes out when the clock ticks (`hz`) and there is something to tell, or as soon as it has `limit`
    rows. While asynchronous functions of the graph are busy with a frame, at most `limit` rows wait: of trades
    the oldest are dropped, of quotes the newest kept, both counted. Its methods are called from the thread of
    the owner, whose event loop runs it (`start`, `run`); without a loop, `flush` emits. `close` ends the graph.

    `channel` is trades, or ticker or book for quotes. ConfigError for another, or for a rate or limit that
    makes no sense. Trades that are missing are told by a warning of the logger `rtlab.pipelines` too.
    """

    def __init__(self, instrument: Instrument, channel: str, *, hz: float = 30, limit: int = 10_000) -> None:
        if channel not in CHANNELS:
            raise ConfigError(
                "no frames of this channel", expected=f"one of {', '.join(CHANNELS)}", got=channel
            )
        if limit < 1:
            raise ConfigError("a frame's limit is out of range", expected="at least 1 row", got=limit)
        self.instrument, self.channel = instrument, channel
        self._buffer: TradeBuffer | QuoteBuffer = CHANNELS[channel]()
        self._limit, self._clock = limit, FrameClock(hz)
        self._loop = OwnersLoop()
        self.stream: FrameStream = root(f"{channel} {instrument.symbol}", channel, self._loop)
        self.stream.taken_from = self._buffer
        self._arrived = asyncio.Event()
        self._frames = self._full = self._rows = self._told = 0
        self._emitting = self._started = self._closed = False
        self._settling: asyncio.Task[None] | None = None
        if running_loop() is not None:
            self._loop.bind()

    def on_trades(self, rows: Sequence[TradeRow] | Integers, first_seq: int, *, epoch: int = 0) -> None:
        """Take trades number `first_seq` on, as rows (ts_event, ticks, lots, aggressor side).

        Rows that were taken before are left out; a new `epoch` counts from anew. Raises ClosedError after
        `close`, LocalError for a source of quotes and for rows of another form.
        """
        self._check_open()
        if not isinstance(self._buffer, TradeBuffer):
            raise LocalError("trades were given to a source of quotes", got=self.channel)
        self._buffer.add(rows, first_seq, epoch)
        self._take_in()
        self._tell_losses(self._buffer)

    def on_quote(
        self, ts: int, seq: int, bid: int | None, bid_qty: int, ask: int | None, ask_qty: int
    ) -> None:
        """Take a quote: ts in ns, prices in ticks, quantities in lots; None or quantity 0 is an empty side.

        Raises ClosedError after `close`, LocalError for a source of trades.
        """
        self._check_open()
        if not isinstance(self._buffer, QuoteBuffer):
            raise LocalError("a quote was given to a source of trades", got=self.channel)
        self._buffer.add(ts, seq, bid, bid_qty, ask, ask_qty)
        self._take_in()

    def flush(self) -> int:
        """Emit what waits, now, in frames of at most `limit` rows; give the number of rows.

        0 while the graph is still busy with the frame before. ClosedError after `close`.
        """
        self._check_open()
        rows = self._rows
        while self._buffer.rows and not self._busy:
            self._emit()
        return self._rows - rows

    def start(self, loop: asyncio.AbstractEventLoop | None = None) -> None:
        """Begin to emit in a task on `loop` (default: the running one). Start once; ClosedError after `close`."""
        self._begin()
        if loop is None:
            self._start_here()
        else:
            loop.call_soon_threadsafe(self._start_here)

    async def run(self) -> None:
        """Emit a frame at each tick that finds rows, until `close` or cancelled. In place of `start`, once."""
        self._begin()
        await self._emit_at_ticks()

    def close(self) -> None:
        """End the graph: no task, node or reference of it stays. Rows that wait are not emitted."""
        if self._closed:
            return
        self._closed = True
        self._arrived.set()
        self._loop.close()
        dismantle(self.stream)

    async def stop(self) -> None:
        """Close, and wait until no task is left."""
        self.close()
        await self._loop.wait_closed()

    def failures(self) -> list[Failure]:
        """Give the last failures of functions in the graph, at most 100, oldest first."""
        return list(self._loop.failed)

    def statistics(self) -> FrameSourceStatistics:
        """Give the counters."""
        buffer = self._buffer
        return FrameSourceStatistics(
            frames=self._frames,
            full=self._full,
            rows=self._rows,
            pending=buffer.rows,
            dropped=buffer.dropped if isinstance(buffer, TradeBuffer) else 0,
            merged=buffer.merged if isinstance(buffer, QuoteBuffer) else 0,
            missed=buffer.missed if isinstance(buffer, TradeBuffer) else 0,
            repeated=buffer.repeated if isinstance(buffer, TradeBuffer) else 0,
            errors=self._loop.failures,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        self.start()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.stop()

    @property
    def _busy(self) -> bool:
        return self._emitting or (self._settling is not None and not self._settling.done())

    def _check_open(self) -> None:
        if self._closed:
            raise ClosedError(f"the frame source of {self.stream.name} is closed")

    def _begin(self) -> None:
        self._check_open()
        if self._started:
            raise LocalError(f"the frame source of {self.stream.name} was started before")
        self._started = True

    def _start_here(self) -> None:
        if not self._closed:
            self._loop.run(self._emit_at_ticks())

    async def _emit_at_ticks(self) -> None:
        self._loop.bind()
        time = asyncio.get_running_loop().time
        while not self._closed:
            await self._arrived.wait()
            await asyncio.sleep(self._clock.wait(time()))
            if self._settling is not None:
                await asyncio.wait([self._settling])
            if not self._closed:
                self._clock.tick(time())
                self.flush()

    def _take_in(self) -> None:
        while self._buffer.rows >= self._limit and not self._busy:
            self._full += 1
            self._emit()
        self._buffer.cut(self._limit)
        if self._buffer.rows:
            self._arrived.set()

    def _tell_losses(self, buffer: TradeBuffer) -> None:
        # at the first loss, and whenever there are twice as many as were told
        lost = buffer.missed + buffer.dropped
        if lost < max(1, 2 * self._told):
            return
        self._told = lost
        log.warning(
            "stream %s: %d trades are missing from what is computed: %d were left out by the server, because this "
            "program read too slowly, and %d by the graph, because its functions were too slow",
            *(self.stream.name, lost, buffer.missed, buffer.dropped),
        )

    def _emit(self) -> None:
        frame = self._buffer.take(self._limit, self.instrument, self.channel)
        self._frames += 1
        self._rows += frame.rows
        self._emitting = True
        try:
            pending = self.stream._emit(frame)
        finally:
            self._emitting = False
        self._settling = self.stream.settle_soon(pending) if pending else None
        if not self._buffer.rows:
            self._arrived.clear()
