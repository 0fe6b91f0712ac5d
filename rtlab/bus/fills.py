"""The fills of an engine as events of the bus, with ids that the engine's own history decides.

A trade is two fills: the taker's and the maker's. The id of each is `<epoch>-<seq of the TRADE>-<t|m>`, so whoever
publishes the same part of an engine's history again, after a crash that left open what was published, publishes the
same events: what the engine did and what the bus says cannot differ. That is the outbox: the engine's journal holds
all that was ever to be published, and `Outbox` needs no memory of its own.
"""

import msgspec
import numpy as np
import numpy.typing as npt

from rtlab.bus.bus import Bus
from rtlab.bus.event import Event, Topic
from rtlab.errors import BusError
from rtlab.model import EventKind, Side

Rows = npt.NDArray[np.void]


class Fill(msgspec.Struct, frozen=True, array_like=True):
    """`qty` lots that `account` bought (below 0: sold) at `price` ticks."""

    account: int
    instrument: int
    price: int
    qty: int


FILLS: Topic[Fill] = Topic(name="fills", type=Fill, groups=("positions",))
"""The engine's fills; keyed by account, so that each account's are in order."""


class Outbox:
    """Publishes the fills of one engine. Give it every batch of COMMAND rows and the EVENT rows that came of it.

    `epoch` names the engine's history: the same after a recovery from its journal, another one otherwise. After a
    crash play the journal from its snapshot through an outbox that was made anew: what was published already is
    published again under the same ids, and applied once.
    """

    def __init__(self, bus: Bus, epoch: int, *, topic: Topic[Fill] = FILLS) -> None:
        self._bus, self._epoch, self._topic = bus, epoch, topic
        self._owners: dict[tuple[int, int], int] = {}
        self.seq = 0
        """Of the last EVENT whose fills are safe."""

    async def publish(self, commands: Rows, events: Rows, *, deadline_s: float = 5.0) -> int:
        """Publish the fills of `events`; gives how many. UnreachableError: call it again with the same rows."""
        rows = commands[commands["owner"] != 0]
        columns = (rows[name].tolist() for name in ("instrument", "order_id", "owner"))
        self._owners |= {(i, order): owner for i, order, owner in zip(*columns, strict=True)}
        fills = self.fills(events)
        await self._bus.publish(self._topic, *fills, deadline_s=deadline_s)
        if len(events):
            self.seq = int(events["seq"][-1])
        self._forget(events)
        return len(fills)

    def fills(self, events: Rows) -> list[Event]:
        """Give the fills of EVENT rows as events; BusError where a trade's owner was never told."""
        trades = events[(events["kind"] == EventKind.TRADE) & (events["seq"] > self.seq)]
        names = ("seq", "ts", "instrument", "order_id", "maker_id", "price", "qty", "side")
        made: list[Event] = []
        for seq, ts, instrument, taker, maker, price, qty, side in zip(
            *(trades[name].tolist() for name in names), strict=True
        ):
            bought = qty if side == Side.BID else -qty
            for order, signed, half in ((taker, bought, "t"), (maker, -bought, "m")):
                account = self._owner(instrument, order)
                fill = Fill(account, instrument, price, signed)
                made.append(
                    self._topic.event(fill, key=str(account), id=f"{self._epoch}-{seq}-{half}", ts_event=ts)
                )
        return made

    def _owner(self, instrument: int, order: int) -> int:
        try:
            return self._owners[instrument, order]
        except KeyError:
            raise BusError(
                "the owner of an order is not known", expected="its NEW command before", got=order
            ) from None

    def _forget(self, events: Rows) -> None:
        done = events[events["kind"] == EventKind.DONE]
        for instrument, order in zip(done["instrument"].tolist(), done["order_id"].tolist(), strict=True):
            self._owners.pop((instrument, order), None)
