"""Watches one client: what came for it, what it says it did with it, and how the server says it is treated."""

from collections import Counter
from collections.abc import Callable, Sequence

from rtlab.client import Client
from rtlab.lab.faults.account import Account, Heads
from rtlab.protocol import (
    Applied,
    Batch,
    Code,
    Codec,
    Encoding,
    Error,
    Ping,
    Status,
    Subscribed,
    Subscription,
    Trades,
    Welcome,
)
from rtlab.protocol.messages import StateMessage

BESIDE = (Welcome, Subscribed, Status, Error)  # messages that change no view

Published = Callable[[Subscription], Sequence[int] | None]


class Auditor:
    """Keeps an Account of every subscription of `client`, from the bytes as they came and from what it applied.

    `states` counts how often the server told each state of the ladder, `evicted` how often it was too slow for
    it; `messages` and `dropped` are what came, and what was announced as left out, on the connection that is open,
    `tables` those messages of them that are of books, tickers and bars.
    """

    def __init__(
        self, client: Client, codec: Encoding = "msgpack", published: Published = lambda subscription: None
    ) -> None:
        self.client = client
        self.accounts: dict[int, Account] = {}
        self.states: Counter[str] = Counter()
        self.state_messages = self.messages = self.tables = self.evicted = 0
        self._published, self._codec = published, Codec(codec)
        self._dropped_before = 0
        client.on_payload(self._came)
        client.on_applied(self._applied)

    def follow(self, subscription: Subscription) -> Account:
        """Keep the account of one more subscription."""
        account = Account(subscription, self._published(subscription))
        self.accounts[id(subscription)] = account
        return account

    @property
    def sums(self) -> Heads:
        """Give the sums over all subscriptions."""
        total = Heads()
        for account in self.accounts.values():
            total = total.plus(account.sums)
        return total

    @property
    def dropped(self) -> int:
        """Give the rows that were announced as dropped on the connection that is open now."""
        return self.sums.dropped - self._dropped_before

    @property
    def unexplained(self) -> int:
        """Give how many messages for a view neither changed it nor were counted as known, awaited or wrong."""
        reader = self.client.statistics().reader
        found = reader.snapshots + reader.increments + reader.duplicates + reader.ignored
        return self.state_messages - found - reader.checksum_failures - reader.gaps

    def _came(self, payload: bytes) -> None:
        message = self._codec.decode_server(payload)
        for part in message.messages if isinstance(message, Batch) else (message,):
            if isinstance(part, Ping):
                for account in self.accounts.values():
                    account.ping(part)
                continue
            if isinstance(part, Welcome):
                self.messages, self.tables, self._dropped_before = 0, 0, self.sums.dropped
                self.evicted += self.client.statistics().last_reason.startswith(str(int(Code.TOO_SLOW)))
            elif isinstance(part, Status):
                self.states[part.state] += 1
            self.messages += 1
            self.state_messages += not isinstance(part, BESIDE)
            self.tables += not isinstance(part, (*BESIDE, Trades))

    def _applied(self, applied: Applied) -> None:
        account = self.accounts.get(id(applied.subscription))
        if account is not None and applied.how in ("snapshot", "increment"):
            message = applied.message
            assert isinstance(message, StateMessage)
            account.apply(message)
