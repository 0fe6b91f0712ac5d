"""Commands to events: price-time priority in a compiled kernel, and its plain twin in `reference`."""

from rtlab.engine.convert import AccountState, QueuePosition
from rtlab.engine.engine import Engine, EngineStatistics
from rtlab.model import (
    COMMAND,
    EVENT,
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

__all__ = [
    "COMMAND",
    "EVENT",
    "AccountState",
    "CommandKind",
    "Engine",
    "EngineStatistics",
    "EventKind",
    "Flag",
    "OrderType",
    "Phase",
    "QueuePosition",
    "Reason",
    "SelfTradePrevention",
    "Side",
    "TimeInForce",
]
