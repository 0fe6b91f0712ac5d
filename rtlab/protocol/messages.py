"""The messages of the wire, both directions: frozen values, array-like in msgpack, by field name in JSON.

Prices are ticks, quantities lots, times ns, sequences (epoch, seq). Fields are only ever added at the end.
"""

from typing import Annotated

from msgspec import Meta, Struct

Int = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
SideCode = Annotated[int, Meta(ge=0, le=1)]

Point = tuple[Count, Count]
"""(epoch, seq)"""
LevelRow = tuple[Int, Count]
"""(price, qty)"""
ChangeRow = tuple[SideCode, Int, Count]
"""(side, price, qty); qty 0 removes the level, and an unknown price is a no-op"""
TradeRow = tuple[Int, Int, Count, SideCode]
"""(ts_event, price, qty, aggressor side)"""
BarRow = tuple[Int, Int, Int, Int, Int, Count, Count]
"""(start, open, high, low, close, volume in lots, number of trades)"""


class Channel(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """One wish of a Subscribe. `depth` None is the whole state, `interval` (ns) is for bars.

    `max_rate` is the most messages a second that the reader wants; `resume` is (epoch, seq, depth held).
    `least_depth` is how little depth the reader takes while it is degraded; None: never less than it was granted.
    """

    name: str
    instrument: str
    depth: int | None = None
    interval: int = 0
    max_rate: float | None = None
    resume: tuple[Count, Count, Count] | None = None
    least_depth: int | None = None


class Subscribe(Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=1):
    """Ask for channels; each is answered by a Subscribed or an Error with this `id` and its index."""

    id: int
    channels: list[Channel]


class Unsubscribe(Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=2):
    """End the subscription `key`; what is still on its way is to be ignored."""

    key: int


class Pong(Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=3):
    """Answer a Ping, after everything before it was applied: `applied` by key; a key that holds nothing is absent."""

    nonce: int
    applied: dict[int, Point]


class Resync(Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=4):
    """Say that nothing is held for `key` any more: a snapshot is to come."""

    key: int


class Authenticate(Struct, frozen=True, array_like=True, forbid_unknown_fields=True, tag=5):
    """Show a token: the first message of who cannot send an Authorization header, or a newer token later on."""

    token: str

    def __repr__(self) -> str:
        return f"Authenticate(<{len(self.token)} characters>)"


class Welcome(Struct, frozen=True, array_like=True, tag=16):
    """The first message: what this server speaks and allows. `limits` by name, instruments with their grid."""

    version: int
    server_time: int
    heartbeat_s: float
    limits: dict[str, float]
    instruments: list[tuple[str, str, str]] = []
    """(symbol, tick size, lot size), the sizes as exact decimals"""


class Subscribed(Struct, frozen=True, array_like=True, tag=17):
    """`key` names this subscription from here on, with the depth and rate that were granted."""

    id: int
    key: int
    channel: str
    instrument: str
    depth: int | None
    max_rate: float | None
    interval: int
    tick_size: str
    lot_size: str
    index: int = 0


class Snapshot(Struct, frozen=True, array_like=True, gc=False, tag=18):
    """A book at `seq`, cut to `depth`, best first. `checksum` is over exactly these rows."""

    key: int
    epoch: Count
    seq: Count
    depth: Count
    bids: list[LevelRow]
    asks: list[LevelRow]
    checksum: int | None
    ts_event: Int = 0


class Increment(Struct, frozen=True, array_like=True, gc=False, tag=19):
    """What changed in a book from `first_seq` to `last_seq`; the reader cuts to `depth` after applying.

    `checksum` is over the book after the cut, at `last_seq`; None where it was left out.
    """

    key: int
    epoch: Count
    first_seq: Count
    last_seq: Count
    depth: Count
    ts_event: Int
    changes: list[ChangeRow]
    checksum: int | None


class TotalsBefore(Struct, frozen=True, array_like=True, gc=False):
    """Sums over an epoch's trades before a row: how many there were, lots bought and sold by aggressors."""

    seq: Count
    bought: Count
    sold: Count


class Trades(Struct, frozen=True, array_like=True, gc=False, tag=20):
    """Trades in order, never merged, the last of them number `last_seq`.

    `before` are the totals before the first row: `before.seq` above `first_seq - 1` says that the server
    dropped what lies between, and the sums say how much.
    """

    key: int
    epoch: Count
    first_seq: Count
    last_seq: Count
    before: TotalsBefore
    trades: list[TradeRow]


class Ticker(Struct, frozen=True, array_like=True, gc=False, tag=21):
    """Best prices and the last trade, whole; the newest wins. None: there is none."""

    key: int
    epoch: Count
    seq: Count
    ts_event: Int
    bid: Int | None
    bid_qty: Count
    ask: Int | None
    ask_qty: Count
    last: Int | None
    last_qty: Count


class Bars(Struct, frozen=True, array_like=True, gc=False, tag=22):
    """Rows of the bars that changed, by start; `seq` is the last trade folded in.

    `first_seq` 0: these are all bars, cut to `depth`, newest first; else they follow `first_seq - 1`.
    """

    key: int
    epoch: Count
    seq: Count
    first_seq: Count
    depth: Count
    bars: list[BarRow]


FROZEN = "FROZEN"


class Status(Struct, frozen=True, array_like=True, tag=23):
    """How this reader is treated: `state`, and since the connection began the updates merged and rows dropped.

    `lag_ms` is how long it owes an answer; of FROZEN, how long nothing was heard of the engine behind the server.
    """

    state: str
    merged: int
    dropped: int
    lag_ms: float


class Ping(Struct, frozen=True, array_like=True, tag=24):
    """To be answered by a Pong. `heads` by key: (epoch, sent, exact_to).

    A reader that stands at `sent` moves on to `exact_to`; one that stands elsewhere has lost something.
    """

    nonce: int
    server_time: int
    heads: dict[int, tuple[Count, Count, Count]]


class Error(Struct, frozen=True, array_like=True, tag=25):
    """A refusal that the connection survives: whose fault, what was expected, what came.

    `id` and `index` name the wish of a Subscribe, `key` the subscription, where there is one.
    """

    code: int
    message: str
    retry_after_s: float | None = None
    id: int | None = None
    index: int = 0
    key: int | None = None


ClientMessage = Subscribe | Unsubscribe | Pong | Resync | Authenticate
SingleMessage = Welcome | Subscribed | Snapshot | Increment | Trades | Ticker | Bars | Status | Ping | Error


class Batch(Struct, frozen=True, array_like=True, tag=26):
    """What one tick brought, in order, as one message."""

    messages: list[SingleMessage]


ServerMessage = SingleMessage | Batch
StateMessage = Snapshot | Increment | Trades | Ticker | Bars
