"""A bounded queue of what was applied, for who takes it in his own time; he chooses what happens when it is full."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Literal, Self, get_args

from rtlab.errors import ConfigError, OverrunError
from rtlab.protocol import Applied, Subscription

LIMIT = 1024

Policy = Literal["newest", "block", "raise"]
"""When an inbox is full: "newest" drops the oldest of the same subscription, "block" stops reading the socket, so
that the server's credit feels it, "raise" ends with OverrunError."""


class Waiting:
    """At most `limit` notices; when it is full, the newest of a subscription pushes out the oldest of the same.

    Only where there is none of the same the oldest of all goes: who says much does not silence who says little.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._notices: OrderedDict[int, Applied] = OrderedDict()
        self._numbers: dict[int, deque[int]] = {}  # of each subscription, the oldest first
        self._last = 0

    def __len__(self) -> int:
        return len(self._notices)

    def add(self, applied: Applied) -> None:
        """Put one at the end, however many there are."""
        self._last += 1
        self._notices[self._last] = applied
        self._numbers.setdefault(id(applied.subscription), deque()).append(self._last)

    def make_room(self, applied: Applied) -> bool:
        """Drop one when there is no room for `applied`; tell whether."""
        if len(self._notices) < self.limit:
            return False
        numbers = self._numbers.get(id(applied.subscription))
        if numbers:
            del self._notices[self._forget(id(applied.subscription))]
        else:
            self.take()
        return True

    def take(self) -> Applied:
        """Take the first."""
        _, applied = self._notices.popitem(last=False)
        self._forget(id(applied.subscription))
        return applied

    def _forget(self, whose: int) -> int:
        numbers = self._numbers[whose]
        number = numbers.popleft()
        if not numbers:
            del self._numbers[whose]
        return number


class Inbox:
    """What one `async for` has still to see; `dropped` counts what it will not. At most `limit` wait.

    With "block" a message that holds several changes is put whole, so that a few more may wait. Only notices
    are dropped: the views were changed before. `only` are the subscriptions that it is about; none: all.
    """

    def __init__(
        self,
        limit: int = LIMIT,
        policy: Policy = "newest",
        only: tuple[Subscription, ...] = (),
        *,
        on_room: Callable[[], None] = lambda: None,
    ) -> None:
        if policy not in get_args(Policy):
            raise ConfigError(
                "the caller's policy is unknown", expected=f"one of {', '.join(get_args(Policy))}", got=policy
            )
        if limit < 1:
            raise ConfigError("the caller's inbox holds nothing", expected="a limit of 1 or more", got=limit)
        self.policy: Policy = policy
        self.dropped = 0
        self._only = only
        self._on_room = on_room
        self._waiting = Waiting(limit)
        self._news = asyncio.Event()
        self._ended = False
        self._problem: BaseException | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def is_blocking(self) -> bool:
        """Whether the socket is not to be read because of this inbox."""
        return self.policy == "block" and not self._ended and len(self._waiting) >= self._waiting.limit

    def put(self, applied: Applied) -> bool:
        """Add one; give False when one was dropped for it, or it was itself."""
        if self._ended or (self._only and applied.subscription not in self._only):
            return True
        if self.policy == "raise" and len(self._waiting) >= self._waiting.limit:
            self.dropped += 1
            limit = self._waiting.limit
            self.finish(
                OverrunError(
                    "the caller takes what is applied too slowly", expected=f"at most {limit} waiting"
                )
            )
            return False
        full = self.policy == "newest" and self._waiting.make_room(applied)
        self.dropped += full
        self._waiting.add(applied)
        self._news.set()
        return not full

    def finish(self, problem: BaseException | None = None) -> None:
        """Let the iteration end, or raise `problem`, after what is waiting has been seen. The first end counts."""
        if not self._ended:
            self._ended, self._problem = True, problem
        self._news.set()

    def close(self) -> None:
        """Wait for nothing any more. Idempotent."""
        self.finish()
        self._waiting = Waiting(self._waiting.limit)
        self._on_room()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Applied:
        while not self._waiting:
            if self._ended:
                raise self._problem or StopAsyncIteration
            self._news.clear()
            await self._news.wait()
        applied = self._waiting.take()
        if self.policy == "block" and 2 * len(self._waiting) <= self._waiting.limit:
            self._on_room()
        return applied
