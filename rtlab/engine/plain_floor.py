"""What orders do to each other in the plain twin: they trade, rest, end, and every step is told.

It is a class of its own, with one child, only because all of the twin is too long for one module.
"""

from collections.abc import Iterator

from rtlab.engine import convert
from rtlab.engine.limits import NEVER
from rtlab.engine.plain_accounts import Accounts
from rtlab.engine.plain_book import BOOK, WHOLE, Book, Order
from rtlab.engine.plain_checks import Row
from rtlab.model.enums import EventKind, Flag, OrderType, Phase, Reason, SelfTradePrevention, Side

_ENDS_TAKER = (
    SelfTradePrevention.CANCEL_NEWEST,
    SelfTradePrevention.CANCEL_BOTH,
    SelfTradePrevention.DECREMENT,
)


class Floor:
    """The books of all instruments, and the events of the command that is being executed."""

    def __init__(self, books: list[Book], prevention: SelfTradePrevention) -> None:
        self._prevention = prevention
        self._books = books
        for book in books:
            book.settle_prices()
        self._events: list[convert.Fields] = []
        self._seq = self._command = self._clock = 0
        self._at: tuple[int, int] | None = None  # side and price at which the taker is
        self._told = False  # that level has changed for those who see it
        self._left: Order | None = None  # told only if the replaced order does not come back to its level
        self._ended: Reason | None = None  # why the taker may not go on
        self._taker: Order | None = None
        self._row = Row(*[0] * len(Row._fields))
        self._accounts = Accounts([book.rules for book in books], self._orders_of)

    def _orders_of(self, owner: int) -> Iterator[Order]:
        for book in self._books:
            yield from (order for order in book.orders.values() if order.owner == owner)

    def _limits(self, book: Book, order: Order) -> list[int]:
        return book.acceptable(order.side, None if order.order_type == OrderType.MARKET else order.price)

    def _tradable(self, book: Book, taker: Order, prices: list[int]) -> tuple[int, int]:
        """What a taker is sure to get at once, and what its whole quantity costs.

        Half of a pair is not counted: it may be gone before its turn.
        """
        tradable = cost = 0
        for qty, price in self._makers(book, taker, prices):
            part = min(qty, taker.qty - tradable)
            tradable, cost = tradable + part, cost + part * price
        return tradable, cost

    def _makers(self, book: Book, taker: Order, prices: list[int]) -> Iterator[tuple[int, int]]:
        for price in prices:
            if book.leaves_corridor(price):
                return
            queue = book.queues[BOOK, 1 - taker.side][price]
            stop = self._prevention in _ENDS_TAKER
            own = [at for at, maker in enumerate(queue) if self._same_owner(taker, maker)]
            for at, maker in enumerate(queue):
                if own and stop and at == own[0]:
                    return
                if at not in own and not self._is_pair(book, maker, taker):
                    yield (maker.qty if own and stop else maker.open), price

    def _is_pair(self, book: Book, maker: Order, taker: Order) -> bool:
        """Tell whether two live orders name each other; the taker is none of the book's yet."""
        partner = taker if maker.link_id == taker.order_id else book.orders.get(maker.link_id)
        if partner is None or not maker.link_id or not partner.link_id:
            return False
        return partner.link_id == maker.order_id

    def _same_owner(self, taker: Order, maker: Order) -> bool:
        prevented = self._prevention != SelfTradePrevention.NONE
        return prevented and taker.owner != 0 and taker.owner == maker.owner

    def _settle(self, book: Book, taker: Order) -> None:
        """Let an order that has been told trade, and then rest or end."""
        self._ended, self._taker = None, taker
        taker.qty, taker.reserve = taker.open, 0
        if book.phase == Phase.CONTINUOUS:
            if taker.place == BOOK:
                self._take(book, taker)
                self._take_whole(book, taker)
            elif self._tradable(book, taker, self._limits(book, taker))[0] >= taker.qty:
                self._take(book, taker)
        interrupted = self._ended == Reason.VOLATILITY
        if taker.qty > 0 and taker.rests and self._ended in (None, Reason.VOLATILITY):
            taker.renew()
            book.put(taker)
            if taker.place == BOOK:
                self._level(book, taker.side, taker.price, taker.instrument, taker)
        else:
            if self._left is not None:
                self._level(book, taker.side, self._left.price, taker.instrument, self._left)
            self._done(taker, (self._ended or Reason.IOC) if taker.qty > 0 else Reason.FILLED)
            self._cancel_partner(taker)
        self._taker = None
        if interrupted:
            book.phase, book.told = Phase.AUCTION, (0, 0, 0)
            until = min(self._clock + book.rules.volatility_ns, NEVER)
            book.until = until if book.rules.volatility_ns else 0
            self._tell(EventKind.PHASE, 0, 0, 0, 0, book.phase, reason=Reason.VOLATILITY, at=taker.instrument)

    def _take(self, book: Book, taker: Order) -> None:
        """Trade with the book until quantity or acceptable prices are used up, or the taker may not go on."""
        while taker.qty > 0 and self._ended is None and (prices := self._limits(book, taker)):
            price, side = prices[0], 1 - taker.side
            if book.leaves_corridor(price):
                self._ended = Reason.VOLATILITY
                break
            self._at, self._told = (side, price), False
            while taker.qty > 0 and self._ended is None and (queue := book.queues[BOOK, side].get(price)):
                self._meet(book, taker, queue[0])
            self._at = None
            if self._told:
                self._level(book, side, price, taker.instrument)

    def _meet(self, book: Book, taker: Order, maker: Order) -> None:
        """Trade with the first maker, or prevent that."""
        if self._same_owner(taker, maker):
            self._prevent(book, taker, maker)
            return
        self._told = self._told or not maker.unseen
        qty = min(taker.qty, maker.qty)
        taker.qty -= qty
        maker.qty -= qty
        self._trade(taker, maker, maker.price, qty)
        self._cancel_partner(taker)
        if maker.order_id in book.orders:
            self._after_fill(book, maker)

    def _after_fill(self, book: Book, maker: Order) -> None:
        """A resting order has traded: it ends, or shows its next slice; its partner goes."""
        if maker.open == 0:
            self._end(maker, Reason.FILLED)
            return
        if maker.qty == 0:
            self._refill(book, maker)
        self._cancel_partner(maker)

    def _refill(self, book: Book, order: Order) -> None:
        book.drop(order)
        order.renew()
        book.put(order)
        self._tell(
            EventKind.REFILLED,
            order.side,
            order.order_id,
            order.price,
            order.qty,
            order.open,
            at=order.instrument,
        )

    def _prevent(self, book: Book, taker: Order, maker: Order) -> None:
        if self._prevention != SelfTradePrevention.CANCEL_NEWEST:
            self._told = self._told or not maker.unseen
        if self._prevention in (SelfTradePrevention.CANCEL_NEWEST, SelfTradePrevention.CANCEL_BOTH):
            self._ended = Reason.SELF_TRADE
        if self._prevention in (SelfTradePrevention.CANCEL_OLDEST, SelfTradePrevention.CANCEL_BOTH):
            self._end(maker, Reason.SELF_TRADE)
        if self._prevention == SelfTradePrevention.DECREMENT:
            self._decrement(book, taker, maker)

    def _decrement(self, book: Book, taker: Order, maker: Order) -> None:
        qty = min(taker.qty, maker.qty)
        if maker.open == qty:
            self._end(maker, Reason.SELF_TRADE)
        else:
            maker.qty -= qty
            self._tell_order(EventKind.REPLACED, maker, shows=maker.shown, reason=Reason.SELF_TRADE)
            if maker.qty == 0:
                self._refill(book, maker)
        if taker.qty == qty:
            self._ended = Reason.SELF_TRADE
        else:
            taker.qty -= qty
            self._tell_order(EventKind.REPLACED, taker, reason=Reason.SELF_TRADE)

    def _take_whole(self, book: Book, taker: Order) -> None:
        """Trade with those who wait for a quantity that the taker still has."""
        side = 1 - taker.side
        makers = [] if taker.flags & Flag.POST_ONLY else list(book.waiting(side, WHOLE))
        for maker in makers:
            fits = maker.qty <= taker.qty and maker.order_id in book.orders and self._ended is None
            priced = taker.order_type != OrderType.MARKET
            crosses = not priced or (
                maker.price <= taker.price if taker.side == Side.BID else maker.price >= taker.price
            )
            if (
                fits
                and crosses
                and not book.leaves_corridor(maker.price)
                and not self._same_owner(taker, maker)
            ):
                qty = maker.qty
                taker.qty -= qty
                maker.qty = 0
                self._trade(taker, maker, maker.price, qty)
                self._cancel_partner(taker)
                if maker.order_id in book.orders:
                    self._end(maker, Reason.FILLED)

    def _trade(self, taker: Order, maker: Order, price: int, qty: int, *, auction: bool = False) -> None:
        book = self._books[taker.instrument]
        book.last, book.high, book.low = price, max(book.high, price), min(book.low, price)
        maker_ppm = book.rules.maker_fee_ppm
        one, other = (
            (taker.owner, maker_ppm if auction else book.rules.taker_fee_ppm),
            (maker.owner, maker_ppm),
        )
        buyer, seller = (one, other) if taker.side == Side.BID else (other, one)
        self._accounts.pay(taker.instrument, buyer, seller, price, qty)
        numbers = (taker.side, taker.order_id, price, qty, maker.open)
        self._tell(EventKind.TRADE, *numbers, maker_id=maker.order_id, at=taker.instrument)

    def _uncross(self, book: Book, at: int, price: int) -> int:
        volume = 0
        while True:
            bids, asks = book.prices(Side.BID), book.prices(Side.ASK)
            if not bids or not asks or bids[0] < price or asks[0] > price:
                break
            bid, ask = book.queues[BOOK, Side.BID][bids[0]][0], book.queues[BOOK, Side.ASK][asks[0]][0]
            qty = min(bid.qty, ask.qty)
            bid.qty -= qty
            ask.qty -= qty
            volume += qty
            self._trade(bid, ask, price, qty, auction=True)
            for order, key in ((bid, bids[0]), (ask, asks[0])):
                if order.order_id in book.orders:
                    self._after_fill(book, order)
                if not order.unseen:
                    self._level(book, order.side, key, at)
        book.anchor = book.last
        return volume

    def _cancel(self, order: Order, reason: Reason) -> None:
        book = self._books[order.instrument]
        self._end(order, reason, mutual=False)
        if order.place == BOOK:
            self._level(book, order.side, order.price, order.instrument, order)
        self._cancel_partner(order)

    def _end(self, order: Order, reason: Reason, *, mutual: bool = True) -> None:
        """End a live order; whoever calls tells its level."""
        self._done(order, reason)
        self._books[order.instrument].drop(order)
        if mutual:
            self._cancel_partner(order)

    def _cancel_partner(self, order: Order) -> None:
        partner = self._books[order.instrument].orders.get(order.link_id) if order.link_id else None
        link, order.link_id = order.link_id, 0
        taker = self._taker
        if (
            taker is not None
            and link != 0
            and (taker.instrument, taker.order_id) == (order.instrument, link)
            and 0 != taker.link_id == order.order_id
        ):
            taker.link_id = 0
            self._ended = self._ended or Reason.LINKED
            return
        if partner is None or partner.link_id == 0 or partner.link_id != order.order_id:
            return
        partner.link_id = 0
        self._end(partner, Reason.LINKED if partner.open else Reason.FILLED, mutual=False)
        if partner.place == BOOK and self._at == (partner.side, partner.price):
            self._told = self._told or not partner.unseen
        elif partner.place == BOOK:
            self._level(self._books[order.instrument], partner.side, partner.price, order.instrument, partner)

    def _level(self, book: Book, side: int, price: int, at: int, order: Order | None = None) -> None:
        """Tell what a level shows, unless it changed by an order that nobody sees."""
        if order is None or not order.unseen:
            qty, orders = book.level(side, price)
            self._tell(EventKind.LEVEL, side, 0, price, qty, orders, at=at)

    def _done(self, order: Order, reason: Reason) -> None:
        numbers = (order.side, order.order_id, order.price, 0, order.open)
        self._tell(EventKind.DONE, *numbers, reason=reason, at=order.instrument)

    def _tell_order(
        self,
        kind: EventKind,
        order: Order,
        *,
        price: int | None = None,
        shows: int | None = None,
        reason: Reason = Reason.NONE,
    ) -> None:
        price = order.price if price is None else price
        shows = order.slice if shows is None else shows
        self._tell(
            kind, order.side, order.order_id, price, order.open, shows, reason=reason, at=order.instrument
        )

    def _reject(self, reason: Reason) -> None:
        row = self._row
        self._tell(EventKind.REJECTED, row.side, row.order_id, row.price, row.qty, 0, reason=reason)

    def _tell(
        self,
        kind: EventKind,
        side: int,
        order_id: int,
        price: int,
        qty: int,
        remaining: int,
        *,
        maker_id: int = 0,
        reason: Reason = Reason.NONE,
        at: int | None = None,
    ) -> None:
        self._seq += 1
        row = self._row
        numbers = (self._seq, self._command, row.ts, order_id, maker_id, price, qty, remaining)
        self._events.append((*numbers, row.instrument if at is None else at, int(kind), int(reason), side, 0))
