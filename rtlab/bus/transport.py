"""What the bus asks of the server behind it. Two answer: `redis_streams` and `rabbit`."""

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple, Protocol

import msgspec

from rtlab.bus.event import Event, Topic


class Taken(NamedTuple):
    """An entry of `events` as it came: `position` is what `commit` takes.

    `suspect`: it may have killed who had it before.
    """

    position: str
    events: int
    payload: bytes
    suspect: bool


class DeadLetter(msgspec.Struct, frozen=True, array_like=True):
    """An event that was given up for `group`, after `tries`, for `reason`, at `ts` (ns).

    What could not even be unpacked is an event without type, whose body is the entry.
    """

    group: str
    shard: int
    reason: str
    tries: int
    ts: int
    event: Event


class Backlog(NamedTuple):
    """What waits for a group: `events` (RabbitMQ: entries), the oldest for `oldest_s` (0: none or not known)."""

    events: int
    oldest_s: float


class Held(Protocol):
    """One shard, held for a group. Whatever finds that another holds it now raises FencedError.

    Where the server does not answer: UnreachableError; the call may be repeated while `is_held`.
    """

    shard: int
    token: int  # grows from holder to holder; 0 where there is no fencing

    @property
    def is_held(self) -> bool:
        """Tell whether new work may begin: nobody else can hold the shard now."""

    @property
    def is_lost(self) -> bool:
        """Tell whether it is known that it will not be held again."""

    @property
    def is_leaving(self) -> bool:
        """Tell whether the shard is wanted by others: finish, commit and `release`."""

    async def read(self) -> Sequence[Taken]:
        """Give what came next; waits a moment, and gives nothing when nothing came."""

    async def commit(self, position: str, events: int) -> None:
        """Note that all up to `position` is finished: `events` more than at the last commit."""

    async def bury(self, letter: DeadLetter) -> None:
        """Keep a dead letter; once it returns, it is safe."""

    async def note(self, mark: bytes) -> None:
        """Keep `mark` for the next holder, should this one die."""

    async def marked(self) -> bytes:
        """Give what the holders before noted last, empty when nothing."""

    async def release(self) -> None:
        """Give the shard back in order."""


class Member(Protocol):
    """A consumer among those of its group."""

    def backlog(self) -> Backlog:
        """Give what waited in the shards of this member when it looked last."""

    async def leave(self) -> None:
        """Leave the group. What it holds must be released before."""


class Transport(Protocol):
    """A server that keeps events. UnreachableError where it does not answer or take what it is given."""

    async def open(self) -> None:
        """Connect."""

    async def close(self) -> None:
        """Leave. Idempotent."""

    async def declare(self, topic: Topic[object]) -> None:
        """Make what the topic needs; BusError when it exists with other shards."""

    async def append(self, topic: Topic[object], shard: int, entries: Sequence[tuple[bytes, int]]) -> bool:
        """Keep entries (payload, number of events), in order, safe once it returns; False when there is no room."""

    async def append_late(self, topic: Topic[object], shard: int, entry: bytes, delay_s: float) -> None:
        """Keep an entry of one event, that comes after `delay_s` seconds."""

    async def divert(self, topic: Topic[object], letter: DeadLetter) -> None:
        """Keep a dead letter of a publisher."""

    async def join(
        self, topic: Topic[object], group: str, on_held: Callable[[Held], None], prefetch: int
    ) -> Member:
        """Become a consumer of `group`; `on_held` is called for each shard that it comes to hold."""

    async def topics(self) -> list[Topic[object]]:
        """Give the topics that were declared here; their type is not known (`object`)."""

    async def letters(self, topic: Topic[object], group: str, most: int) -> list[DeadLetter]:
        """Give dead letters, the oldest first."""

    async def take_letters(
        self, topic: Topic[object], group: str, ids: Sequence[str] | None, *, replay: bool
    ) -> int:
        """Remove dead letters (all: None), `replay` them to their group before; gives how many."""

    async def backlog(self, topic: Topic[object], group: str) -> Backlog:
        """Count what waits for a group in all shards."""

    async def answer(self, address: str, answer: bytes) -> None:
        """Send the answer of a request; nobody keeps it."""

    async def ask(self) -> "Question":
        """Open a mailbox for one answer."""


class Question(NamedTuple):
    """A mailbox: send the request with `address`, then `wait` so many seconds for the answer (None: none came)."""

    address: str
    wait: Callable[[float], Awaitable[bytes | None]]
