"""The plain twin's memory: orders, and where they wait. Dictionaries and lists, searched and sorted anew each time."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from rtlab.engine.limits import MAX_PRICE, MAX_QTY, SPAN
from rtlab.model.enums import Flag, OrderType, Phase, Reason, Side, TimeInForce
from rtlab.model.rules import Rules

BOOK, STOP, WHOLE, TRAIL = range(4)
"""Where an order waits: in the book, for the last price, for its whole quantity, or behind the last price."""

RESTING = (TimeInForce.GTC, TimeInForce.GTD, TimeInForce.DAY)
STOPS = (OrderType.STOP, OrderType.STOP_LIMIT)
TRAILING = (OrderType.TRAILING_STOP, OrderType.TRAILING_STOP_LIMIT)
UNSEEN = int(Flag.HIDDEN | Flag.ALL_OR_NONE)  # an int: a sweep asks millions of times, and flags are slow


@dataclass(eq=False)
class Order:
    """One order; `qty` is what can be traded in its turn, `reserve` what an iceberg has behind that."""

    order_id: int
    owner: int
    instrument: int
    side: int
    price: int
    qty: int
    order_type: int = OrderType.LIMIT
    tif: int = TimeInForce.GTC
    flags: int = 0
    reserve: int = 0
    display: int = 0
    expire_ts: int = 0
    link_id: int = 0
    stop_price: int = 0
    trail: int = 0
    entered: int = 0
    place: int = BOOK

    @property
    def open(self) -> int:
        """Give the lots that may still trade."""
        return self.qty + self.reserve

    @property
    def rests(self) -> bool:
        """Tell whether what cannot trade at once stays."""
        return self.tif in RESTING and self.order_type != OrderType.MARKET

    @property
    def unseen(self) -> bool:
        """Tell whether nobody sees it."""
        return self.flags & UNSEEN != 0

    @property
    def slice(self) -> int:
        """Give what of the open quantity would show."""
        if self.unseen:
            return 0
        return min(self.display, self.open) if self.display else self.open

    @property
    def shown(self) -> int:
        """Give the lots that show where it waits."""
        return 0 if self.unseen else self.qty

    @property
    def key(self) -> int:
        """Give the price by which it waits."""
        return {BOOK: self.price, WHOLE: self.price, STOP: self.stop_price, TRAIL: 0}[self.place]

    @property
    def terms(self) -> tuple[int, int, int, int]:
        """Give what a stop loses its place by when it changes."""
        return self.price, self.stop_price, self.trail, self.display

    def cut(self, open_qty: int) -> None:
        """Stand with `open_qty`: what shows is kept, as far as it goes."""
        self.qty = min(self.qty, open_qty)
        self.reserve = open_qty - self.qty

    def renew(self) -> None:
        """Show the next slice of what is open."""
        total = self.open
        self.qty = min(self.display, total) if self.display and not self.unseen else total
        self.reserve = total - self.qty

    def distance(self, last: int) -> int:
        """Ticks at which a trailing stop follows the price `last`."""
        return max(1, last * self.trail // 10_000) if self.flags & Flag.BASIS_POINTS else self.trail

    def follow(self, last: int) -> None:
        """Move a trailing stop, and its limit with it, if `last` has gone its way."""
        if self.side == Side.BID:
            moved = min(self.stop_price, last + self.distance(last))
        else:
            moved = max(self.stop_price, last - self.distance(last))
        if self.order_type == OrderType.TRAILING_STOP_LIMIT:
            self.price = min(max(self.price + moved - self.stop_price, 0), MAX_PRICE)
        self.stop_price = moved


def descending(place: int, side: int) -> bool:
    """Tell whether the highest price is the first: bids, and stops of those who sell."""
    return (side == Side.BID) == (place in (BOOK, WHOLE))


@dataclass
class Book:
    """One instrument: its orders by id, and by place, side and price in the order in which they came."""

    rules: Rules
    orders: dict[int, Order] = field(default_factory=dict)
    queues: dict[tuple[int, int], dict[int, list[Order]]] = field(
        default_factory=lambda: {(place, side): {} for place in range(4) for side in Side}
    )
    phase: int = Phase.CONTINUOUS
    until: int = 0
    last: int = -1
    high: int = -1
    low: int = 1 << 63
    anchor: int = -1
    told: tuple[int, int, int] = (0, 0, 0)
    biggest: int = 0  # quantity ever asked for

    def put(self, order: Order) -> None:
        """Let an order wait at the back of its queue."""
        self.orders[order.order_id] = order
        self.queues[order.place, order.side].setdefault(order.key, []).append(order)

    def drop(self, order: Order) -> None:
        """Take an order out."""
        del self.orders[order.order_id]
        queue = self.queues[order.place, order.side][order.key]
        queue.remove(order)
        if not queue:
            del self.queues[order.place, order.side][order.key]

    def prices(self, side: int, place: int = BOOK) -> list[int]:
        """Give the prices of a place and side, best first."""
        return sorted(self.queues[place, side], reverse=descending(place, side))

    def waiting(self, side: int, place: int) -> Iterator[Order]:
        """Give all orders of a place and side, first to come first of the best price first."""
        for price in self.prices(side, place):
            yield from list(self.queues[place, side][price])

    def total(self, side: int, price: int) -> int:
        """Give all open lots at a price of the book."""
        return sum(order.open for order in self.queues[BOOK, side][price])

    def level(self, side: int, price: int) -> tuple[int, int]:
        """Give the quantity that shows at a price, and in how many orders."""
        shown = [o.qty for o in self.queues[BOOK, side].get(price, ()) if o.flags & UNSEEN == 0 and o.qty]
        return sum(shown), len(shown)

    def acceptable(self, side: int, limit: int | None) -> list[int]:
        """Give the prices that a taker of `side` would meet, best first; a limit of None accepts all."""
        prices = self.prices(1 - side)
        if limit is None:
            return prices
        return [price for price in prices if (price <= limit if side == Side.BID else price >= limit)]

    @property
    def reference(self) -> int:
        """Give the last price, or the rules' before the first; -1: neither."""
        return self.last if self.last >= 0 else self.rules.reference_price or -1

    def leaves_corridor(self, price: int) -> bool:
        """Tell whether a trade at this price would move it further than one command may."""
        allowed = self.rules.volatility_ticks
        return bool(allowed) and self.anchor >= 0 and abs(price - self.anchor) > allowed

    def settle_prices(self) -> None:
        """Between two commands: the next one moves the price from here."""
        self.anchor = self.reference
        if self.last >= 0:
            self.high = self.low = self.last

    def no_room(self, order: Order, qty: int, standing: Order | None) -> Reason | None:
        """Say why `qty` of an order may not wait at its price, if so; `standing` is the order that it replaces."""
        wrong = Reason.BAD_PRICE if order.place in (BOOK, WHOLE) else Reason.BAD_STOP
        prices = [order.key, *self.queues[order.place, order.side]]
        if max(prices) - min(prices) >= SPAN:
            return wrong
        self.biggest = max(self.biggest, qty)
        if self.biggest * (len(self.orders) + 1) <= MAX_QTY:
            return None  # whatever is held
        held = sum(other.open for other in self.waiting(order.side, order.place))
        if standing is not None and standing.place == order.place:
            held -= standing.open
        return Reason.BAD_QUANTITY if held + qty > MAX_QTY else None

    def uncrossing(self) -> tuple[int, int, int]:
        """Give price, volume and surplus of an auction; (0, 0, 0) when nothing would trade.

        The price of most volume; of these of the least surplus; of these, if all have buyers left over, the
        highest, if all have sellers left over, the lowest; else the one nearest to the reference price, or to the
        middle. (The four steps of the ASX and of Xetra.)
        """
        bids, asks = self.queues[BOOK, Side.BID], self.queues[BOOK, Side.ASK]
        if not bids or not asks or max(bids) < min(asks):
            return 0, 0, 0
        low, high = min(asks), max(bids)
        near = {price + step for price in (*bids, *asks) for step in (-1, 0, 1)}
        ranked = []
        for price in sorted(price for price in near if low <= price <= high):
            bought = sum(self.total(Side.BID, at) for at in bids if at >= price)
            sold = sum(self.total(Side.ASK, at) for at in asks if at <= price)
            ranked.append((min(bought, sold), -abs(bought - sold), price, bought - sold))
        best = max(rank[:2] for rank in ranked)
        ties = [(price, surplus) for *rank, price, surplus in ranked if tuple(rank) == best]
        if all(surplus > 0 for _, surplus in ties):
            price = ties[-1][0]
        elif all(surplus < 0 for _, surplus in ties):
            price = ties[0][0]
        else:
            low, high = ties[0][0], ties[-1][0]
            wanted = self.reference if self.reference >= 0 else low + (high - low) // 2
            price = min(max(wanted, low), high)
        bought = sum(self.total(Side.BID, at) for at in bids if at >= price)
        sold = sum(self.total(Side.ASK, at) for at in asks if at <= price)
        return price, min(bought, sold), bought - sold
