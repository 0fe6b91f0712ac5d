"""What the bus carries: typed events of a topic, and how they are packed into entries.

An *event* is one thing that happened, with an id, a key and a time. An *entry* is what a stream or queue holds: one
or several events of one shard, packed together, because the cost is per entry. Layout of an entry, msgpack:
`[1, group, [event, ...]]`, where an event is `[id, key, type, version, ts, body, reply]` and `group` is empty, or
the only group that it is meant for (a replayed dead letter).
"""

import secrets
import time
import zlib
from collections.abc import Sequence
from itertools import count
from typing import Generic, Literal, TypeVar

import msgspec

from rtlab.errors import BusError

LAYOUT = 1
MOST_BYTES = 1 << 20
"""Of the body of one event."""
ENTRY_BYTES = 1 << 17
"""Where an entry ends that packs several events."""
ENTRY_EVENTS = 64
"""The most events that are packed into one entry."""

T = TypeVar("T")
Full = Literal["block", "refuse", "divert"]

_PREFIX = secrets.token_hex(8)
_NUMBERS = count()
_encoder = msgspec.msgpack.Encoder()


class Event(msgspec.Struct, frozen=True, array_like=True):
    """One event as it travels. `ts_event` is in ns; `body` is msgpack; `reply` is where an answer goes, or empty."""

    id: str
    key: str
    type: str
    version: int
    ts_event: int
    body: bytes
    reply: str = ""


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """Events of one shard, packed; `group` empty means for all of the topic's groups."""

    layout: int
    group: str
    events: list[Event]


_entries = msgspec.msgpack.Decoder(Entry)


class SchemaError(BusError):
    """An event that its topic cannot read: trying again does not help."""


class Topic(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """A named line of events of one type, kept in order per key.

    `type` is a msgspec Struct (or any type that msgspec knows) in its schema `version`; `groups` are all who must
    have each event; `shards` is how many parts can be worked on side by side, fixed for the topic's life. A shard
    holds `limit` unfinished events at most (RabbitMQ counts entries), then `full` decides: `block` the publisher
    until his deadline, `refuse` (FullError), or `divert` to the dead letters. `alarm_s` is the age of the oldest
    unfinished event, in seconds, above which the bus raises its alarm.
    """

    name: str
    type: type[T]
    version: int = 1
    groups: tuple[str, ...] = ("main",)
    shards: int = 8
    limit: int = 1_000_000
    full: Full = "block"
    alarm_s: float = 30.0

    def __post_init__(self) -> None:
        for name in (self.name, *self.groups):
            if not name or not all(letter.isalnum() or letter in "-_" for letter in name):
                raise BusError(
                    "a topic or group has no usable name", expected="letters, digits, - or _", got=name
                )
        if not self.groups:
            raise BusError(f"topic {self.name} has no group", expected="the groups that must have its events")
        for what in ("shards", "limit"):
            if getattr(self, what) < 1:
                raise BusError(f"{what} of topic {self.name}", expected="at least 1", got=getattr(self, what))

    def event(
        self, body: T, *, key: str, id: str | None = None, ts_event: int | None = None, reply: str = ""
    ) -> Event:
        """Make an event of this topic. `id` None makes one that is unique; give your own to publish again safely.

        BusError when the body is of another type or has more than MOST_BYTES bytes.
        """
        if not isinstance(body, self.type):
            raise BusError(f"topic {self.name} carries another type", expected=self.type.__name__, got=body)
        packed = _encoder.encode(body)
        if len(packed) > MOST_BYTES:
            raise BusError(
                "the event is too large", expected=f"at most {MOST_BYTES} bytes", got=f"{len(packed)}"
            )
        return Event(
            id=id if id is not None else f"{_PREFIX}-{next(_NUMBERS)}",
            key=key,
            type=self.type.__name__,
            version=self.version,
            ts_event=time.time_ns() if ts_event is None else ts_event,
            body=packed,
            reply=reply,
        )

    def read(self, event: Event) -> T:
        """Give the body of an event; SchemaError says why it cannot be read."""
        if event.type != self.type.__name__:
            raise SchemaError("unknown type of event", expected=self.type.__name__, got=event.type)
        if event.version != self.version:
            raise SchemaError("unknown schema version", expected=self.version, got=event.version)
        if len(event.body) > MOST_BYTES:
            raise SchemaError(
                "too large", expected=f"at most {MOST_BYTES} bytes", got=f"{len(event.body)} bytes"
            )
        try:
            return msgspec.msgpack.decode(event.body, type=self.type)
        except msgspec.MsgspecError as problem:
            raise SchemaError(f"wrong schema: {problem}", expected=self.type.__name__) from None

    def shard(self, key: str) -> int:
        """Give the shard of `key`: CRC-32 of its UTF-8 modulo `shards`, the same everywhere and always."""
        return zlib.crc32(key.encode()) % self.shards


def pack(events: Sequence[Event], group: str = "") -> list[tuple[bytes, int]]:
    """Pack events of one shard, in order, into entries; gives each with its number of events."""
    packed, some, size = [], list[Event](), 0
    for event in events:
        if some and (len(some) == ENTRY_EVENTS or size + len(event.body) > ENTRY_BYTES):
            packed.append((_encoder.encode(Entry(LAYOUT, group, some)), len(some)))
            some, size = [], 0
        some.append(event)
        size += len(event.body)
    if some:
        packed.append((_encoder.encode(Entry(LAYOUT, group, some)), len(some)))
    return packed


def unpack(payload: bytes) -> Entry:
    """Read an entry; SchemaError when it is none."""
    try:
        entry = _entries.decode(payload)
    except msgspec.MsgspecError as problem:
        raise SchemaError(f"not an entry of the bus: {problem}", got=payload[:40]) from None
    if entry.layout != LAYOUT:
        raise SchemaError("an entry of another layout", expected=LAYOUT, got=entry.layout)
    return entry
