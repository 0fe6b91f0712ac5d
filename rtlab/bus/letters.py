"""Dead letters and marks as bytes."""

import msgspec

from rtlab.bus.event import Event
from rtlab.bus.transport import DeadLetter

_encoder = msgspec.msgpack.Encoder()
_letters = msgspec.msgpack.Decoder(DeadLetter)
_marks = msgspec.msgpack.Decoder(tuple[str, int])


def encode_letter(letter: DeadLetter) -> bytes:
    """Pack a dead letter."""
    return _encoder.encode(letter)


def decode_letter(packed: bytes) -> DeadLetter:
    """Read a dead letter."""
    return _letters.decode(packed)


def encode_mark(event_id: str, tries: int) -> bytes:
    """Pack a mark: this event is being tried, for the so-manieth time."""
    return _encoder.encode((event_id, tries))


def decode_mark(packed: bytes) -> tuple[str, int]:
    """Read a mark; an empty one names no event."""
    return _marks.decode(packed) if packed else ("", 0)


def unreadable(payload: bytes, position: str) -> Event:
    """Give an event without type that stands for an entry that cannot be unpacked."""
    return Event(id=f"entry-{position}", key="", type="", version=0, ts_event=0, body=payload)
