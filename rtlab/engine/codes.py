"""The codes of rtlab.model as plain integers: kernels freeze them, and an enum member costs compile time."""

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

BID, ASK = int(Side.BID), int(Side.ASK)

LIMIT, MARKET = int(OrderType.LIMIT), int(OrderType.MARKET)
STOP_MARKET, STOP_LIMIT = int(OrderType.STOP), int(OrderType.STOP_LIMIT)
TRAILING_STOP, TRAILING_STOP_LIMIT = int(OrderType.TRAILING_STOP), int(OrderType.TRAILING_STOP_LIMIT)

GTC, IOC, FOK = int(TimeInForce.GTC), int(TimeInForce.IOC), int(TimeInForce.FOK)
GTD, DAY = int(TimeInForce.GTD), int(TimeInForce.DAY)

POST_ONLY, SLIDE, HIDDEN = int(Flag.POST_ONLY), int(Flag.SLIDE), int(Flag.HIDDEN)
ALL_OR_NONE, BUDGET, BASIS_POINTS = int(Flag.ALL_OR_NONE), int(Flag.BUDGET), int(Flag.BASIS_POINTS)
UNSEEN = HIDDEN | ALL_OR_NONE
ALL_INSTRUMENTS, BOTH_SIDES = int(Flag.ALL_INSTRUMENTS), int(Flag.BOTH_SIDES)
ALL_OWNERS, CHECK_FUNDS = int(Flag.ALL_OWNERS), int(Flag.CHECK_FUNDS)
SWEEPING = ALL_INSTRUMENTS | BOTH_SIDES | ALL_OWNERS

NEW, CANCEL, REPLACE = int(CommandKind.NEW), int(CommandKind.CANCEL), int(CommandKind.REPLACE)
MASS_CANCEL, TO_PHASE = int(CommandKind.MASS_CANCEL), int(CommandKind.PHASE)
DEPOSIT, LIMITS = int(CommandKind.DEPOSIT), int(CommandKind.LIMITS)
KILL, REVIVE, PASS_TIME = int(CommandKind.KILL), int(CommandKind.REVIVE), int(CommandKind.TIME)

CONTINUOUS, PRE_OPEN, AUCTION = int(Phase.CONTINUOUS), int(Phase.PRE_OPEN), int(Phase.AUCTION)
HALTED, CLOSED = int(Phase.HALTED), int(Phase.CLOSED)

ACCEPTED, REPLACED = int(EventKind.ACCEPTED), int(EventKind.REPLACED)
TRADE, DONE = int(EventKind.TRADE), int(EventKind.DONE)
REJECTED, LEVEL = int(EventKind.REJECTED), int(EventKind.LEVEL)
TRIGGERED, REFILLED = int(EventKind.TRIGGERED), int(EventKind.REFILLED)
PHASE_EVENT, INDICATIVE = int(EventKind.PHASE), int(EventKind.INDICATIVE)
MASS_EVENT, ACCOUNT_EVENT, TIME_EVENT = (
    int(EventKind.MASS_CANCELLED),
    int(EventKind.ACCOUNT),
    int(EventKind.TIME),
)

NO_REASON, FILLED, CANCELLED = int(Reason.NONE), int(Reason.FILLED), int(Reason.CANCELLED)
IOC_REST, EXPIRED = int(Reason.IOC), int(Reason.EXPIRED)
FOK_UNFILLED, WOULD_TAKE = int(Reason.FOK), int(Reason.POST_ONLY)
DUPLICATE_ID, UNKNOWN_ORDER = int(Reason.DUPLICATE_ID), int(Reason.UNKNOWN_ORDER)
BAD_QUANTITY, BAD_PRICE = int(Reason.BAD_QUANTITY), int(Reason.BAD_PRICE)
UNKNOWN_INSTRUMENT, UNSUPPORTED = int(Reason.UNKNOWN_INSTRUMENT), int(Reason.UNSUPPORTED)
SELF_TRADE, BAD_TIME, BAD_EXPIRY = int(Reason.SELF_TRADE), int(Reason.BAD_TIME), int(Reason.BAD_EXPIRY)
BAD_STOP, BAD_TRAIL, BAD_DISPLAY = int(Reason.BAD_STOP), int(Reason.BAD_TRAIL), int(Reason.BAD_DISPLAY)
BAD_MIN_QTY, MIN_QTY = int(Reason.BAD_MIN_QTY), int(Reason.MIN_QTY)
BAD_LINK, LINKED, OVER_BUDGET = int(Reason.BAD_LINK), int(Reason.LINKED), int(Reason.BUDGET)
PRICE_BAND, ORDER_QTY, NOTIONAL = int(Reason.PRICE_BAND), int(Reason.ORDER_QTY), int(Reason.NOTIONAL)
OPEN_ORDERS, POSITION, FUNDS = int(Reason.OPEN_ORDERS), int(Reason.POSITION), int(Reason.FUNDS)
KILLED, WRONG_PHASE, BAD_PHASE = int(Reason.KILLED), int(Reason.PHASE), int(Reason.BAD_PHASE)
BAD_OWNER, BAD_SIDE, BAD_ORDER_TYPE = int(Reason.BAD_OWNER), int(Reason.BAD_SIDE), int(Reason.BAD_ORDER_TYPE)
BAD_TIF, BAD_FLAGS, BAD_KIND = int(Reason.BAD_TIF), int(Reason.BAD_FLAGS), int(Reason.BAD_KIND)
MASS_CANCELLED, VOLATILITY, BAD_AMOUNT = (
    int(Reason.MASS_CANCELLED),
    int(Reason.VOLATILITY),
    int(Reason.BAD_AMOUNT),
)

CANCEL_NEWEST = int(SelfTradePrevention.CANCEL_NEWEST)
CANCEL_OLDEST = int(SelfTradePrevention.CANCEL_OLDEST)
CANCEL_BOTH = int(SelfTradePrevention.CANCEL_BOTH)
DECREMENT = int(SelfTradePrevention.DECREMENT)
