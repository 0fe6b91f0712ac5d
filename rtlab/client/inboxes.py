"""All inboxes of a client: each sees everything it asked for, and one that blocks blocks for all."""

import weakref
from collections.abc import Callable

from rtlab.client.inbox import LIMIT, Inbox, Policy
from rtlab.protocol import Applied, Subscription


class Inboxes:
    """Gives inboxes and fills them; `dropped` is the sum over all that there ever were.

    `on_room` is called when it may be that none blocks any more. An inbox that nobody holds is gone: who only
    breaks out of his loop blocks nobody and costs nothing.
    """

    def __init__(self, on_room: Callable[[], None], *, policy: Policy = "newest", limit: int = LIMIT) -> None:
        Inbox(limit, policy)  # a wrong policy is the caller's fault here, not at the first message
        self._policy, self._limit = policy, limit
        self._on_room = on_room
        self._all: weakref.WeakSet[Inbox] = weakref.WeakSet()
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._all)

    @property
    def waiting(self) -> int:
        """Count what waits in all of them."""
        return sum(len(inbox) for inbox in self._all)

    @property
    def is_blocking(self) -> bool:
        """Whether the socket is not to be read."""
        return any(inbox.is_blocking for inbox in self._all)

    def open(
        self, only: tuple[Subscription, ...] = (), policy: Policy | None = None, limit: int | None = None
    ) -> Inbox:
        """Give a new one; None is as the client was made."""
        limit = self._limit if limit is None else limit
        inbox = Inbox(limit, policy or self._policy, only, on_room=self._on_room)
        self._all.add(inbox)
        if inbox.policy == "block":
            weakref.finalize(inbox, _call, weakref.WeakMethod(self._gone))
        return inbox

    def put(self, applied: Applied) -> None:
        """Put one into each."""
        for inbox in self._all:
            self.dropped += not inbox.put(applied)

    def finish(self, problem: BaseException | None) -> None:
        """End them all."""
        for inbox in self._all:
            inbox.finish(problem)

    def _gone(self) -> None:
        self._on_room()


def _call(method: "weakref.WeakMethod[Callable[[], None]]") -> None:
    function = method()
    if function is not None:
        function()
