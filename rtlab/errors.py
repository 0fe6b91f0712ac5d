"""The one exception tree. Each error says whose fault it is, what was expected and what came.

RtlabError
├── LocalError                our caller or his machine
│   ├── ConfigError           a setting is unknown or of the wrong form
│   ├── InstrumentError       an instrument is unknown, or its definition makes no sense
│   ├── GridError             a price or quantity is not a whole number of ticks or lots
│   ├── CommandError          a command is not one the engine knows
│   ├── SourceError           a file is missing, truncated or of another kind
│   ├── JournalError          a journal is damaged, of another layout, in use, or its disk takes no more
│   ├── StoreError            there is no server for the store, or what it holds cannot be used
│   ├── BusError              an event, a topic or a handler is not one that the bus can carry
│   ├── MessagingError        messaging is not installed or built, or is asked for what it cannot do
│   ├── AddressError          a port is in use or an address may not be bound
│   ├── DataError             a series that was to be drawn cannot be
│   ├── OverrunError          the caller takes what comes more slowly than he wanted to
│   └── ClosedError           the object was closed before this call
└── RemoteError               the peer
    ├── ProtocolError         a payload that the protocol does not allow; carries the close code
    ├── RefusedError          the peer answered with an Error message
    ├── FencedError           another engine or consumer writes there now, of a newer epoch
    ├── FullError             a queue has no room, and its policy is to say so
    ├── IdentityError         a wallet's statement or its signature is not to be trusted
    ├── UnreadableError       a sealed message is forged, damaged, or not for this device
    └── UnreachableError      nobody answers at that address
"""


class RtlabError(Exception):
    """Base of every error that rtlab raises on purpose.

    `what` is a full clause that names the culprit; `expected` and `got` complete it when they help.
    """

    def __init__(self, what: str, *, expected: object = None, got: object = None) -> None:
        self.what, self.expected, self.got = what, expected, got
        parts = [what]
        if expected is not None:
            parts.append(f"expected {expected}")
        if got is not None:
            parts.append(f"got {_shorten(got)}")
        super().__init__(parts[0] + (": " + ", ".join(parts[1:]) if parts[1:] else ""))


def shown(url: str) -> str:
    """Give `url` as it may be told and logged: without a user, a password and a query."""
    before, mark, rest = url.partition("://")
    scheme, rest = (before, rest) if mark else ("", before)
    host, slash, path = rest.partition("?")[0].partition("/")
    return f"{scheme}{mark}{host.rpartition('@')[2]}{slash}{path}"


def _shorten(got: object, limit: int = 120) -> str:
    text = got if isinstance(got, str) else repr(got)
    return text if len(text) <= limit else text[: limit - 1] + "…"


class LocalError(RtlabError):
    """The caller, a setting or this machine is at fault."""


class ConfigError(LocalError):
    """A setting is unknown or of the wrong form."""


class InstrumentError(LocalError):
    """An instrument is unknown, or its definition makes no sense."""


class GridError(LocalError):
    """A price is not a whole number of ticks, or a quantity not a whole number of lots."""


class CommandError(LocalError):
    """A command is not one that the engine knows."""


class SourceError(LocalError):
    """A file is missing, truncated or of another kind than was asked for."""


class JournalError(LocalError):
    """A journal is damaged, of another layout, in use, or its disk takes no more; at `offset` of `file`."""

    def __init__(
        self, what: str, *, file: object, offset: int = 0, expected: object = None, got: object = None
    ) -> None:
        super().__init__(f"{file}, offset {offset}: {what}", expected=expected, got=got)
        self.file, self.offset = str(file), offset


class StoreError(LocalError):
    """There is no server for the store, it cannot be started, or what it holds cannot be used."""


class BusError(LocalError):
    """An event, a topic or a handler is not one that the bus can carry."""


class MessagingError(LocalError):
    """Messaging is not installed or built here, or it is asked for what it cannot do."""


class AddressError(LocalError):
    """A port is in use, or an address may not be bound."""


class DataError(LocalError):
    """A series that was to be drawn cannot be; a notebook shows what is wrong with it and no traceback."""

    def _render_traceback_(self) -> list[str]:
        return [f"{type(self).__name__}: {self}"]


class OverrunError(LocalError):
    """The caller takes what comes more slowly than it comes, and asked to be told so."""


class ClosedError(LocalError):
    """The object was closed before this call."""


class RemoteError(RtlabError):
    """The peer is at fault."""


class ProtocolError(RemoteError):
    """A payload or an order of payloads that the protocol does not allow. `code` is the WebSocket close code."""

    def __init__(self, what: str, *, code: int = 4002, expected: object = None, got: object = None) -> None:
        super().__init__(what, expected=expected, got=got)
        self.code = code


class RefusedError(RemoteError):
    """The peer refused; `code` and `retry_after_s` are as the peer gave them."""

    def __init__(self, what: str, *, code: int, retry_after_s: float | None = None) -> None:
        super().__init__(what)
        self.code, self.retry_after_s = code, retry_after_s


class FencedError(RemoteError):
    """Another engine or consumer writes there now, of a newer epoch: this one must stop."""


class FullError(RemoteError):
    """A queue has no room, and its policy is to say so."""


class IdentityError(RemoteError):
    """A wallet's statement, or the signature under it, is not to be trusted."""


class UnreadableError(RemoteError):
    """A sealed message is forged, damaged, or not one that this device can read."""


class UnreachableError(RemoteError):
    """Nobody answers at that address."""
