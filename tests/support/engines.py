"""Both engines, under one name each."""

from collections.abc import Mapping

from support.random_rows import instruments

from rtlab.engine import Engine, SelfTradePrevention
from rtlab.engine.reference import ReferenceEngine
from rtlab.model import Rules

KERNEL_AND_TWIN = ("kernel", "twin")


def make_engine(
    kind: str,
    *,
    symbols: int = 1,
    prevention: SelfTradePrevention = SelfTradePrevention.NONE,
    capacity: int = 1,
    rules: Mapping[str, Rules] | None = None,
) -> Engine | ReferenceEngine:
    """Give an empty engine; the kernel begins with room for one order, so that every test makes it grow."""
    traded = instruments(symbols)
    if kind == "kernel":
        return Engine(traded, self_trade_prevention=prevention, capacity=capacity, rules=rules)
    return ReferenceEngine(traded, self_trade_prevention=prevention, rules=rules)
