"""A topic's declaration as the servers keep it, for those who do not know its type: the command line."""

import msgspec

from rtlab.bus.event import Full, Topic
from rtlab.errors import BusError


class Declared(msgspec.Struct, frozen=True):
    """What all who use a topic must agree on."""

    name: str
    groups: tuple[str, ...]
    shards: int
    limit: int
    full: Full
    alarm_s: float


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Declared)


def declared(topic: Topic[object]) -> bytes:
    """Pack a topic's declaration."""
    fields = {name: getattr(topic, name) for name in Declared.__struct_fields__}
    return _encoder.encode(Declared(**fields))


def known_topic(packed: bytes, *, wanted: Topic[object] | None = None) -> Topic[object]:
    """Give a topic from its declaration, of type `object`; BusError when `wanted` has other shards."""
    found = _decoder.decode(packed)
    if wanted is not None and found.shards != wanted.shards:
        raise BusError(
            f"topic {wanted.name} is there with another number of shards; order per key would break",
            expected=found.shards,
            got=wanted.shards,
        )
    return Topic(type=object, **{name: getattr(found, name) for name in Declared.__struct_fields__})
