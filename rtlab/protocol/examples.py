"""One worked example of every message: a short conversation about one book, whose numbers belong together."""

from collections.abc import Sequence
from zlib import crc32

from rtlab.book.l2 import pack_rows
from rtlab.model import Level
from rtlab.protocol.codes import Code
from rtlab.protocol.messages import (
    Authenticate,
    Bars,
    Batch,
    Channel,
    ClientMessage,
    Error,
    Increment,
    Ping,
    Pong,
    Resync,
    ServerMessage,
    Snapshot,
    Status,
    Subscribe,
    Subscribed,
    Ticker,
    TotalsBefore,
    Trades,
    Unsubscribe,
    Welcome,
)

EPOCH = 1_723_161_600_000
TS = 1_723_161_600_123_456_789

BIDS, ASKS = [(6123410, 1500), (6123400, 20)], [(6123450, 800), (6123470, 35)]
"""The book of the Snapshot, (price, qty), best first."""
BIDS_AFTER, ASKS_AFTER = [(6123420, 7), (6123410, 1500)], [(6123470, 35)]
"""The same after the Increment: 6123420 came, 6123400 fell out of the cut, 6123450 is gone."""


def packed(bids: Sequence[Level], asks: Sequence[Level]) -> bytes:
    """Give the bytes that a checksum is taken over."""
    return pack_rows(bids, asks)


_BOOK = Subscribed(1, 2, "book", "BTCUSDT", 2, None, 0, "0.01", "0.001", 0)
_SNAPSHOT = Snapshot(2, EPOCH, 40, 2, BIDS, ASKS, crc32(packed(BIDS, ASKS)), TS)
_CHANGES = [(0, 6123420, 7), (1, 6123450, 0)]
_INCREMENT = Increment(2, EPOCH, 41, 43, 2, TS + 5, _CHANGES, crc32(packed(BIDS_AFTER, ASKS_AFTER)))

EXAMPLES: dict[str, ClientMessage | ServerMessage] = {
    "Authenticate": Authenticate("eyJhbGciOiJFUzI1NiJ9.e30.c2lnbmF0dXJl"),
    "Subscribe": Subscribe(
        1,
        [
            Channel("book", "BTCUSDT", 2, least_depth=1),
            Channel("trades", "BTCUSDT", 100, resume=(EPOCH, 977, 100)),
            Channel("bars", "BTCUSDT", 60, interval=1_000_000_000),
        ],
    ),
    "Unsubscribe": Unsubscribe(2),
    "Pong": Pong(7, {2: (EPOCH, 44), 3: (EPOCH, 980)}),
    "Resync": Resync(2),
    "Welcome": Welcome(
        1,
        86_400_000_000_000,
        1.0,
        {
            "evict_after_s": 10.0,
            "messages_per_s": 100.0,
            "resync_every_s": 1.0,
            "subscriptions": 128.0,
            "window": 65536.0,
        },
        [("BTCUSDT", "0.01", "0.001"), ("ETHUSDT", "0.01", "0.0001")],
    ),
    "Subscribed": _BOOK,
    "Snapshot": _SNAPSHOT,
    "Increment": _INCREMENT,
    "Trades": Trades(
        3,
        EPOCH,
        978,
        980,
        TotalsBefore(978, 51_200, 49_870),
        [(TS, 6123450, 3, 0), (TS + 5, 6123410, 12, 1)],
    ),
    "Ticker": Ticker(4, EPOCH, 12, TS, 6123420, 7, 6123470, 35, None, 0),
    "Bars": Bars(
        5,
        EPOCH,
        980,
        978,
        60,
        [(1_723_161_600_000_000_000, 6123440, 6123450, 6123410, 6123410, 15, 2)],
    ),
    "Status": Status("LAGGING", 5, 0, 412.5),
    "Ping": Ping(7, 86_401_000_000_000, {2: (EPOCH, 43, 44), 3: (EPOCH, 980, 980)}),
    "Error": Error(
        int(Code.UNKNOWN),
        "the client's instrument is not one we serve: expected one of BTCUSDT, ETHUSDT, got 'BTCUSD'",
        id=1,
        index=0,
    ),
    "Batch": Batch([_BOOK, _SNAPSHOT]),
}
"""Message -> an example of it."""
