"""The matching engine: commands in, events out. Same commands in, same bytes out."""

import struct
from collections.abc import Callable, Mapping, Sequence
from sys import getrefcount
from typing import NamedTuple, Self, overload

import numpy as np
import numpy.typing as npt

from rtlab.engine import convert
from rtlab.engine.codes import ASK, BID, UNSEEN
from rtlab.engine.convert import ROW_OF, AccountState, QueuePosition
from rtlab.engine.layout import LADDERS
from rtlab.engine.snapshot import Snapshot, pack_snapshot, unpack_snapshot
from rtlab.engine.storage import EVENTS_PER_COMMAND, FEW, MOST_SLOTS, Storage, account_at
from rtlab.engine.values import Values
from rtlab.errors import LocalError
from rtlab.model.commands import Command
from rtlab.model.enums import SelfTradePrevention, Side
from rtlab.model.events import Event
from rtlab.model.instrument import Instrument
from rtlab.model.rows import EVENT
from rtlab.model.rules import Rules

RowArray = npt.NDArray[np.void]
Levels = list[tuple[int, int]]

SCRATCH = 4096
"""Events for which the engine keeps a warm buffer: batches that are not large write there, and get a copy."""

SLAB = 512
"""Events of few commands are written side by side into one array, of which each caller has his part, and again from its
beginning when nobody has any: to make him an array of his own takes half as long as to match. Who keeps a part keeps
36 kB, or all events of a batch that had more than there was room for."""

_EVENT_WORDS = EVENT.itemsize // 8


class EngineStatistics(NamedTuple):
    """What an engine has done and what it holds."""

    commands: int
    events: int
    live_orders: int
    live_levels: int
    pool_size: int
    pool_grown: int
    window_ticks: int  # of all instruments together
    ladders_moved: int
    ladders_grown: int
    memory_bytes: (
        int  # of orders, levels, the id map and what else is in use; windows where they hold a level
    )


class Engine:
    """Match orders by price and time.

    An order id belongs to its instrument: the same id may be live on several, which do not touch each other.
    It is any int64, and free again once its order is done. `capacity` is for how many live orders there is
    room at first; more make the engine grow. `rules` are by symbol; without them all is allowed and free.

    InstrumentError: no instrument, or one twice. ConfigError: a capacity out of range, or a prevention that the
    engine does not know.
    """

    def __init__(
        self,
        instruments: Sequence[Instrument],
        *,
        self_trade_prevention: SelfTradePrevention = SelfTradePrevention.NONE,
        capacity: int = 1 << 16,
        rules: Mapping[str, Rules] | None = None,
    ) -> None:
        self._positions = convert.positions(instruments)
        capacity = convert.whole("an engine's capacity", capacity, 1, MOST_SLOTS - 1)
        self.instruments = tuple(instruments)
        self.self_trade_prevention = convert.prevention(self_trade_prevention)
        self.rules = tuple(convert.rules_of(self._positions, rules))
        self._capacity = capacity
        self._symbols = tuple(instrument.symbol for instrument in self.instruments)
        self._values = Values(self._symbols)
        self._table = self._values.address
        self._storage = Storage(self.rules, capacity, int(self.self_trade_prevention))
        self._few = self._storage.few
        self._few_bytes = self._few.view(np.uint8).data
        self._scratch = np.zeros(SCRATCH, EVENT)
        self._scratch_words = self._scratch.view(np.int64)  # copied ten times faster than rows are
        self._slab: RowArray
        self._given: int  # of its rows, to callers
        self._begin_slab()

    def submit(self, command: Command) -> list[Event]:
        """Execute one command.

        InstrumentError: a symbol that the engine does not trade. CommandError: no command, or a number that
        does not fit into 64 bits.
        """
        storage, begin = self._storage, self._given
        try:  # as `convert.pack` does: each call of Python's takes a twentieth of all
            ROW_OF[type(command)](self._few_bytes, command, self._positions[command.instrument])
        except (KeyError, struct.error, TypeError, ValueError) as error:
            raise convert.misfit(command, self._positions, error) from None
        if storage.commands is not self._few:
            storage.lend(self._few, self._slab)
        if storage.count != 1:
            storage.take(1)
        events: list[Event] | None
        events = storage.execute(storage.address, begin, self._table, self._few)  # as `storage.run` does
        if events is None:
            events = storage.run_on(begin, self._table)
            if storage.events is not self._slab:
                self._begin_slab()  # one that is larger would be held by who keeps a part of it
        return events

    def process(self, rows: RowArray) -> RowArray:
        """Execute COMMAND rows, any number of them, and give all their events as EVENT rows of the caller's own.

        CommandError: `rows` is no one-dimensional array of COMMAND.
        """
        storage = self._storage
        if storage.commands is not self._few:
            storage.lend(self._few, self._slab)
        begin = self._given
        if self._holders() == self._alone:
            begin = 0
        elif begin > SLAB - EVENTS_PER_COMMAND * FEW:
            self._begin_slab()
            begin = 0
        end: int | None = storage.execute(storage.address, begin, 0, rows)
        if end is None:
            storage.commands, storage.count = rows, len(rows)
            end = storage.run_on(begin, 0)
            events = storage.events[begin:end]
            self._begin_slab()
            return events
        if end < 0:
            return self._process_many(rows)
        self._given = end
        return self._slab[begin:end]

    def _process_many(self, rows: RowArray) -> RowArray:
        convert.check_rows(rows)
        storage, count = self._storage, len(rows)
        commands = np.ascontiguousarray(rows)
        usual = EVENTS_PER_COMMAND * count
        if usual < len(self._scratch):
            storage.lend(commands, self._scratch)
            written = storage.run(count)
            if storage.events is not self._scratch:
                return storage.events[:written].copy()
            return self._scratch_words[: written * _EVENT_WORDS].copy().view(EVENT)
        storage.lend(commands, np.empty(usual, EVENT))
        written = storage.run(count)
        events = storage.events
        storage.lend(self._few, self._slab)
        events.resize(written, refcheck=False)  # nobody else has it: that is faster than a copy
        return events

    @overload
    def book(self, symbol: str, depth: int | None = None) -> tuple[Levels, Levels]: ...

    @overload
    def book(self, symbol: str, depth: int | None = None, *, owner: int) -> list[QueuePosition]: ...

    def book(
        self, symbol: str, depth: int | None = None, *, owner: int | None = None
    ) -> tuple[Levels, Levels] | list[QueuePosition]:
        """Give the best `depth` levels (None: all) of both sides, best first, as (price, quantity that shows).

        With `owner`: his orders and where each stands in its queue, bids first, best first; `depth` counts levels
        then that show nothing too. InstrumentError: a symbol that the engine does not trade. ConfigError: a depth
        or an owner that is no whole number.
        """
        depth = None if depth is None else convert.whole("the depth of a book", depth, 0)
        if owner is not None:
            return self._positions_of(symbol, depth, convert.whole("an owner", owner))
        storage = self._storage
        first = LADDERS * convert.position(self._positions, symbol)
        bids, asks = (storage.levels[storage.live_levels(first + side)] for side in (BID, ASK))
        bids, asks = bids[bids["shown"] > 0], asks[asks["shown"] > 0]
        bids, asks = bids[np.argsort(-bids["price"])][:depth], asks[np.argsort(asks["price"])][:depth]
        return _pairs(bids), _pairs(asks)

    def _positions_of(self, symbol: str, depth: int | None, owner: int) -> list[QueuePosition]:
        storage, found = self._storage, []
        first = LADDERS * convert.position(self._positions, symbol)
        for side in Side:
            slots = storage.live_levels(first + side)
            prices = storage.levels["price"][slots]
            for level in slots[np.argsort(-prices if side == BID else prices)][:depth].tolist():
                found += self._positions_at(level, side, owner)
        return found

    def _positions_at(self, level: int, side: Side, owner: int) -> list[QueuePosition]:
        orders, extras = self._storage.orders, self._storage.extras
        price, slot = int(self._storage.levels["price"][level]), int(self._storage.levels["head"][level])
        found, ahead, lots = [], 0, 0
        while slot != 0:
            order, extra = orders[slot], extras[orders["extra"][slot]]
            qty = int(order["qty"])
            if order["owner"] == owner:
                total = qty + (int(extra["reserve"]) if order["extra"] else 0)
                shown = 0 if order["extra"] and extra["flags"] & UNSEEN else qty
                found.append(QueuePosition(int(order["id"]), side, price, total, shown, ahead, lots))
            ahead, lots, slot = ahead + 1, lots + qty, int(order["next"])
        return found

    def account(self, owner: int) -> AccountState:
        """Give what an owner has; LocalError when he has no account."""
        storage = self._storage
        known = isinstance(owner, int | np.integer) and owner != 0
        at = account_at(storage.accounts["owner"], int(owner)) if known else 0
        account = storage.accounts[at]
        if account["owner"] != owner:
            raise LocalError("the owner has no account", got=owner)
        lots = storage.positions["lots"].reshape(-1, len(self._symbols))[at].tolist()
        money, reserved, count = (int(account[name]) for name in ("money", "reserved", "orders"))
        by_symbol = dict(zip(self._symbols, lots, strict=True))
        return AccountState(owner, money, reserved, count, bool(account["killed"]), by_symbol)

    @property
    def fees(self) -> int:
        """Give all fees that the house got, less the rebates that it paid, since there is any account."""
        return int(self._storage.state["house"][0])

    def snapshot(self) -> bytes:
        """Give all that the future depends on: `restore` makes an engine that goes on with the same bytes."""
        parts, counters = self._storage.used()
        snapshot = Snapshot(
            instruments=self.instruments,
            rules=self.rules,
            self_trade_prevention=self.self_trade_prevention,
            capacity=self._capacity,
            counters=counters,
        )
        return pack_snapshot(snapshot, parts)

    @classmethod
    def restore(cls, data: bytes) -> Self:
        """Make an engine from `snapshot()`; LocalError when these bytes are none, or not all of one."""
        snapshot, parts = unpack_snapshot(data)
        symbols = [instrument.symbol for instrument in snapshot.instruments]
        engine = cls(
            snapshot.instruments,
            self_trade_prevention=snapshot.self_trade_prevention,
            capacity=max(snapshot.capacity, len(parts["orders"]) - 1),
            rules=dict(zip(symbols, snapshot.rules, strict=True)),
        )
        engine._storage.load(parts, snapshot.counters)
        engine._storage.lend(engine._few, engine._slab)
        return engine

    def statistics(self) -> EngineStatistics:
        """Give the counters since the beginning of the engine's life; growth since this object was made."""
        storage = self._storage
        state = storage.state[0]
        return EngineStatistics(
            commands=int(state["command"]),
            events=int(state["seq"]),
            live_orders=int(state["live"]),
            live_levels=len(storage.live_levels()),
            pool_size=len(storage.orders) - 1,
            pool_grown=storage.pool_grown,
            window_ticks=len(storage.rungs),
            ladders_moved=storage.ladders_moved,
            ladders_grown=storage.ladders_grown,
            memory_bytes=storage.memory_bytes,
        )

    def __repr__(self) -> str:
        return f"Engine({', '.join(self._symbols)})"

    def __reduce__(self) -> tuple[Callable[[bytes], Self], tuple[bytes]]:
        # the kernel knows its arrays by address: a copy must have its own
        return type(self).restore, (self.snapshot(),)

    def _begin_slab(self) -> None:
        self._given = 0
        # is made in a third of the time of `np.empty`
        self._slab = np.frombuffer(bytearray(SLAB * EVENT.itemsize), EVENT)
        self._storage.lend(self._few, self._slab)
        self._alone = self._holders()

    def _holders(self) -> int:
        # of the slab: a part of it, or of that, holds it. How many are ours differs with the version of Python
        return getrefcount(self._slab)


def _pairs(levels: RowArray) -> Levels:
    return list(zip(levels["price"].tolist(), levels["qty"].tolist(), strict=True))
