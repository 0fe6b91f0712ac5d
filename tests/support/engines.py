"""Both engines, under one name each."""

from support.random_rows import instruments

from rtlab.engine import Engine, SelfTradePrevention
from rtlab.engine.reference import ReferenceEngine

KERNEL_AND_TWIN = ("kernel", "twin")


def make_engine(
    kind: str,
    *,
    symbols: int = 1,
    prevention: SelfTradePrevention = SelfTradePrevention.NONE,
    capacity: int = 1,
) -> Engine | ReferenceEngine:
    """Give an empty engine; the kernel begins with room for one order, so that every test makes it grow."""
    traded = instruments(symbols)
    if kind == "kernel":
        return Engine(traded, self_trade_prevention=prevention, capacity=capacity)
    return ReferenceEngine(traded, self_trade_prevention=prevention)
