"""Payloads are built once for all readers that stand at the same point."""

from typing import NamedTuple
from weakref import WeakValueDictionary
from zlib import crc32

from rtlab.book import AnyUpdate
from rtlab.protocol.channels import CHANNEL_KINDS, ChannelKind
from rtlab.protocol.codec import Codec, Malformed, Payload
from rtlab.protocol.limits import SECOND
from rtlab.protocol.messages import ClientMessage, Ping, Pong
from rtlab.protocol.state import Source

CHECKED_DEPTH = 100
"""Up to this depth every increment carries a checksum; beyond, the first of each second, and who asks for one."""

_LARGEST_ANSWER = 1024  # bytes


class Built(NamedTuple):
    """A payload and the point to which it brings a reader; `dropped` rows of a log lie before it.

    `checked` says whether it carries a checksum.
    """

    payload: bytes
    epoch: int
    seq: int
    held: int
    dropped: int
    checked: bool


class Stand(NamedTuple):
    """Where a reader stands: it was told everything up to `told`, and the last message ended at `seq`.

    `told` is beyond `seq` when there was nothing to say (tables), or when rows are to be left out (logs). `most`
    is how many rows of a log its message may hold, where there are more: the rest follows in the next.
    """

    key: int
    epoch: int
    seq: int
    told: int
    held: int
    check: bool
    most: int | None = None


class CacheStatistics(NamedTuple):
    """`built` payloads, `shared` uses beyond the first, `unshared` builds that found the cache full."""

    built: int
    shared: int
    unshared: int
    lanes: int


class Lane:
    """The payloads of one source at one depth in one encoding, all of them about the source's head."""

    def __init__(
        self,
        cache: "PayloadCache",
        base: int,
        source: Source,
        name: str,
        instrument: str,
        depth: int,
        codec: Codec,
    ) -> None:
        self.base, self.source, self.depth = base, source, depth
        self.name, self.instrument = name, instrument
        self.kind: ChannelKind = CHANNEL_KINDS[name]
        self._cache, self._codec = cache, codec
        self._head = (-1, -1)
        self._noticed, self._heads = (-1, -1), 0
        self._built: dict[Stand, Built | None] = {}
        self._checksum: int | None = None  # of the head
        self._second = -1
        self._is_checked = False  # this head is the first of its second: all increments to it are checked

    def look(self) -> int:
        """Notice whether the source has a new head; give how many were noticed so far, by all readers."""
        head = (self.source.epoch, self.source.seq)
        if head != self._noticed:
            self._noticed = head
            self._heads += 1
        return self._heads

    def next(self, stand: Stand, now: int) -> Built | None:
        """Give what brings a reader from `stand` to the head (or a chunk nearer); None: nothing to say."""
        source, cache = self.source, self._cache
        head = (source.epoch, source.seq)
        if head != self._head:
            self._built.clear()
            self._head, self._checksum = head, None
            self._is_checked = self.depth > CHECKED_DEPTH and now // SECOND != self._second
            self._second = now // SECOND
        if self._is_checked and not stand.check:
            stand = stand._replace(check=True)
        if stand in self._built:
            cache.shared += 1
            return self._built[stand]
        built = self._build(stand)
        if len(self._built) < cache.points:
            self._built[stand] = built
        else:
            cache.unshared += 1
        return built

    def _build(self, stand: Stand) -> Built | None:
        update = self.source.since(stand.epoch, stand.told, self.depth, stand.held)
        if update is None:
            return None
        dropped = 0
        if update.kind == "increment":
            update = update._replace(first_seq=stand.seq + 1)
            if self.kind.log:
                dropped = update.body[0][0] - stand.seq
        if stand.most is not None:
            update = _cut(update, stand.most)
        checksum = None
        if self.kind.checked and (update.kind == "snapshot" or update.depth <= CHECKED_DEPTH or stand.check):
            if self._checksum is None:
                self._checksum = crc32(self.source.digest(update.depth))
            checksum = self._checksum
        self._cache.built += 1
        payload = self._codec.encode(self.kind.message(stand.key, update, checksum))
        checked = checksum is not None
        return Built(payload, update.epoch, update.last_seq, update.depth, dropped, checked)


def _cut(update: AnyUpdate, most: int) -> AnyUpdate:
    before, rows = update.body
    if len(rows) <= most:
        return update
    last, ts = before[0] + most, rows[most - 1][0]
    return update._replace(last_seq=last, ts_event=ts, body=(before, rows[:most]))


class PayloadCache:
    """Shared by all subscribers of one gateway, over one set of sources.

    Bounded: it keeps lanes only as long as somebody subscribes to them, of each at most `points` payloads, all
    of them about its source's head, at most `batch_bytes` of coalesced ones, and `points` answers to pings.
    """

    def __init__(self, *, points: int = 64, batch_bytes: int = 1 << 20) -> None:
        self.points, self._batch_bytes = points, batch_bytes
        self.built = self.shared = self.unshared = 0
        self._base = 0
        self._lanes: WeakValueDictionary[tuple[str, str, int, int, str], Lane] = WeakValueDictionary()
        self._coalesced: dict[tuple[str, tuple[bytes, ...]], bytes] = {}
        self._coalesced_bytes = 0
        self._nonce = 0
        self._pings: dict[tuple[object, ...], tuple[int, bytes]] = {}  # of one time
        self._pinged_at = -1
        self._answers: dict[tuple[str, bytes], ClientMessage | Malformed] = {}

    def lane(
        self, source: Source, codec: Codec, name: str, instrument: str, interval_ns: int, depth: int
    ) -> Lane:
        """Give the lane of a channel at a depth in an encoding."""
        where = (name, instrument, interval_ns, depth, codec.encoding)
        lane = self._lanes.get(where)
        if lane is None or lane.source is not source:
            self._base += 1
            lane = self._lanes[where] = Lane(self, self._base, source, name, instrument, depth, codec)
        return lane

    def batch(self, codec: Codec, payloads: list[bytes]) -> bytes:
        """Give several payloads as one; the same object to everybody who sends the same."""
        if len(payloads) == 1:
            return payloads[0]
        key = (codec.encoding, tuple(payloads))
        whole = self._coalesced.get(key)
        if whole is None:
            whole = codec.batch(payloads)
            # the parts are kept as well: as the key
            self._coalesced_bytes += 2 * len(whole)
            if self._coalesced_bytes > self._batch_bytes:
                self._coalesced.clear()
                self._coalesced_bytes = 2 * len(whole)
            self._coalesced[key] = whole
        else:
            self.shared += 1
        return whole

    def ping(self, codec: Codec, heads: dict[int, tuple[int, int, int]], now: int) -> tuple[int, bytes]:
        """Give a ping and its number, above all before: the same to all who are asked at `now` at the same point."""
        if now != self._pinged_at:
            self._pings.clear()
            self._pinged_at = now
        key = (codec.encoding, *heads.items())
        ping = self._pings.get(key)
        if ping is None:
            self._nonce += 1
            ping = self._pings[key] = (self._nonce, codec.encode(Ping(self._nonce, now, heads)))
        else:
            self.shared += 1
        return ping

    def decode(self, codec: Codec, payload: Payload) -> ClientMessage | Malformed:
        """Give a client's message: readers at one point answer a ping by the same bytes, which are read once."""
        if len(payload) > _LARGEST_ANSWER or not isinstance(payload, bytes):
            return codec.decode_client(payload)
        key = (codec.encoding, payload)
        message = self._answers.get(key)
        if message is None:
            message = codec.decode_client(payload)
            if isinstance(message, Pong):
                if len(self._answers) >= self.points:
                    self._answers.clear()
                self._answers[key] = message
        return message

    def statistics(self) -> CacheStatistics:
        """Count what was built and shared."""
        return CacheStatistics(self.built, self.shared, self.unshared, len(self._lanes))
