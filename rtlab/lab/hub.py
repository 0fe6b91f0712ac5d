"""One feed, many eyes: every subscription is made once, and shared by all who follow it."""

from collections.abc import Callable
from typing import NamedTuple

from rtlab.client import Client
from rtlab.protocol import Applied, Subscription

Handler = Callable[[Applied], None]


class Wish(NamedTuple):
    """What a subscription is for."""

    channel: str
    symbol: str
    depth: int | None = None
    interval_ns: int = 0


class Followed:
    """A subscription that is shared. `subscription` is None until there is a connection."""

    def __init__(self, wish: Wish) -> None:
        self.wish = wish
        self.users = 0
        self.handlers: list[Handler] = []
        self.subscription: Subscription | None = None


class Hub:
    """Holds what the lab follows, before and after it is connected; belongs to the client's loop."""

    def __init__(self) -> None:
        self._client: Client | None = None
        self._followed: dict[Wish, Followed] = {}
        self._by_subscription: dict[int, Followed] = {}

    def attach(self, client: Client) -> None:
        """Subscribe to everything wished for so far, and route what comes."""
        self._client = client
        client.on_applied(self._route)
        for followed in self._followed.values():
            self._subscribe(client, followed)

    def follow(self, wish: Wish, handler: Handler | None = None) -> Followed:
        """Share the subscription of `wish`, made at the first call; `handler` sees each Applied of it."""
        followed = self._followed.get(wish)
        if followed is None:
            followed = self._followed[wish] = Followed(wish)
            if self._client is not None:
                self._subscribe(self._client, followed)
        followed.users += 1
        if handler is not None:
            followed.handlers.append(handler)
        return followed

    def leave(self, followed: Followed, handler: Handler | None = None) -> None:
        """Take one user's share back; the last one ends the subscription."""
        if handler in followed.handlers:
            followed.handlers.remove(handler)
        followed.users -= 1
        if followed.users > 0 or self._followed.get(followed.wish) is not followed:
            return
        del self._followed[followed.wish]
        if followed.subscription is not None and self._client is not None:
            self._by_subscription.pop(id(followed.subscription), None)
            self._client.unsubscribe(followed.subscription)

    @property
    def wishes(self) -> list[Wish]:
        """What is followed now."""
        return list(self._followed)

    def _subscribe(self, client: Client, followed: Followed) -> None:
        wish = followed.wish
        followed.subscription = client.subscribe(
            wish.channel, wish.symbol, depth=wish.depth, interval_ns=wish.interval_ns
        )
        self._by_subscription[id(followed.subscription)] = followed

    def _route(self, applied: Applied) -> None:
        followed = self._by_subscription.get(id(applied.subscription))
        for handler in tuple(followed.handlers) if followed is not None else ():
            handler(applied)
