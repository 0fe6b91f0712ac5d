"""What consumers and publishers count, and show."""

from typing import NamedTuple


class Tally:
    """Plain counters of a consumer."""

    def __init__(self) -> None:
        self.handled = self.retried = self.postponed = self.dead = self.fenced = self.in_flight = 0


class ConsumerStatistics(NamedTuple):
    """What became of the events of one consumer.

    `handled` went well, `retried` failed and were tried again, `postponed` found something else away, `dead` were
    buried; `fenced` counts shards that were lost with work under way; `in_flight` events are held now, of `shards`
    shards; `abandoned` threads hang in the handler. `lag` events (RabbitMQ: entries) wait in the shards of this
    consumer, the oldest for `oldest_s`; `alarm` while that is more than the topic's `alarm_s`.
    """

    handled: int
    retried: int
    postponed: int
    dead: int
    fenced: int
    in_flight: int
    shards: int
    abandoned: int
    lag: int
    oldest_s: float
    alarm: bool


class PublisherStatistics(NamedTuple):
    """What became of what was published.

    `published` events are safe with the server, in `entries`; `retries` attempts failed; `unconfirmed` were not
    confirmed by their deadline, `refused` and `diverted` found no room; `waiting` are under way, the oldest for
    `waits_s`.
    """

    published: int
    entries: int
    retries: int
    unconfirmed: int
    refused: int
    diverted: int
    waiting: int
    waits_s: float
