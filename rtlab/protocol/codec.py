"""Messages to payloads and back, in both encodings. Foreign bytes give a ProtocolError, whatever they are."""

from typing import Any, Literal, NamedTuple, get_args

import msgspec

from rtlab.errors import ConfigError, ProtocolError
from rtlab.protocol.messages import Batch, Channel, ClientMessage, Increment, ServerMessage, SingleMessage
from rtlab.protocol.named import from_named, named, to_named
from rtlab.protocol.packed import FIRST_OF_ARRAYS, pack, unpack

Encoding = Literal["msgpack", "json", "packed"]
Payload = bytes | str

VERSION = 1
SUBPROTOCOLS: dict[str, Encoding] = {f"rtlab.v{VERSION}.{name}": name for name in get_args(Encoding)}
"""WebSocket subprotocol -> encoding, the default first. `packed` is msgpack but for Increments: see `pack`."""

_CLIENT_KINDS = {kind.__name__: kind for kind in get_args(ClientMessage)}
_CLIENT_TAGS: dict[object, str] = {kind.__struct_config__.tag: name for name, kind in _CLIENT_KINDS.items()}
_BATCH_TAG = int(str(Batch.__struct_config__.tag))
_BATCH_HEAD = bytes((0x92, _BATCH_TAG))


class Malformed(NamedTuple):
    """A client message of a known type with a wrong field: worth an answer, not a closed connection."""

    message: str
    why: str
    id: int | None


def _why(name: str, wrong: str) -> str:
    if "unknown field" not in wrong:
        return wrong
    kind = Channel if "$.channels[" in wrong else _CLIENT_KINDS[name]
    return f"{wrong}: expected of {', '.join(kind.__struct_fields__)}"


class _Parts(msgspec.Struct, array_like=True, tag=_BATCH_TAG):
    messages: list[msgspec.Raw]


class Codec:
    """One encoding. It keeps nothing about connections: share one among all."""

    def __init__(self, encoding: Encoding = "msgpack") -> None:
        if encoding not in get_args(Encoding):
            raise ConfigError(
                "the caller's encoding is unknown", expected="msgpack, json or packed", got=encoding
            )
        self.encoding: Encoding = encoding
        self.subprotocol = f"rtlab.v{VERSION}.{encoding}"
        self._arrays, self._packed = encoding != "json", encoding == "packed"
        self._pack = msgspec.msgpack.Encoder().encode if self._arrays else msgspec.json.Encoder().encode
        decoder: Any = msgspec.msgpack.Decoder if self._arrays else msgspec.json.Decoder
        self._client = decoder(ClientMessage if self._arrays else named(ClientMessage)).decode
        self._server = decoder(ServerMessage if self._arrays else named(ServerMessage)).decode
        self._any = decoder(list[Any] if self._arrays else dict[str, Any]).decode
        self._parts = msgspec.msgpack.Decoder(_Parts).decode
        self._part = msgspec.msgpack.Decoder(SingleMessage | bytes).decode

    def encode(self, message: ClientMessage | ServerMessage) -> bytes:
        """Give the payload of one message."""
        if self._packed:
            if isinstance(message, Increment):
                return pack(message) or self._pack(message)
            if isinstance(message, Batch):
                return self.batch([self.encode(one) for one in message.messages])
        return self._pack(message if self._arrays else to_named(message))

    def batch(self, payloads: list[bytes]) -> bytes:
        """Give the payload of a Batch of messages that are encoded already (themselves no batches)."""
        if not self._arrays:
            return b'{"type":"Batch","messages":[' + b",".join(payloads) + b"]}"
        count = len(payloads)
        if count < 16:
            head = bytes((0x90 | count,))
        elif count < 1 << 16:
            head = b"\xdc" + count.to_bytes(2, "big")
        else:
            head = b"\xdd" + count.to_bytes(4, "big")
        if self._packed:
            payloads = [self._pack(one) if one[0] < FIRST_OF_ARRAYS else one for one in payloads]
        return _BATCH_HEAD + head + b"".join(payloads)

    def decode_client(self, payload: Payload) -> ClientMessage | Malformed:
        """Give the message of a client; ProtocolError (4002) when the payload is no message at all."""
        try:
            message = self._client(payload)
        except (ValueError, RecursionError, TypeError) as wrong:
            claim = self._claim(payload) if isinstance(wrong, msgspec.ValidationError) else None
            if claim is None:
                raise self._foreign("client", payload, wrong) from None
            name, wish = claim
            return Malformed(name, _why(name, str(wrong)), wish)
        return message if self._arrays else from_named(message)  # type: ignore[no-any-return]

    def decode_server(self, payload: Payload) -> ServerMessage:
        """Give the message of a server; ProtocolError (4002) when the payload is not one."""
        try:
            if self._packed and isinstance(payload, bytes):
                return self._decode_packed(payload)
            message = self._server(payload)
        except (ValueError, RecursionError, TypeError) as wrong:
            raise self._foreign("server", payload, wrong) from None
        return message if self._arrays else from_named(message)  # type: ignore[no-any-return]

    def _decode_packed(self, payload: bytes) -> ServerMessage:
        if payload and payload[0] < FIRST_OF_ARRAYS:
            return unpack(payload)
        if not payload.startswith(_BATCH_HEAD):
            return self._server(payload)  # type: ignore[no-any-return]
        parts = [self._part(part) for part in self._parts(payload).messages]
        return Batch([unpack(part) if isinstance(part, bytes) else part for part in parts])

    def _claim(self, payload: Payload) -> tuple[str, int | None] | None:
        # which message a well-formed payload claims to be, if any; and of a Subscribe its id
        try:
            fields = self._any(payload)
        except (ValueError, RecursionError):
            return None
        if self._arrays:
            tag, wish = [*fields, None, None][:2]
            name = _CLIENT_TAGS.get(tag) if type(tag) is int else None
        else:
            name, wish = fields.get("type"), fields.get("id")
        if name is None or name not in _CLIENT_TAGS.values():
            return None
        is_id = name == "Subscribe" and type(wish) is int and abs(wish) < 1 << 63
        return name, wish if is_id else None

    def _foreign(self, peer: str, payload: Payload, wrong: BaseException) -> ProtocolError:
        return ProtocolError(
            f"the {peer}'s payload is no message ({wrong})",
            expected=f"one of {self.subprotocol}",
            # no more of it: what a token is made of ends up in no log
            got=f"{len(payload)} bytes that begin with {payload[:4]!a}",
        )
