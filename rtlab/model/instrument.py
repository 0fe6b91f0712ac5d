"""What is traded, and the exact grid of its prices and quantities."""

from decimal import Decimal, InvalidOperation

import msgspec

from rtlab.errors import GridError, InstrumentError

Number = Decimal | int | str | float


def _decimal(number: Number, what: str) -> Decimal:
    try:
        value = Decimal(repr(number)) if isinstance(number, float) else Decimal(number)
    except (InvalidOperation, TypeError, ValueError):
        raise GridError(f"the caller's {what} is not a number", expected="a decimal", got=number) from None
    if not value.is_finite():
        raise GridError(f"the caller's {what} is not finite", expected="a decimal", got=number)
    return value


class Instrument(msgspec.Struct, frozen=True):
    """A symbol and its grid: the least price step and the least quantity, both exact decimals above 0."""

    symbol: str
    tick_size: Decimal
    lot_size: Decimal

    def __post_init__(self) -> None:
        if not self.symbol or not self.symbol.isprintable():
            raise InstrumentError("an instrument needs a printable symbol", got=self.symbol)
        for name in ("tick_size", "lot_size"):
            value = _decimal(getattr(self, name), name)
            if value <= 0:
                raise InstrumentError(f"{self.symbol}: {name} must be above 0", got=str(value))
            msgspec.structs.force_setattr(self, name, value)

    def ticks(self, price: Number, *, what: str = "price") -> int:
        """Give `price` as whole ticks; GridError when it is off the grid, never rounded, which calls it `what`."""
        return self._steps(price, self.tick_size, what, "tick size")

    def lots(self, quantity: Number) -> int:
        """Give `quantity` as whole lots; GridError when it is off the grid, never rounded."""
        return self._steps(quantity, self.lot_size, "quantity", "lot size")

    def price(self, ticks: int) -> Decimal:
        """Give the price of `ticks`, exactly."""
        return self.tick_size * int(ticks)

    def quantity(self, lots: int) -> Decimal:
        """Give the quantity of `lots`, exactly."""
        return self.lot_size * int(lots)

    def _steps(self, number: Number, step: Decimal, what: str, grid: str) -> int:
        steps, rest = divmod(_decimal(number, what), step)
        if rest:
            raise GridError(
                f"{self.symbol}: {what} is off the grid",
                expected=f"a multiple of the {grid} {step}",
                got=str(number),
            )
        return int(steps)
