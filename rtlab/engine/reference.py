"""The engine's plain twin: the same rules written down once more, as simply as they can be.

It is the oracle of the tests. It searches dictionaries where the kernel follows links, and shares with it only
the limits and the conversion of values, so that an error in one of them shows as a difference.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from rtlab.engine import convert
from rtlab.engine.limits import MAX_PRICE, NEVER
from rtlab.engine.plain_book import BOOK, STOP, STOPS, TRAIL, TRAILING, WHOLE, Book, Order
from rtlab.engine.plain_checks import PRICED, Row, malformed, misfit, refused_by_market, refused_price
from rtlab.engine.plain_floor import Floor
from rtlab.engine.values import events_of
from rtlab.model.commands import Command
from rtlab.model.enums import (
    CommandKind,
    EventKind,
    Flag,
    OrderType,
    Phase,
    Reason,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from rtlab.model.events import Event
from rtlab.model.instrument import Instrument
from rtlab.model.rows import COMMAND
from rtlab.model.rules import Rules

RowArray = npt.NDArray[np.void]
Levels = list[tuple[int, int]]


class ReferenceEngine(Floor):
    """Match orders by price and time, in plain Python. Arguments and errors are those of `Engine`."""

    def __init__(
        self,
        instruments: Sequence[Instrument],
        *,
        self_trade_prevention: SelfTradePrevention = SelfTradePrevention.NONE,
        rules: Mapping[str, Rules] | None = None,
    ) -> None:
        self._positions = convert.positions(instruments)
        self._symbols = tuple(instrument.symbol for instrument in instruments)
        books = [Book(one) for one in convert.rules_of(self._positions, rules)]
        super().__init__(books, convert.prevention(self_trade_prevention))

    def submit(self, command: Command) -> list[Event]:
        """Execute one command; InstrumentError and CommandError as in `Engine.submit`."""
        row = bytearray(COMMAND.itemsize)
        convert.pack(row, command, self._positions)
        return events_of(self.process(np.frombuffer(row, COMMAND)), self._symbols)

    def process(self, rows: RowArray) -> RowArray:
        """Execute COMMAND rows and give their events as EVENT rows; CommandError as in `Engine.process`."""
        self._events = []
        for fields in convert.command_rows(rows).tolist():
            self._row = Row(*fields)
            self._execute(self._row)
            self._command += 1
        return convert.event_rows(self._events)

    def book(self, symbol: str, depth: int | None = None) -> tuple[Levels, Levels]:
        """Give the best `depth` levels (None: all) of both sides, best first, as (price, shown quantity)."""
        book = self._books[convert.position(self._positions, symbol)]
        sides = ([(price, book.level(side, price)[0]) for price in book.prices(side)] for side in Side)
        bids, asks = ([(price, qty) for price, qty in levels if qty] for levels in sides)
        return bids[:depth], asks[:depth]

    def positions(self, symbol: str, owner: int) -> list[convert.QueuePosition]:
        """Give what `Engine.book` gives with an owner, of all levels."""
        book, found = self._books[convert.position(self._positions, symbol)], []
        for side in Side:
            for price in book.prices(side):
                queue = book.queues[BOOK, side][price]
                for at, order in enumerate(queue):
                    if order.owner == owner:
                        numbers = (order.open, order.shown, at, sum(other.qty for other in queue[:at]))
                        found.append(convert.QueuePosition(order.order_id, side, price, *numbers))
        return found

    def account(self, owner: int) -> convert.AccountState:
        """Give what `Engine.account` gives; who has no account is nobody."""
        account = self._accounts.of(owner)
        lots = {symbol: account.lots.get(at, 0) for symbol, at in self._positions.items()}
        live = list(self._accounts.orders_of(owner)) if owner in self._accounts.by_owner else []
        reserved = self._accounts.reserved(live)
        return convert.AccountState(owner, account.money, reserved, len(live), account.killed, lots)

    @property
    def fees(self) -> int:
        """Give what the house got."""
        return self._accounts.house

    def _execute(self, row: Row) -> None:
        if row.ts and row.ts < self._clock:
            self._reject(Reason.BAD_TIME)
            return
        self._clock = row.ts or self._clock
        self._pass_time()
        reason = self._refusal(row)
        if reason is None and row.kind in (CommandKind.NEW, CommandKind.CANCEL, CommandKind.REPLACE):
            reason = self._change(row, self._books[row.instrument])
        elif reason is None:
            reason = self._administer(row)
        if reason is not None:
            self._reject(reason)

    def _refusal(self, row: Row) -> Reason | None:
        if row.instrument >= len(self._books):
            return Reason.UNKNOWN_INSTRUMENT
        if row.kind not in tuple(CommandKind):
            return Reason.BAD_KIND
        return malformed(row, self._clock)

    def _pass_time(self) -> None:
        """What is due by now: orders that expire, and auctions that end."""
        while True:
            live = [
                order
                for book in self._books
                for order in book.orders.values()
                if order.tif == TimeInForce.GTD
            ]
            order = min(live, key=lambda order: (order.expire_ts, order.entered), default=None)
            ends, at = min((book.until or NEVER + 1, at) for at, book in enumerate(self._books))
            if order is not None and order.expire_ts <= min(ends, self._clock):
                self._cancel(order, Reason.EXPIRED)
                self._after(order.instrument)
            elif ends <= self._clock:
                self._enter_phase(at, Phase.CONTINUOUS, Reason.VOLATILITY)
                self._after(at)
            else:
                return

    def _administer(self, row: Row) -> Reason | None:
        if row.kind == CommandKind.PHASE:
            self._enter_phase(row.instrument, row.phase, Reason.NONE)
            self._after(row.instrument)
        elif row.kind == CommandKind.MASS_CANCEL:
            everywhere = row.flags & Flag.ALL_INSTRUMENTS
            count = 0
            for at in range(len(self._books)) if everywhere else [row.instrument]:
                count += self._sweep(at, self._meant, Reason.MASS_CANCELLED)
                self._after(at)
            self._tell(EventKind.MASS_CANCELLED, 0, row.owner, 0, count, 0)
        elif row.kind != CommandKind.TIME:
            reason = self._accounts.change(row)
            if reason is not None:
                return reason
            for at in range(len(self._books)) if row.kind == CommandKind.KILL else ():
                self._sweep(at, lambda order: order.owner == row.owner, Reason.KILLED)
                self._after(at)
            account = self._accounts.of(row.owner)
            lots = account.lots.get(row.instrument, 0)
            self._tell(EventKind.ACCOUNT, 0, row.owner, account.money, lots, 0)
        else:
            self._tell(EventKind.TIME, 0, 0, 0, 0, 0)
        return None

    def _meant(self, order: Order) -> bool:
        row = self._row
        mine = bool(row.flags & Flag.ALL_OWNERS) or order.owner == row.owner
        return mine and (bool(row.flags & Flag.BOTH_SIDES) or order.side == row.side)

    def _sweep(self, at: int, meant: Callable[[Order], bool], reason: Reason) -> int:
        """Cancel orders queue by queue; each level is told once, after its orders."""
        book, count = self._books[at], 0
        queues = [(place, side) for place in range(4) for side in Side]
        queues.sort(key=lambda queue: 2 * queue[0] + (queue[1] ^ (queue[0] & 1)))
        for place, side in queues:
            for price in book.prices(side, place):
                told = False
                for order in list(book.queues[place, side].get(price, ())):
                    if meant(order) and order.order_id in book.orders:  # whose partner did not take him along
                        told = told or order.shown > 0
                        self._end(order, reason, mutual=reason == Reason.EXPIRED)
                        count += 1
                if told and place == BOOK:
                    self._level(book, side, price, at)
        return count

    def _enter_phase(self, at: int, phase: int, reason: Reason) -> None:
        book = self._books[at]
        price = volume = 0
        if phase in (Phase.CONTINUOUS, Phase.CLOSED):
            while (found := book.uncrossing())[
                1
            ]:  # again where half of a pair had counted that went with the other
                price = found[0]
                volume += self._uncross(book, at, price)
        book.phase, book.until, book.told = phase, 0, (0, 0, 0)
        if phase == Phase.CLOSED:
            self._sweep(at, lambda order: order.tif == TimeInForce.DAY, Reason.EXPIRED)
        self._tell(EventKind.PHASE, 0, 0, price, volume, phase, reason=reason, at=at)

    def _after(self, at: int) -> None:
        """What a change of the book, or of the last price, sets off."""
        book = self._books[at]
        while book.phase == Phase.CONTINUOUS and (order := self._due(book)) is not None:
            self._activate(book, order)
        if book.phase != Phase.CONTINUOUS and book.last >= 0:
            for order in (*book.waiting(Side.ASK, TRAIL), *book.waiting(Side.BID, TRAIL)):
                order.follow(book.last)
        if book.phase == Phase.AUCTION and (found := book.uncrossing()) != book.told:
            book.told = found
            price, volume, surplus = found
            self._tell(EventKind.INDICATIVE, 0, 0, price, volume, surplus, at=at)
        book.settle_prices()

    def _due(self, book: Book) -> Order | None:
        for side in (Side.ASK, Side.BID):
            for order in book.waiting(side, STOP):
                if order.stop_price >= book.low if side == Side.ASK else order.stop_price <= book.high:
                    return order
        if book.last >= 0:
            trailing = [order for side in (Side.ASK, Side.BID) for order in book.waiting(side, TRAIL)]
            for order in trailing:
                order.follow(book.last)
            for order in trailing:
                reached = order.stop_price >= book.last if order.side else order.stop_price <= book.last
                if reached:
                    return order
        for side in Side:
            for order in book.waiting(side, WHOLE):
                prices = book.acceptable(side, order.price)
                if prices and self._tradable(book, order, prices)[0] >= order.qty:
                    return order
        return None

    def _activate(self, book: Book, order: Order) -> None:
        book.drop(order)
        if order.place == WHOLE:
            self._settle(book, order)
            return
        self._tell_order(EventKind.TRIGGERED, order, price=order.stop_price)
        limited = order.order_type in (OrderType.STOP_LIMIT, OrderType.TRAILING_STOP_LIMIT)
        order.order_type, order.place = (OrderType.LIMIT if limited else OrderType.MARKET), BOOK
        self._cancel_partner(order)
        reason = book.no_room(order, order.open, None) if limited else None
        if reason is not None:
            self._done(order, reason)
        else:
            self._settle(book, order)

    def _change(self, row: Row, book: Book) -> Reason | None:
        standing = book.orders.get(row.order_id)
        if row.kind == CommandKind.NEW:
            reason = Reason.DUPLICATE_ID if standing else self._enter(row, book)
        elif standing is None:
            return Reason.UNKNOWN_ORDER
        elif row.kind == CommandKind.REPLACE:
            reason = self._replace(row, book, standing)
        else:
            self._cancel(standing, Reason.CANCELLED)
            reason = None
        if reason is None:
            self._after(row.instrument)
        return reason

    def _enter(self, row: Row, book: Book) -> Reason | None:
        reason = refused_by_market(row, book, row.order_type in PRICED)
        reason = reason or self._accounts.refusal(row, None)
        if reason is not None:
            return reason
        order = Order(
            row.order_id,
            row.owner,
            row.instrument,
            row.side,
            row.price if row.order_type in PRICED else 0,
            row.qty,
            row.order_type,
            row.tif,
            row.flags,
            display=row.display_qty,
            expire_ts=row.expire_ts,
            link_id=row.link_id,
            stop_price=row.stop_price,
            trail=row.trail,
        )
        if order.order_type in STOPS or order.order_type in TRAILING:
            return self._hold(book, order, None)
        return self._arrive(row, book, order, None)

    def _replace(self, row: Row, book: Book, standing: Order) -> Reason | None:
        reason = misfit(row, standing) or refused_by_market(row, book, standing.order_type in PRICED)
        reason = reason or self._accounts.refusal(row, standing)
        if reason is not None:
            return reason
        changed = Order(**(vars(standing) | {"price": row.price, "qty": row.qty, "reserve": 0}))
        changed.flags &= ~(Flag.POST_ONLY | Flag.SLIDE)
        changed.display = row.display_qty or standing.display
        changed.expire_ts = row.expire_ts or standing.expire_ts
        changed.trail = row.trail or standing.trail
        changed.stop_price = row.stop_price or standing.stop_price
        if standing.place in (STOP, TRAIL):
            if standing.order_type not in PRICED:
                changed.price = 0
            return self._hold(book, changed, standing)
        same = changed.price == standing.price and changed.display == standing.display
        if not same or row.qty > standing.open:
            return self._arrive(row, book, changed, standing)
        standing.cut(row.qty)
        standing.expire_ts = changed.expire_ts
        self._tell_order(EventKind.REPLACED, standing, shows=standing.shown)
        self._level(book, standing.side, standing.price, standing.instrument, standing)
        return None

    def _hold(self, book: Book, order: Order, standing: Order | None) -> Reason | None:
        """Let a stop wait for its price."""
        order.place = TRAIL if order.order_type in TRAILING else STOP
        if order.place == TRAIL and order.stop_price == 0 and standing is None:
            if book.last < 0:
                return Reason.BAD_STOP
            away = order.distance(book.last)
            order.stop_price = (
                min(book.last + away, MAX_PRICE) if order.side == Side.BID else max(0, book.last - away)
            )
        if book.last >= 0:
            side_is_wrong = (
                order.stop_price <= book.last if order.side == Side.BID else order.stop_price >= book.last
            )
            if side_is_wrong:
                return Reason.BAD_STOP
        if standing is not None and order.qty <= standing.open and order.terms == standing.terms:
            standing.qty, standing.expire_ts = order.qty, order.expire_ts
            self._tell_order(EventKind.REPLACED, standing)
            return None
        reason = book.no_room(order, order.qty, standing)
        if reason is not None:
            return reason
        self._tell_order(EventKind.REPLACED if standing else EventKind.ACCEPTED, order)
        if standing is not None:
            book.drop(standing)
        else:
            order.entered = self._seq
        book.put(order)
        return None

    def _arrive(self, row: Row, book: Book, order: Order, standing: Order | None) -> Reason | None:
        """Let an order trade and rest, unless it may not."""
        order.place = WHOLE if order.flags & Flag.ALL_OR_NONE else BOOK
        trades = book.phase == Phase.CONTINUOUS
        prices = self._limits(book, order) if trades else []
        if prices and standing is None and row.flags & Flag.POST_ONLY:
            order.price = prices[0] - 1 if order.side == Side.BID else prices[0] + 1
            if not row.flags & Flag.SLIDE or not 0 <= order.price <= MAX_PRICE:
                return Reason.POST_ONLY
            reason = refused_price(book, order.price, order.qty)
            if reason is not None:
                return reason
            prices = []
        reason = book.no_room(order, order.qty, standing) if order.rests else None
        if reason is None and standing is None:
            reason = self._refused_to_take(row, book, order, prices)
        if reason is not None:
            return reason
        self._tell_order(EventKind.REPLACED if standing else EventKind.ACCEPTED, order)
        if standing is None:
            order.entered = self._seq
        else:
            book.drop(standing)
            if standing.place == BOOK and standing.price == order.price:
                self._left = standing
            elif standing.place == BOOK:
                self._level(book, standing.side, standing.price, standing.instrument, standing)
        self._settle(book, order)
        self._left = None
        return None

    def _refused_to_take(self, row: Row, book: Book, order: Order, prices: list[int]) -> Reason | None:
        wanted = order.qty if row.tif == TimeInForce.FOK else row.min_qty
        if not wanted:
            return None
        tradable, cost = self._tradable(book, order, prices)
        if tradable < wanted:
            return Reason.FOK if row.tif == TimeInForce.FOK else Reason.MIN_QTY
        if row.flags & Flag.BUDGET and (cost > row.price if order.side == Side.BID else cost < row.price):
            return Reason.BUDGET
        return None
