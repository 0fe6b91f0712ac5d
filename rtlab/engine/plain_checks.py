"""The plain twin's reasons to refuse a command before it looks at the book."""

from typing import NamedTuple

from rtlab.engine.limits import MAX_PRICE, MAX_QTY, SLICES
from rtlab.engine.plain_book import RESTING, STOPS, TRAILING, Book, Order
from rtlab.model.enums import (
    CommandKind,
    Flag,
    OrderType,
    Phase,
    Reason,
    Side,
    TimeInForce,
)

PRICED = (OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP_LIMIT)
SWEEP = Flag.ALL_INSTRUMENTS | Flag.BOTH_SIDES | Flag.ALL_OWNERS
OF_OWNERS = (CommandKind.DEPOSIT, CommandKind.LIMITS, CommandKind.KILL, CommandKind.REVIVE)


class Row(NamedTuple):
    """A COMMAND row, field by field."""

    ts: int
    order_id: int
    owner: int
    price: int
    qty: int
    stop_price: int
    display_qty: int
    expire_ts: int
    min_qty: int
    link_id: int
    trail: int
    instrument: int
    flags: int
    kind: int
    side: int
    order_type: int
    tif: int
    phase: int


def malformed(row: Row, clock: int) -> Reason | None:
    """Say why a command is refused whatever the book holds."""
    if row.kind == CommandKind.NEW:
        return _wrong_codes(row) or _wrong_numbers(row) or _wrong_new(row, clock)
    if row.kind == CommandKind.REPLACE:
        if row.flags:
            return Reason.BAD_FLAGS
        if row.min_qty or row.link_id or row.phase:
            return Reason.UNSUPPORTED
        return _wrong_numbers(row) or _wrong_replacement(row, clock)
    unused = (row.stop_price, row.display_qty, row.expire_ts, row.min_qty, row.link_id, row.trail)
    if any(unused) or (row.phase and row.kind != CommandKind.PHASE):
        return Reason.UNSUPPORTED
    allowed = {CommandKind.MASS_CANCEL: SWEEP, CommandKind.LIMITS: Flag.CHECK_FUNDS}.get(
        CommandKind(row.kind), Flag.NONE
    )
    if row.flags & ~int(allowed):
        return Reason.BAD_FLAGS
    if row.kind == CommandKind.MASS_CANCEL:
        if row.side not in tuple(Side) and not row.flags & Flag.BOTH_SIDES:
            return Reason.BAD_SIDE
        return Reason.BAD_OWNER if row.owner == 0 and not row.flags & Flag.ALL_OWNERS else None
    if row.kind == CommandKind.PHASE and row.phase not in tuple(Phase):
        return Reason.BAD_PHASE
    return Reason.BAD_OWNER if row.kind in OF_OWNERS and row.owner == 0 else None


def _wrong_codes(row: Row) -> Reason | None:
    if row.side not in tuple(Side):
        return Reason.BAD_SIDE
    if row.order_type not in tuple(OrderType):
        return Reason.BAD_ORDER_TYPE
    if row.tif not in tuple(TimeInForce):
        return Reason.BAD_TIF
    waits = row.order_type in STOPS or row.order_type in TRAILING
    if waits and row.tif not in RESTING:
        return Reason.BAD_TIF
    if row.order_type == OrderType.MARKET and row.tif in (TimeInForce.GTD, TimeInForce.DAY):
        return Reason.BAD_TIF
    rests = row.order_type == OrderType.LIMIT and row.tif in RESTING
    allowed = Flag.NONE
    if rests:
        allowed = Flag.POST_ONLY | Flag.SLIDE | Flag.HIDDEN | Flag.ALL_OR_NONE
    if row.order_type == OrderType.MARKET and row.tif == TimeInForce.FOK:
        allowed = Flag.BUDGET
    if row.order_type in (OrderType.STOP_LIMIT, OrderType.TRAILING_STOP_LIMIT):
        allowed = Flag.HIDDEN
    if row.order_type in TRAILING:
        allowed |= Flag.BASIS_POINTS
    if row.flags & ~int(allowed) or row.flags & (Flag.POST_ONLY | Flag.SLIDE) == Flag.SLIDE:
        return Reason.BAD_FLAGS
    if row.flags & Flag.ALL_OR_NONE and row.flags != Flag.ALL_OR_NONE:
        return Reason.BAD_FLAGS
    return Reason.UNSUPPORTED if row.phase else None


def _wrong_numbers(row: Row) -> Reason | None:
    if not 1 <= row.qty <= MAX_QTY:
        return Reason.BAD_QUANTITY
    priced = row.kind == CommandKind.REPLACE or row.order_type in PRICED or row.flags & Flag.BUDGET
    return Reason.BAD_PRICE if priced and not 0 <= row.price <= MAX_PRICE else None


def _slices(qty: int, display: int) -> int:
    return -(-qty // display) if display else 1


def _wrong_new(row: Row, clock: int) -> Reason | None:
    rests = row.order_type in PRICED and row.tif in RESTING
    if row.display_qty and (not rests or row.flags & (Flag.HIDDEN | Flag.ALL_OR_NONE)):
        return Reason.BAD_DISPLAY
    if not 0 <= row.display_qty <= row.qty or _slices(row.qty, row.display_qty) > SLICES:
        return Reason.BAD_DISPLAY
    at_once = row.order_type in (OrderType.LIMIT, OrderType.MARKET) and row.tif != TimeInForce.FOK
    if row.min_qty and (not at_once or row.flags & (Flag.POST_ONLY | Flag.ALL_OR_NONE)):
        return Reason.BAD_MIN_QTY
    if not 0 <= row.min_qty <= row.qty:
        return Reason.BAD_MIN_QTY
    fixed, trailing = row.order_type in STOPS, row.order_type in TRAILING
    lowest, highest = (1 if fixed else 0), (MAX_PRICE if fixed or trailing else 0)
    if not lowest <= row.stop_price <= highest:
        return Reason.BAD_STOP
    most = 10_000 if row.flags & Flag.BASIS_POINTS else MAX_PRICE
    if not (1 <= row.trail <= most if trailing else row.trail == 0):
        return Reason.BAD_TRAIL
    if row.expire_ts <= clock if row.tif == TimeInForce.GTD else row.expire_ts != 0:
        return Reason.BAD_EXPIRY
    return Reason.BAD_LINK if row.link_id == row.order_id and row.link_id else None


def _wrong_replacement(row: Row, clock: int) -> Reason | None:
    if not 0 <= row.display_qty <= row.qty or _slices(row.qty, row.display_qty) > SLICES:
        return Reason.BAD_DISPLAY
    if not 0 <= row.stop_price <= MAX_PRICE:
        return Reason.BAD_STOP
    if not 0 <= row.trail <= MAX_PRICE:
        return Reason.BAD_TRAIL
    return Reason.BAD_EXPIRY if row.expire_ts and row.expire_ts <= clock else None


def misfit(row: Row, order: Order) -> Reason | None:
    """Say why a replacement does not fit the order that it means."""
    pending = order.order_type in STOPS or order.order_type in TRAILING
    if row.display_qty and (order.unseen or order.order_type in (OrderType.STOP, OrderType.TRAILING_STOP)):
        return Reason.BAD_DISPLAY
    if _slices(row.qty, row.display_qty or order.display) > SLICES:
        return Reason.BAD_DISPLAY
    if row.stop_price and not pending:
        return Reason.BAD_STOP
    most = 10_000 if order.flags & Flag.BASIS_POINTS else MAX_PRICE
    if row.trail > (most if order.order_type in TRAILING else 0):
        return Reason.BAD_TRAIL
    return Reason.BAD_EXPIRY if row.expire_ts and order.tif != TimeInForce.GTD else None


def refused_by_market(row: Row, book: Book, priced: bool) -> Reason | None:
    """Say why the market's state or rules refuse a new order or a replacement."""
    if book.phase in (Phase.HALTED, Phase.CLOSED):
        return Reason.PHASE
    if book.phase in (Phase.PRE_OPEN, Phase.AUCTION) and row.kind == CommandKind.NEW:
        immediate = row.tif not in RESTING or row.order_type == OrderType.MARKET or row.min_qty
        if immediate or row.flags & (Flag.POST_ONLY | Flag.ALL_OR_NONE):
            return Reason.PHASE
    reason = refused_price(book, row.price if priced else max(book.reference, 0), row.qty)
    if reason != Reason.PRICE_BAND and book.rules.max_qty and row.qty > book.rules.max_qty:
        return Reason.ORDER_QTY
    return reason


def refused_price(book: Book, price: int, qty: int) -> Reason | None:
    """Say why the rules refuse this price, or so much at it."""
    rules, reference = book.rules, book.reference
    if rules.price_band and reference >= 0 and abs(price - reference) > rules.price_band:
        return Reason.PRICE_BAND
    return Reason.NOTIONAL if rules.max_notional and price * qty > rules.max_notional else None
