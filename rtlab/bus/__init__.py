"""The bus: events that must not be lost. Publish, consume in order per key, apply once, bury what cannot be handled."""

from rtlab.bus.bus import Bus, connect
from rtlab.bus.consumer import Consumer
from rtlab.bus.event import Event, SchemaError, Topic
from rtlab.bus.handling import Delivery, Options
from rtlab.bus.retry import Retry
from rtlab.bus.tally import ConsumerStatistics, PublisherStatistics
from rtlab.bus.transport import Backlog, DeadLetter

__all__ = [
    "Backlog",
    "Bus",
    "Consumer",
    "ConsumerStatistics",
    "DeadLetter",
    "Delivery",
    "Event",
    "Options",
    "PublisherStatistics",
    "Retry",
    "SchemaError",
    "Topic",
    "connect",
]
