"""Messages to payloads and back, in both encodings. Foreign bytes give a ProtocolError, whatever they are."""

from typing import Any, Literal, NamedTuple, get_args

import msgspec

from rtlab.errors import ConfigError, ProtocolError
from rtlab.protocol.messages import Batch, ClientMessage, ServerMessage
from rtlab.protocol.named import from_named, named, to_named

Encoding = Literal["msgpack", "json"]
Payload = bytes | str

VERSION = 1
SUBPROTOCOLS: dict[str, Encoding] = {f"rtlab.v{VERSION}.msgpack": "msgpack", f"rtlab.v{VERSION}.json": "json"}
"""WebSocket subprotocol -> encoding, the default first."""

_CLIENT_TAGS: dict[object, str] = {
    kind.__struct_config__.tag: kind.__name__ for kind in get_args(ClientMessage)
}
_BATCH_HEAD = bytes((0x92, int(str(Batch.__struct_config__.tag))))


class Malformed(NamedTuple):
    """A client message of a known type with a wrong field: worth an answer, not a closed connection."""

    message: str
    why: str


class Codec:
    """One encoding. It keeps nothing about connections: share one among all."""

    def __init__(self, encoding: Encoding = "msgpack") -> None:
        if encoding not in ("msgpack", "json"):
            raise ConfigError("the caller's encoding is unknown", expected="msgpack or json", got=encoding)
        self.encoding: Encoding = encoding
        self.subprotocol = f"rtlab.v{VERSION}.{encoding}"
        self._packed = encoding == "msgpack"
        self._pack = msgspec.msgpack.Encoder().encode if self._packed else msgspec.json.Encoder().encode
        decoder: Any = msgspec.msgpack.Decoder if self._packed else msgspec.json.Decoder
        self._client = decoder(ClientMessage if self._packed else named(ClientMessage)).decode
        self._server = decoder(ServerMessage if self._packed else named(ServerMessage)).decode
        self._any = decoder(list[Any] if self._packed else dict[str, Any]).decode

    def encode(self, message: ClientMessage | ServerMessage) -> bytes:
        """Give the payload of one message."""
        return self._pack(message if self._packed else to_named(message))

    def batch(self, payloads: list[bytes]) -> bytes:
        """Give the payload of a Batch of messages that are encoded already (themselves no batches)."""
        if not self._packed:
            return b'{"type":"Batch","messages":[' + b",".join(payloads) + b"]}"
        count = len(payloads)
        if count < 16:
            head = bytes((0x90 | count,))
        elif count < 1 << 16:
            head = b"\xdc" + count.to_bytes(2, "big")
        else:
            head = b"\xdd" + count.to_bytes(4, "big")
        return _BATCH_HEAD + head + b"".join(payloads)

    def decode_client(self, payload: Payload) -> ClientMessage | Malformed:
        """Give the message of a client; ProtocolError (4002) when the payload is no message at all."""
        try:
            message = self._client(payload)
        except (ValueError, RecursionError, TypeError) as wrong:
            name = self._claim(payload) if isinstance(wrong, msgspec.ValidationError) else None
            if name is None:
                raise self._foreign("client", payload, wrong) from None
            return Malformed(name, str(wrong))
        return message if self._packed else from_named(message)  # type: ignore[no-any-return]

    def decode_server(self, payload: Payload) -> ServerMessage:
        """Give the message of a server; ProtocolError (4002) when the payload is not one."""
        try:
            message = self._server(payload)
        except (ValueError, RecursionError, TypeError) as wrong:
            raise self._foreign("server", payload, wrong) from None
        return message if self._packed else from_named(message)  # type: ignore[no-any-return]

    def _claim(self, payload: Payload) -> str | None:
        # which message a well-formed payload claims to be, if any
        try:
            fields = self._any(payload)
        except (ValueError, RecursionError):
            return None
        tag = (fields[0] if fields else None) if self._packed else fields.get("type")
        if self._packed:
            return _CLIENT_TAGS.get(tag) if type(tag) is int else None
        return tag if tag in _CLIENT_TAGS.values() else None

    def _foreign(self, peer: str, payload: Payload, wrong: BaseException) -> ProtocolError:
        return ProtocolError(
            f"the {peer}'s payload is no message ({wrong})",
            expected=f"one of {self.subprotocol}",
            # no more of it: what a token is made of ends up in no log
            got=f"{len(payload)} bytes that begin with {payload[:4]!a}",
        )
