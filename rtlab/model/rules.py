"""What an instrument's market allows, and what trading in it costs."""

import msgspec

from rtlab.errors import ConfigError

MOST = 1 << 62
PPM = 1_000_000


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """Protection and fees of one instrument; 0 switches a rule off. ConfigError when a number is out of range.

    Prices in ticks, quantities in lots, notionals in ticks x lots. The reference price is the last trade's, or
    `reference_price` before the first.
    """

    reference_price: int = 0
    price_band: int = 0  # most ticks between an order's price and the reference price
    max_qty: int = 0  # most lots in one order
    max_notional: int = 0  # most price x quantity in one order
    volatility_ticks: int = 0  # most ticks that one command may move the price; beyond, an auction begins
    volatility_ns: int = 0  # how long that auction takes; 0: until a command ends it
    maker_fee_ppm: int = 0  # of the notional, in millionths, rounded down; below 0 it is a rebate
    taker_fee_ppm: int = 0

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            low, high = (-PPM, PPM) if name.endswith("ppm") else (0, MOST)
            if not isinstance(value, int) or not low <= value <= high:
                raise ConfigError(f"the rule {name} is out of range", expected=f"{low} to {high}", got=value)
