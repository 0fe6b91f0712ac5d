"""The store: hot in Redis, cold in Parquet (`cold`), and one way to read both (`Store`).

The hot side: one engine writes the steps of its market, any number of gateways follow them.

Each instrument has a stream of packed steps and a key with its packed state; the hash tag in both names keeps
them on one slot of a Redis Cluster. A point in an instrument's history is (epoch, position), where the position
counts its level changes and trades, and it is the stream's entry id: Redis refuses a second entry of a point and
any entry of an older epoch, which is the fence between two engines. One stream for an instrument, not one for a
channel, because a step moves all channels at once: the ticker's sequence depends on where steps end, and only
who folds whole steps stands at the same (epoch, seq) in every channel as the engine's own market.
"""

from rtlab.store.api import Store
from rtlab.store.following import Follower, FollowerStatistics
from rtlab.store.hot import BlockingHotReader, HotReader
from rtlab.store.log import LogLimits
from rtlab.store.outgoing import History
from rtlab.store.recording import Recorder, RecorderLimits
from rtlab.store.standing import RecorderStatistics, Standing
from rtlab.store.stored_book import StoredBook
from rtlab.store.writing import Writer, WriterStatistics

__all__ = [
    "BlockingHotReader",
    "Follower",
    "FollowerStatistics",
    "History",
    "HotReader",
    "LogLimits",
    "Recorder",
    "RecorderLimits",
    "RecorderStatistics",
    "Standing",
    "Store",
    "StoredBook",
    "Writer",
    "WriterStatistics",
]
