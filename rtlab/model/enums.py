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
    STOP = 2  # a market order once the last price reaches `stop_price`
    STOP_LIMIT = 3  # a limit order at `price` from then on
    TRAILING_STOP = 4  # a stop that follows the last price at the distance `trail`
    TRAILING_STOP_LIMIT = 5  # its limit keeps its distance to the stop


class TimeInForce(IntEnum):
    """How long an order lives."""

    GTC = 0  # good till cancelled
    IOC = 1  # immediate or cancel: the rest is cancelled
    FOK = 2  # fill or kill: all at once or nothing
    GTD = 3  # good till date: `expire_ts`
    DAY = 4  # until its instrument closes


class Phase(IntEnum):
    """State of an instrument's market."""

    CONTINUOUS = 0  # orders trade as they come
    PRE_OPEN = 1  # orders rest and do not trade
    AUCTION = 2  # as PRE_OPEN, and the price at which they would trade is told
    HALTED = 3  # orders may only be cancelled
    CLOSED = 4  # as HALTED; DAY orders are gone


class CommandKind(IntEnum):
    """What a COMMAND row asks for; in brackets the fields that it reads beside ts."""

    NEW = 1
    CANCEL = 2  # (instrument, order_id)
    REPLACE = 3  # a field other than price and qty keeps its value where it is 0
    MASS_CANCEL = 4  # (owner, instrument, side, flags)
    PHASE = 5  # (instrument, phase): entering CONTINUOUS or CLOSED uncrosses the book
    DEPOSIT = (
        6  # (owner, instrument, price, qty): adds `price` of money and `qty` lots, which may be negative
    )
    LIMITS = 7  # (owner, instrument, price, qty, flags): most lots held either way, most open orders; 0 is no limit
    KILL = 8  # (owner): cancel all his orders and refuse new ones
    REVIVE = 9  # (owner)
    TIME = 10  # nothing but its ts


class EventKind(IntEnum):
    """What an EVENT row tells."""

    ACCEPTED = 1
    REPLACED = 2
    TRADE = 3
    DONE = 4
    REJECTED = 5
    LEVEL = 6
    TRIGGERED = 7
    REFILLED = 8  # an iceberg shows its next slice, at the back of its queue
    PHASE = 9
    INDICATIVE = 10
    MASS_CANCELLED = 11
    ACCOUNT = 12
    TIME = 13


class Flag(IntFlag):
    """Bits of COMMAND.flags."""

    NONE = 0
    POST_ONLY = 1  # refuse rather than take
    SLIDE = 2  # with POST_ONLY: rest one tick from the other side rather than be refused
    HIDDEN = 4  # show nothing of it
    ALL_OR_NONE = 8  # trade whole or wait, unseen
    BUDGET = (
        16  # of a MARKET FOK: `price` is the most (a sell: the least) that the whole may cost, ticks x lots
    )
    BASIS_POINTS = 32  # `trail` is in 1/10,000 of the last price
    ALL_INSTRUMENTS = 64  # of MASS_CANCEL
    BOTH_SIDES = 128  # of MASS_CANCEL
    ALL_OWNERS = 256  # of MASS_CANCEL
    CHECK_FUNDS = 512  # of LIMITS: orders need money or lots that no other order has reserved


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
    BAD_TIME = 14  # before the time of an earlier command
    BAD_EXPIRY = 15  # not after the command, or none, or one that its time in force does not have
    BAD_STOP = 16  # below 0, none, or one that the last price has reached already
    BAD_TRAIL = 17
    BAD_DISPLAY = 18  # below 0, or more than the order, or less than a ten-thousandth of it
    BAD_MIN_QTY = 19  # below 0, or more than the order
    MIN_QTY = 20  # could not trade so much at once
    BAD_LINK = 21  # an order cannot be paired with itself
    LINKED = 22  # the other order of the pair traded, triggered or ended
    BUDGET = 23  # the whole would cost more than that
    PRICE_BAND = 24  # further from the reference price than the rules allow
    ORDER_QTY = 25  # more lots than the rules allow in an order
    NOTIONAL = 26  # price x quantity is more than the rules allow
    OPEN_ORDERS = 27  # the owner has as many as his limit allows
    POSITION = 28  # with all that is open the owner could hold more than his limit allows
    FUNDS = 29  # the owner has not the money or the lots, or his live orders need them
    KILLED = 30  # the owner's kill switch is on
    PHASE = 31  # not while the market is in this state
    BAD_PHASE = 32
    BAD_OWNER = 33  # this command needs one
    BAD_SIDE = 34
    BAD_ORDER_TYPE = 35
    BAD_TIF = 36
    BAD_FLAGS = 37  # unknown, or not together with the other codes
    BAD_KIND = 38
    MASS_CANCELLED = 39
    VOLATILITY = 40  # the price would have left its corridor: an auction follows
    BAD_AMOUNT = 41  # more money or lots than an account can hold


class SelfTradePrevention(IntEnum):
    """What happens when an owner's order would meet another of his own (owner 0 is nobody)."""

    NONE = 0
    CANCEL_NEWEST = 1
    CANCEL_OLDEST = 2
    CANCEL_BOTH = 3
    DECREMENT = 4  # both lose what they would have traded; the smaller is gone
