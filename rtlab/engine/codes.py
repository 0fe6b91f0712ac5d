"""The codes of rtlab.model as plain integers: kernels freeze them, and an enum member costs compile time."""

from rtlab.model.enums import (
    CommandKind,
    EventKind,
    Flag,
    OrderType,
    Reason,
    SelfTradePrevention,
    Side,
    TimeInForce,
)

BID, ASK = int(Side.BID), int(Side.ASK)
LIMIT, MARKET = int(OrderType.LIMIT), int(OrderType.MARKET)
GTC, IOC, FOK = int(TimeInForce.GTC), int(TimeInForce.IOC), int(TimeInForce.FOK)
POST_ONLY = int(Flag.POST_ONLY)

NEW, CANCEL, REPLACE = int(CommandKind.NEW), int(CommandKind.CANCEL), int(CommandKind.REPLACE)

ACCEPTED, REPLACED = int(EventKind.ACCEPTED), int(EventKind.REPLACED)
TRADE, DONE = int(EventKind.TRADE), int(EventKind.DONE)
REJECTED, LEVEL = int(EventKind.REJECTED), int(EventKind.LEVEL)

NO_REASON, FILLED, CANCELLED = int(Reason.NONE), int(Reason.FILLED), int(Reason.CANCELLED)
IOC_REST, FOK_UNFILLED, WOULD_TAKE = int(Reason.IOC), int(Reason.FOK), int(Reason.POST_ONLY)
DUPLICATE_ID, UNKNOWN_ORDER = int(Reason.DUPLICATE_ID), int(Reason.UNKNOWN_ORDER)
BAD_QUANTITY, BAD_PRICE = int(Reason.BAD_QUANTITY), int(Reason.BAD_PRICE)
UNKNOWN_INSTRUMENT, UNSUPPORTED = int(Reason.UNKNOWN_INSTRUMENT), int(Reason.UNSUPPORTED)
SELF_TRADE = int(Reason.SELF_TRADE)

CANCEL_NEWEST = int(SelfTradePrevention.CANCEL_NEWEST)
CANCEL_OLDEST = int(SelfTradePrevention.CANCEL_OLDEST)
