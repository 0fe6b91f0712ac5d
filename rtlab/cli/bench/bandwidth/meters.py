"""Two ways to keep a reader's book: increments by the protocol's own halves, or the whole cut each time it changed."""

import zlib
from collections.abc import Mapping
from typing import Protocol

import msgspec

from rtlab.book import L2Book
from rtlab.book.update import WHOLE
from rtlab.model import Instrument
from rtlab.protocol import (
    Codec,
    Encoding,
    Increment,
    Limits,
    PayloadCache,
    Reader,
    Snapshot,
    Sources,
    Subscriber,
)

KEY = 1  # of a subscription, as long as ours
SAMPLE = 20  # one in so many pushes of the whole book is made: they are all alike


class Deflate:
    """permessage-deflate (RFC 7692) at `level`, with the window kept from message to message or begun anew."""

    def __init__(self, *, in_context: bool, level: int = 6) -> None:
        self._in_context, self._level = in_context, level
        self._made = self._new()

    def size(self, payload: bytes) -> int:
        """Give the size of a message, without the four bytes that every one would end with."""
        made = self._made if self._in_context else self._new()
        return len(made.compress(payload) + made.flush(zlib.Z_SYNC_FLUSH)) - 4

    def _new(self) -> "zlib._Compress":
        return zlib.compressobj(self._level, zlib.DEFLATED, -15)


class Meter(Protocol):
    """Counts what one reader of one book is sent; frames' heads included."""

    def take(self, now: int) -> None:
        """The market has changed, at `now` (ns)."""

    def bytes_sent(self) -> Mapping[str, int]:
        """Give the bytes so far, by contender."""


class Increments:
    """A Subscriber and its Reader, which answers at once: everything that they say, pings included."""

    def __init__(
        self, sources: Sources, symbol: str, depth: int | None, encoding: Encoding, now: int
    ) -> None:
        codec = Codec(encoding)
        self._subscriber = Subscriber(sources, codec=codec, cache=PayloadCache(), limits=Limits(), now=now)
        self._reader = Reader(codec)
        self._book = self._reader.subscribe("book", symbol, depth=depth)
        self._deflates = {
            "rtlab, deflated alone": Deflate(in_context=False),
            "rtlab, deflated in context": Deflate(in_context=True),
        }
        self._counts = dict.fromkeys(("rtlab", *self._deflates), 0)
        self.sends = self.changes = 0
        self._reader.connected(now)
        while not self._book.is_live:
            self._converse(now)
        # everybody needs the state once: what keeps it current is compared
        self._counts = dict.fromkeys(self._counts, 0)
        self.sends = self.changes = 0

    def take(self, now: int) -> None:
        """See Meter."""
        self._converse(now)

    def digest(self, depth: int) -> bytes:
        """Give the reader's book as the checksum reads it."""
        return self._book.view.digest(depth)

    def bytes_sent(self) -> Mapping[str, int]:
        """See Meter."""
        return self._counts

    def _converse(self, now: int) -> None:
        for answer in self._reader.payloads_to_send(now):
            self._subscriber.receive(answer, now)
        for payload in self._subscriber.payloads_to_send(now):
            self._counts["rtlab"] += framed(len(payload))
            for name, deflate in self._deflates.items():
                self._counts[name] += framed(deflate.size(payload))
            for applied in self._reader.receive(payload, now):
                if isinstance(applied.message, Increment):
                    self.changes += len(applied.message.changes)
                elif isinstance(applied.message, Snapshot):
                    self.changes += len(applied.message.bids) + len(applied.message.asks)
                else:
                    continue
                self.sends += 1


class FullState:
    """The cut at a depth, whole, each time that it is not what it was: in our encoding, and as venues send it."""

    def __init__(self, book: L2Book, instrument: Instrument, depth: int | None, encoding: Encoding) -> None:
        self._book, self._instrument, self._depth = book, instrument, WHOLE if depth is None else depth
        self._codec, self._encoding = Codec(encoding), encoding
        self._deflates = {
            "full state, deflated alone": Deflate(in_context=False),
            "full state, deflated in context": Deflate(in_context=True),
        }
        self._every = SAMPLE if depth is None else 1
        self._sampled = dict.fromkeys(("full state", *self._deflates), 0)
        if encoding == "json":
            self._sampled["full state, decimals as text"] = 0
        self._last = self._state()
        self._samples = self.pushes = 0

    def take(self, now: int) -> None:
        """See Meter."""
        state = self._state()
        if state == self._last:
            return
        self._last = state
        self.pushes += 1
        if (self.pushes - 1) % self._every:
            return
        self._samples += 1
        payload = self._payload()
        self._sampled["full state"] += framed(len(payload))
        for name, deflate in self._deflates.items():
            self._sampled[name] += framed(deflate.size(payload))
        if self._encoding == "json":
            self._sampled["full state, decimals as text"] += framed(len(self._as_text()))

    def bytes_sent(self) -> Mapping[str, int]:
        """See Meter; scaled up from those that were made."""
        scale = self.pushes / max(1, self._samples)
        return {name: round(size * scale) for name, size in self._sampled.items()}

    def _state(self) -> bytes | int:
        return self._book.seq if self._depth == WHOLE else self._book.digest(self._depth)

    def _payload(self) -> bytes:
        book, depth = self._book, self._depth
        bids, asks = book.bids(depth), book.asks(depth)
        if self._encoding == "packed":  # all levels in the form of the increments beside it
            levels = [*((0, *level) for level in bids), *((1, *level) for level in asks)]
            return self._codec.encode(Increment(KEY, 1, book.seq, book.seq, depth, book.ts, levels, None))
        return self._codec.encode(Snapshot(KEY, 1, book.seq, depth, bids, asks, None, book.ts))

    def _as_text(self) -> bytes:
        # as the partial books of the great venues: prices and quantities as decimals in strings
        grid = self._instrument
        rows = {
            name: [(str(grid.price(price)), str(grid.quantity(qty))) for price, qty in levels]
            for name, levels in (
                ("bids", self._book.bids(self._depth)),
                ("asks", self._book.asks(self._depth)),
            )
        }
        return msgspec.json.encode({"lastUpdateId": self._book.seq, **rows})


def framed(size: int) -> int:
    """Give the size of a WebSocket message of so many bytes, as a server sends it."""
    return size + (2 if size < 126 else 4 if size < 1 << 16 else 10)
