"""The vocabulary: instruments, commands, events, market messages. Values only, no behaviour."""

from rtlab.model.commands import CancelOrder, Command, NewOrder, ReplaceOrder
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
from rtlab.model.events import (
    CommandRejected,
    Event,
    LevelChanged,
    OrderAccepted,
    OrderDone,
    OrderReplaced,
    Trade,
)
from rtlab.model.instrument import Instrument
from rtlab.model.market import DepthSnapshot, DepthUpdate, Level, MarketMessage, Quote, VenueTrade
from rtlab.model.rows import COMMAND, EVENT

__all__ = [
    "COMMAND",
    "EVENT",
    "CancelOrder",
    "Command",
    "CommandKind",
    "CommandRejected",
    "DepthSnapshot",
    "DepthUpdate",
    "Event",
    "EventKind",
    "Flag",
    "Instrument",
    "Level",
    "LevelChanged",
    "MarketMessage",
    "NewOrder",
    "OrderAccepted",
    "OrderDone",
    "OrderReplaced",
    "OrderType",
    "Phase",
    "Quote",
    "Reason",
    "ReplaceOrder",
    "SelfTradePrevention",
    "Side",
    "TimeInForce",
    "Trade",
    "VenueTrade",
]
