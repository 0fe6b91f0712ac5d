"""Codes of commands and events. Their numbers are part of the journal and the wire: never renumber one."""

from enum import IntEnum, IntFlag


class Side(IntEnum):
    """Side of an order or a price level; for a trade, the side of the aggressor."""

    BID = 0
    ASK = 1


class OrderType(IntEnum):
    """How an order's price is to be read."""

    LIMIT = 0
    MARKET = 1


class TimeInForce(IntEnum):
    """How long an order lives."""

    GTC = 0  # good till cancelled
    IOC = 1  # immediate or cancel: the rest is cancelled
    FOK = 2  # fill or kill: all at once or nothing
    GTD = 3  # good till date: `expire_ts`


class CommandKind(IntEnum):
    """What a COMMAND row asks for."""

    NEW = 1
    CANCEL = 2
    REPLACE = 3


class EventKind(IntEnum):
    """What an EVENT row tells."""

    ACCEPTED = 1
    REPLACED = 2
    TRADE = 3
    DONE = 4
    REJECTED = 5
    LEVEL = 6
    TRIGGERED = 7


class Flag(IntFlag):
    """Bits of COMMAND.flags."""

    NONE = 0
    POST_ONLY = 1  # refuse rather than take


class Reason(IntEnum):
    """Why an order is done or a command was rejected."""

    NONE = 0
    FILLED = 1
    CANCELLED = 2
    IOC = 3  # what was left of an IOC or a market order
    EXPIRED = 4
    FOK = 5  # could not be filled at once and whole
    POST_ONLY = 6  # would have taken
    DUPLICATE_ID = 7  # an order of this id is live
    UNKNOWN_ORDER = 8  # no live order of this id on this instrument
    BAD_QUANTITY = 9
    BAD_PRICE = 10  # below 0, or further from the market than the price ladder may grow
    UNKNOWN_INSTRUMENT = 11
    UNSUPPORTED = 12  # a code or field that this engine does not know
    SELF_TRADE = 13


class SelfTradePrevention(IntEnum):
    """What happens when an owner's order would meet another of his own (owner 0 is nobody)."""

    NONE = 0
    CANCEL_NEWEST = 1
    CANCEL_OLDEST = 2
