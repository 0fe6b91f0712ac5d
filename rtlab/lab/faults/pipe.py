"""One direction of a bad line: bytes in, the same bytes out, later, slower, in other pieces. Bounded."""

import asyncio
from collections import deque
from collections.abc import Callable
from random import Random

RETRANSMIT_S = (
    0.2  # what the first loss of a segment costs: TCP's shortest time-out; each further one twice as much
)
LOSSES = 6  # in a row, at most
STEP_S = 0.05  # between two looks at what may have changed meanwhile
GLUE_S = 0.05  # how long bytes wait for others at most
SLOW_S = 0.25  # of a throttled line: what is on its way


class Quality:
    """How a line behaves, in both directions. Change any attribute at any time: it acts at once.

    Times in seconds. `loss` is the share of segments that are lost: TCP sends them again, so they come late, and all
    that follows behind them. `bytes_per_s` None is as fast as it goes. `split` cuts into pieces of 1 to so many
    bytes, `glue` holds bytes back until there are so many (0: neither). While `stalled` nothing moves and the
    sender feels it; while `deaf` (half-open) all is taken and thrown away and no end is told, so a connection that
    lost something by it is reset when it is over.
    """

    def __init__(self) -> None:
        self.heal()

    def heal(self) -> None:
        """Make it a good line again."""
        self.delay_s = self.jitter_s = self.loss = 0.0
        self.bytes_per_s: float | None = None
        self.split = self.glue = 0
        self.stalled = self.deaf = False

    @property
    def is_prompt(self) -> bool:
        """Whether nothing comes late."""
        return self.delay_s == self.jitter_s == self.loss == 0.0

    def late_s(self, random: Random) -> float:
        """Draw by how much a segment is late."""
        late, wait, losses = self.delay_s + random.random() * self.jitter_s, RETRANSMIT_S, 0
        while losses < LOSSES and random.random() < self.loss:
            late, wait, losses = late + wait, 2 * wait, losses + 1
        return late


class Pipe:
    """Carries bytes from `reader` to `writer` by `quality`; holds at most `most` bytes, then it reads no more.

    What is drawn depends on the random numbers and on how TCP cuts what it delivers, on nothing else. `spoil` may
    change what is delivered. `held` bytes are inside now, `carried` came through, `lost` were thrown away.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        quality: Quality,
        random: Random,
        most: int,
        spoil: Callable[[bytes], bytes] = lambda segment: segment,
    ) -> None:
        self.held = self.carried = self.lost = 0
        self._reader, self._writer, self._quality, self._random = reader, writer, quality, random
        self._most, self._spoil = most, spoil
        self._segments: deque[tuple[float, bytes]] = deque()
        self._changed = asyncio.Event()
        self._ended = False

    async def run(self) -> None:
        """Carry until the reader's end has been told to the writer; OSError when either is gone."""
        filling = asyncio.create_task(self._fill())
        try:
            await self._empty()
            self._check_whole()
            await filling
            if not self._writer.is_closing() and self._writer.can_write_eof():
                self._writer.write_eof()
        finally:
            filling.cancel()
            await asyncio.gather(filling, return_exceptions=True)

    async def _fill(self) -> None:
        time = asyncio.get_running_loop().time
        try:
            while True:
                room = self._room()
                if room <= 0 or self._quality.stalled:
                    await self._wait(STEP_S)
                    continue
                segment = await self._reader.read(room)
                if not segment:
                    return
                if self._quality.deaf:
                    self.lost += len(segment)
                    continue
                before = self._segments[-1][0] if self._segments else 0.0  # TCP keeps the order
                self._segments.append((max(before, time() + self._quality.late_s(self._random)), segment))
                self.held += len(segment)
                self._changed.set()
        finally:
            self._ended = True
            self._changed.set()

    def _room(self) -> int:
        rate = self._quality.bytes_per_s
        most = self._most if rate is None else min(self._most, max(256, int(rate * SLOW_S)))
        return most - self.held

    async def _empty(self) -> None:
        time = asyncio.get_running_loop().time
        while self._segments or not self._ended or self._quality.deaf:
            if not self._quality.deaf:
                self._check_whole()
            if not self._segments or self._quality.stalled or self._quality.deaf:
                await self._wait(STEP_S)
                continue
            early = self._segments[0][0] - time()
            if early > 0 and not self._quality.is_prompt:
                await self._wait(min(early, STEP_S))  # in steps: the quality may change meanwhile
                continue
            await self._deliver(await self._glued())

    def _check_whole(self) -> None:
        if self.lost:
            raise ConnectionResetError("bytes of this connection were thrown away")

    async def _glued(self) -> bytes:
        time = asyncio.get_running_loop().time
        segment, until = self._segments.popleft()[1], time() + GLUE_S
        while len(segment) < self._quality.glue and time() < until and not self._ended:
            await self._wait(until - time())
            while self._segments and len(segment) < self._quality.glue:
                segment += self._segments.popleft()[1]
        return segment

    async def _deliver(self, segment: bytes) -> None:
        quality = self._quality
        while segment:
            rate, split = quality.bytes_per_s, quality.split
            size = len(segment) if rate is None else max(1, int(rate * STEP_S))
            size = min(size, self._random.randint(1, split)) if split else size
            piece, segment = segment[:size], segment[size:]
            if rate is not None:
                await asyncio.sleep(len(piece) / rate)
            elif split:
                await asyncio.sleep(0)  # or the kernel glues the pieces again
            while quality.stalled:
                await self._wait(STEP_S)
            if self._writer.is_closing():
                raise ConnectionResetError("the peer is gone")
            self._writer.write(self._spoil(piece))
            await self._writer.drain()
            self.carried += len(piece)
            self.held -= len(piece)
            self._changed.set()

    async def _wait(self, seconds: float) -> None:
        self._changed.clear()
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self._changed.wait()
        except TimeoutError:
            pass
