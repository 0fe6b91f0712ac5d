"""A device's half of a relay's connection, without input or output: requests in, answers and mail out, all bounded."""

import secrets
from collections import deque
from collections.abc import Callable
from typing import Protocol

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from rtlab.errors import IdentityError, ProtocolError, UnreadableError
from rtlab.messaging.encryption.envelope import Kind, read_envelope
from rtlab.messaging.identity import Statement, decoded, read, verify
from rtlab.messaging.relay.limits import RelayLimits
from rtlab.messaging.relay.messages import (
    CODES,
    Challenge,
    Fetch,
    Hello,
    Put,
    Refused,
    Request,
    Send,
    decode,
    encode,
)
from rtlab.protocol import Code, Pace

HELLO = b"rtlab relay hello 1\n"
FETCHED = 16
"""Answers that may wait for a connection when a chunk of an attachment is asked for."""
REPLACED = 4010
"""The close code of a connection whose device has come back by another one."""


class Post(Protocol):
    """What a session needs of its relay."""

    directory: str
    limits: RelayLimits

    def wall(self) -> float:
        """Give Unix seconds."""

    def enter(self, session: "RelaySession", hello: Hello, statement: Statement) -> None:
        """Take a device in whose statement is good."""

    def store(self, session: "RelaySession", send: Send, ident: bytes, kind: Kind) -> None:
        """Store an envelope."""

    def ask(self, session: "RelaySession", request: Request) -> None:
        """Do what else is asked for."""

    def refused(self) -> None:
        """Count a refusal."""


class RelaySession:
    """One connection; see rtlab.feed.sessions.Session. `device` is empty until the hello was believed."""

    def __init__(
        self, post: Post, now: int, authenticate: Callable[[str, int], object] | None = None
    ) -> None:
        self.device = self.account = ""
        self.cursor = 0  # of the last mail that was sent
        self.is_behind = True  # mail waits in the store that was not read from there
        self.is_paused = self.is_entering = False
        self.wake: Callable[[], None] = _nothing
        self.closing: tuple[int, str] | None = None
        self._post, self._authenticate = post, authenticate
        self._out: deque[bytes] = deque()
        self._pace = Pace(post.limits.per_s, post.limits.burst)
        self._chunks = Pace(post.limits.chunks_per_s, post.limits.chunks_burst)
        self.nonce = secrets.token_bytes(32)
        self._out.append(encode(Challenge(post.directory, self.nonce)))

    @property
    def rests_until(self) -> int:
        """See Session: nothing is due by time."""
        return 2**62

    @property
    def has_room(self) -> bool:
        """Tell whether mail may be pushed."""
        return not self.is_paused and len(self._out) < self._post.limits.outgoing

    def receive(self, payload: bytes, now: int) -> None:
        """Take a request in; ProtocolError when it cannot be read, or is not expected now."""
        try:
            request = decode(payload)
        except msgspec.MsgspecError as problem:
            raise ProtocolError(f"the client sent what is no request: {problem}") from None
        late = (self._chunks if isinstance(request, Put | Fetch) else self._pace).take(now)
        if late:
            self.refuse(request.n, "rate", retry_after=late / 1e9)
        elif isinstance(request, Hello):
            self._hello(request, now)
        elif not self.device:
            raise ProtocolError("the client asks before it has said who it is", code=Code.UNAUTHORISED)
        elif isinstance(request, Send):
            self._send(request)
        elif isinstance(request, Fetch) and (self.is_paused or len(self._out) >= FETCHED):
            self.refuse(request.n, "busy", "take what you asked for before you ask for more", 0.1)
        else:
            self._post.ask(self, request)

    def count(self, now: int) -> None:
        """See Session: fragments and control frames are paced as requests."""
        if self._pace.take(now):
            raise ProtocolError("the client sends too many frames", code=Code.TOO_MANY_REQUESTS)

    def payloads_to_send(self, now: int) -> list[bytes]:
        """Give what is due: nothing while the transport is full."""
        if self.is_paused or not self._out:
            return []
        due = list(self._out)
        self._out.clear()
        return due

    def pause(self, now: int) -> None:
        """See Session."""
        self.is_paused = True

    def resume(self, now: int) -> None:
        """See Session."""
        self.is_paused = False

    def tell(self, message: msgspec.Struct) -> None:
        """Answer; who takes none of his answers, and asks on, is closed."""
        self._out.append(encode(message))
        if len(self._out) > 2 * self._post.limits.outgoing + self._post.limits.burst:
            self.closing = (int(Code.TOO_SLOW), "the client does not take the answers that it asks for")

    def push(self, payload: bytes) -> None:
        """Send mail that was encoded for all."""
        self._out.append(payload)

    def refuse(self, n: int, code: str, why: str | None = None, retry_after: float | None = None) -> None:
        """Refuse a request aloud."""
        self._post.refused()
        self.tell(Refused(n, code, why or CODES[code], retry_after))

    def _hello(self, hello: Hello, now: int) -> None:
        if self.device or self.is_entering:
            raise ProtocolError("the client says hello twice")
        if self._authenticate is not None:
            if hello.token is None:
                raise ProtocolError("the client brings no token", code=Code.UNAUTHORISED)
            self._authenticate(hello.token, now)
        try:
            binding = decoded(hello.binding)
            statement = read(binding.statement)
            signed = HELLO + self._post.directory.encode() + b"\n" + self.nonce
            Ed25519PublicKey.from_public_bytes(statement.device).verify(hello.signature, signed)
            verify(binding, device=statement.device, directory=self._post.directory, now=self._post.wall())
        except IdentityError as problem:
            self.refuse(hello.n, "identity", str(problem))
        except (InvalidSignature, ValueError):
            self.refuse(hello.n, "identity", "the device did not sign this connection's nonce")
        else:
            self.is_entering = True
            self._post.enter(self, hello, statement)

    def _send(self, send: Send) -> None:
        limits = self._post.limits
        if len(send.envelope) > limits.envelope_bytes or not 0 < len(send.to) <= limits.recipients:
            self.refuse(send.n, "size")
            return
        try:
            opened = read_envelope(send.envelope)
        except UnreadableError as problem:
            self.refuse(send.n, "form", str(problem))
            return
        if opened.sender.hex() != self.device:
            self.refuse(send.n, "identity", "an envelope is of another device than this connection")
            return
        is_commit = opened.kind is Kind.COMMIT
        if is_commit is (send.group is None or send.epoch is None or send.members is None):
            self.refuse(send.n, "form", "a commit, and only a commit, names group, epoch and members")
            return
        self._post.store(self, send, opened.ident, opened.kind)


def _nothing() -> None:
    return None
