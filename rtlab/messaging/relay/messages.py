"""What is said between a device and its relay: JSON objects, told apart by `op`. Bytes are base64, keys hex.

`n` is a number by which the client knows the answer to its request.
"""

from typing import Annotated

import msgspec


class _Request(msgspec.Struct, frozen=True, kw_only=True, tag_field="op", forbid_unknown_fields=True):
    n: int


class Hello(_Request, frozen=True, tag="hello", kw_only=True):
    """First of all: who this is. `signature` is the device's over the relay's nonce; `after` the last cursor it has."""

    binding: bytes
    signature: bytes
    after: int
    token: str | None = None


class Publish(_Request, frozen=True, tag="publish", kw_only=True):
    """Key packages by which others may add this device once each, and one for when those are used up."""

    packages: list[bytes]
    last: bytes | None = None


class Look(_Request, frozen=True, tag="look", kw_only=True):
    """Ask for the log of an account."""

    account: str


class Claim(_Request, frozen=True, tag="claim", kw_only=True):
    """Ask for a key package of every device of an account."""

    account: str


class Send(_Request, frozen=True, tag="send", kw_only=True):
    """An envelope for devices. A commit names its group, the epoch that it ends, and who is in it then."""

    to: list[str]
    envelope: bytes
    group: str | None = None
    epoch: int | None = None
    members: list[str] | None = None


class Acknowledge(_Request, frozen=True, tag="ack", kw_only=True):
    """Everything up to a cursor is saved here: the relay may forget it."""

    upto: int


class Consent(_Request, frozen=True, tag="consent", kw_only=True):
    """Accept or block an account, or neither any more."""

    account: str
    verdict: str


class Revoke(_Request, frozen=True, tag="revoke", kw_only=True):
    """A statement of the wallet that a device speaks for it no more."""

    binding: bytes


class Attach(_Request, frozen=True, tag="attach", kw_only=True):
    """Begin an attachment of `size` bytes (encrypted), or go on with it; `blob` is its name: 16 random bytes in hex."""

    blob: str
    size: int


class Put(_Request, frozen=True, tag="put", kw_only=True):
    """A chunk of an attachment, by its index."""

    blob: str
    index: Annotated[int, msgspec.Meta(ge=0, le=65_535)]
    data: bytes


class Fetch(_Request, frozen=True, tag="fetch", kw_only=True):
    """Ask for a chunk of an attachment."""

    blob: str
    index: Annotated[int, msgspec.Meta(ge=0, le=65_535)]


Request = Hello | Publish | Look | Claim | Send | Acknowledge | Consent | Revoke | Attach | Put | Fetch
decode = msgspec.json.Decoder(Request).decode


class Challenge(msgspec.Struct, frozen=True, tag_field="op", tag="challenge"):
    """First message of the relay: its name, and a nonce to sign."""

    directory: str
    nonce: bytes


class Ready(msgspec.Struct, frozen=True, tag_field="op", tag="ready", omit_defaults=True):
    """The device is known; what waits follows."""

    n: int
    account: str
    cursor: int
    packages: int
    limits: dict[str, float]


class Done(msgspec.Struct, frozen=True, tag_field="op", tag="done", omit_defaults=True):
    """A request is done; `entries` of a log, `packages`, or the `epoch` that has begun are its answer.

    Of attachments: `stored`, the index of the first chunk that is missing, or the `data` of a chunk.
    """

    n: int
    entries: list[str] | None = None
    packages: list[tuple[str, bytes]] | None = None
    epoch: int | None = None
    stored: int | None = None
    data: bytes | None = None


class Refused(msgspec.Struct, frozen=True, tag_field="op", tag="refused", omit_defaults=True):
    """A request is refused; `code` is a word of `CODES`, `why` a sentence."""

    n: int
    code: str
    why: str
    retry_after: float | None = None


class Mail(msgspec.Struct, frozen=True, tag_field="op", tag="mail", omit_defaults=True):
    """An envelope; `stranger` is the account of a sender that was not accepted."""

    cursor: int
    envelope: bytes
    stranger: str | None = None


class Fleeting(msgspec.Struct, frozen=True, tag_field="op", tag="fleeting"):
    """An envelope that is kept nowhere."""

    envelope: bytes


CODES = {
    "rate": "more requests than are allowed",
    "size": "an envelope or a chunk that is too large, or too many recipients",
    "full": "a mailbox is full, or no more attachments are kept",
    "absent": "an attachment is not here, or no more",
    "unknown": "a device or an account is not known here",
    "stranger": "the other has not accepted you, and enough waits",
    "blocked": "the other has blocked you",
    "stale": "another commit came first",
    "member": "a commit by a device that is not in the group",
    "busy": "the relay has too much to do",
    "identity": "a statement is not to be trusted",
    "revoked": "the device was revoked",
    "form": "a request of another form",
}

encode = msgspec.json.Encoder().encode
