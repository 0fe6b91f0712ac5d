"""What the engine holds while it replays LOBSTER, so that the commands can be written without asking it."""

from rtlab.model import CommandKind, Flag, Level, OrderType, Side, TimeInForce

SEEDS = 1 << 40
"""Order ids from here on are seeds: what rested at a level when it was revealed."""

TAKERS = 1 << 41
"""Order ids from here on are takers: TAKERS + the row of the execution."""

CommandRow = tuple[int, ...]
"""The fields of one COMMAND row, in order."""


def _command(
    ts: int,
    order_id: int,
    kind: CommandKind,
    side: Side,
    price: int,
    qty: int,
    tif: TimeInForce = TimeInForce.GTC,
    flags: Flag = Flag.NONE,
) -> CommandRow:
    return (ts, order_id, 0, price, qty, 0, 0, 0, 0, 0, 0, 0, flags, kind, side, OrderType.LIMIT, tif, 0)


class Queues:
    """Orders by side and price, each price first in, first out. Every method gives the commands that do it."""

    def __init__(self) -> None:
        self._levels: tuple[dict[int, dict[int, int]], dict[int, dict[int, int]]] = ({}, {})
        self._seeds = 0

    def total(self, side: Side, price: int) -> int:
        """Give the quantity that rests at a price."""
        return sum(self._levels[side].get(price, {}).values())

    def open_qty(self, side: Side, price: int, order_id: int) -> int:
        """Give the open quantity of an order at a price, 0 when it is not there."""
        return self._levels[side].get(price, {}).get(order_id, 0)

    def add(self, ts: int, order_id: int, side: Side, price: int, qty: int) -> CommandRow:
        """Rest an order at the back of its price."""
        self._levels[side].setdefault(price, {})[order_id] = qty
        return _command(ts, order_id, CommandKind.NEW, side, price, qty)

    def seed(self, ts: int, side: Side, level: Level) -> CommandRow:
        """Rest an order of nobody; refused by the engine rather than traded, should it cross."""
        self._seeds += 1
        order_id, (price, qty) = SEEDS + self._seeds, level
        self._levels[side].setdefault(price, {})[order_id] = qty
        return _command(ts, order_id, CommandKind.NEW, side, price, qty, flags=Flag.POST_ONLY)

    def reduce(self, ts: int, order_id: int, side: Side, price: int, qty: int) -> CommandRow:
        """Take `qty` from an order; it keeps its place, and is cancelled when nothing is left."""
        level = self._levels[side][price]
        left = level[order_id] - qty
        if left <= 0:
            self._drop(side, price, order_id)
            return _command(ts, order_id, CommandKind.CANCEL, side, price, 0)
        level[order_id] = left
        return _command(ts, order_id, CommandKind.REPLACE, side, price, left)

    def reduce_seeds(self, ts: int, side: Side, price: int, qty: int) -> list[CommandRow]:
        """Take up to `qty` from the seeds of a price, oldest first."""
        commands = []
        for order_id, open_qty in list(self._levels[side].get(price, {}).items()):
            if order_id > SEEDS and qty:
                taken = min(qty, open_qty)
                qty -= taken
                commands.append(self.reduce(ts, order_id, side, price, taken))
        return commands

    def execute(self, ts: int, taker_id: int, side: Side, price: int, qty: int) -> CommandRow:
        """Trade `qty` against what rests on `side` at `price`, by an IOC order from the other side."""
        wanted, level = qty, self._levels[side].get(price, {})
        for order_id, open_qty in list(level.items()):
            if qty:
                taken = min(qty, open_qty)
                qty -= taken
                level[order_id] -= taken
                if taken == open_qty:
                    self._drop(side, price, order_id)
        taker_side = Side.ASK if side is Side.BID else Side.BID
        return _command(ts, taker_id, CommandKind.NEW, taker_side, price, wanted, TimeInForce.IOC)

    def clear(self, ts: int, side: Side, price: int | None) -> tuple[list[CommandRow], list[int]]:
        """Cancel every order of a side at `price` or better (None: all of them); give the orders' ids too."""
        levels, sign = self._levels[side], -1 if side is Side.BID else 1
        gone = [at for at in levels if price is None or at * sign <= price * sign]
        ids = [(at, order_id) for at in gone for order_id in levels.pop(at)]
        cancels = [_command(ts, order_id, CommandKind.CANCEL, side, at, 0) for at, order_id in ids]
        return cancels, [order_id for _, order_id in ids]

    def _drop(self, side: Side, price: int, order_id: int) -> None:
        level = self._levels[side][price]
        del level[order_id]
        if not level:
            del self._levels[side][price]
