"""The matching engine: commands in, events out. Same commands in, same bytes out."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from rtlab.engine import convert
from rtlab.engine.codes import BID
from rtlab.engine.snapshot import Snapshot, pack_snapshot, unpack_snapshot
from rtlab.engine.storage import EVENTS_PER_COMMAND, MOST_SLOTS, Storage
from rtlab.errors import ConfigError, LocalError
from rtlab.model.commands import Command
from rtlab.model.enums import CommandKind, SelfTradePrevention
from rtlab.model.events import Event
from rtlab.model.instrument import Instrument
from rtlab.model.rows import COMMAND, EVENT

RowArray = npt.NDArray[np.void]
Levels = list[tuple[int, int]]

SCRATCH = 4096
"""Events for which the engine keeps a warm buffer: `submit` and small batches write there."""


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


class Engine:
    """Match orders by price and time.

    An order id belongs to its instrument: the same id may be live on several, which do not touch each other.
    It is any int64, and free again once its order is done. `capacity` is for how many live orders there is
    room at first; more make the engine grow.

    InstrumentError: no instrument, or one twice. ConfigError: a capacity out of range, or a prevention that the
    engine does not know.
    """

    def __init__(
        self,
        instruments: Sequence[Instrument],
        *,
        self_trade_prevention: SelfTradePrevention = SelfTradePrevention.NONE,
        capacity: int = 1 << 16,
    ) -> None:
        self._positions = convert.positions(instruments)
        if not 1 <= capacity < MOST_SLOTS:
            raise ConfigError(
                "an engine's capacity is out of range", expected=f"1 to {MOST_SLOTS - 1}", got=capacity
            )
        self.instruments = tuple(instruments)
        self.self_trade_prevention = convert.prevention(self_trade_prevention)
        self._capacity = capacity
        self._symbols = tuple(instrument.symbol for instrument in self.instruments)
        self._storage = Storage(len(self.instruments), capacity, int(self.self_trade_prevention))
        self._row = np.zeros(1, COMMAND)
        self._row_bytes = self._row.view(np.uint8).data
        self._keep_scratch(np.zeros(SCRATCH, EVENT))

    def submit(self, command: Command) -> list[Event]:
        """Execute one command.

        InstrumentError: a symbol that the engine does not trade. CommandError: no command, or a number that
        does not fit into 64 bits.
        """
        storage = self._storage
        convert.pack(self._row_bytes, command, self._positions)
        if storage.commands is not self._row:
            storage.lend(self._row, self._scratch)
        written = storage.run()
        if storage.events is not self._scratch:
            self._keep_scratch(storage.events)
        rows = convert.EVENT_ROW.iter_unpack(self._scratch_bytes[: written * EVENT.itemsize])
        return convert.events_of(rows, self._symbols)

    def process(self, rows: RowArray) -> RowArray:
        """Execute COMMAND rows, any number of them, and give all their events as EVENT rows of the caller's own.

        CommandError: `rows` is no one-dimensional array of COMMAND.
        """
        storage = self._storage
        commands = convert.command_rows(rows)
        usual = EVENTS_PER_COMMAND * len(commands)
        if usual < len(self._scratch):
            storage.lend(commands, self._scratch)
            written = storage.run()
            if storage.events is not self._scratch:
                self._keep_scratch(storage.events)
            return self._scratch_words[: written * _EVENT_WORDS].copy().view(EVENT)
        storage.lend(commands, np.empty(usual, EVENT))
        written = storage.run()
        events = storage.events
        storage.lend(self._row, self._scratch)
        events.resize(written, refcheck=False)  # nobody else has it: that is faster than a copy
        return events

    def book(self, symbol: str, depth: int | None = None) -> tuple[Levels, Levels]:
        """Give the best `depth` levels (None: all) of both sides, best first, as (price, quantity)."""
        storage = self._storage
        levels = storage.levels[storage.live_levels(convert.position(self._positions, symbol))]
        bids, asks = levels[levels["side"] == BID], levels[levels["side"] != BID]
        bids, asks = bids[np.argsort(-bids["price"])][:depth], asks[np.argsort(asks["price"])][:depth]
        return _pairs(bids), _pairs(asks)

    def snapshot(self) -> bytes:
        """Give all that the future depends on: `restore` makes an engine that goes on with the same bytes."""
        state = self._storage.state[0]
        return pack_snapshot(
            Snapshot(
                instruments=self.instruments,
                self_trade_prevention=self.self_trade_prevention,
                capacity=self._capacity,
                seq=int(state["seq"]),
                command=int(state["command"]),
            ),
            self._resting(),
        )

    @classmethod
    def restore(cls, data: bytes) -> Self:
        """Make an engine from `snapshot()`; LocalError when these bytes are none, or not all of one."""
        snapshot, resting = unpack_snapshot(data)
        engine = cls(
            snapshot.instruments,
            self_trade_prevention=snapshot.self_trade_prevention,
            capacity=max(snapshot.capacity, len(resting)),
        )
        engine.process(resting)
        state = engine._storage.state
        if state["live"][0] != len(resting):
            raise LocalError("the snapshot of the engine contradicts itself: not every order can rest")
        state["seq"], state["command"] = snapshot.seq, snapshot.command
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
        )

    def __repr__(self) -> str:
        return f"Engine({', '.join(self._symbols)})"

    def __reduce__(self) -> tuple[Callable[[bytes], Self], tuple[bytes]]:
        # the kernel knows its arrays by address: a copy must have its own
        return type(self).restore, (self.snapshot(),)

    def _keep_scratch(self, events: RowArray) -> None:
        self._scratch = events
        self._scratch_words = events.view(np.int64)  # copied ten times faster than rows are
        self._scratch_bytes = self._scratch_words.view(np.uint8).data

    def _resting(self) -> RowArray:
        storage = self._storage
        levels = storage.levels[storage.live_levels()]
        following = storage.orders["next"].tolist()
        slots, sides = [], []
        for slot, side in zip(levels["head"].tolist(), levels["side"].tolist(), strict=True):
            while slot != 0:
                slots.append(slot)
                sides.append(side)
                slot = following[slot]
        orders = storage.orders[slots]
        rows = np.zeros(len(slots), COMMAND)
        rows["kind"], rows["side"] = int(CommandKind.NEW), sides
        rows["price"] = storage.levels["price"][orders["level"]]
        for name, field in {
            "order_id": "id",
            "owner": "owner",
            "qty": "qty",
            "instrument": "instrument",
        }.items():
            rows[name] = orders[field]
        return rows


def _pairs(levels: RowArray) -> Levels:
    return list(zip(levels["price"].tolist(), levels["qty"].tolist(), strict=True))
