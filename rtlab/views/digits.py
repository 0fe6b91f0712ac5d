"""Write whole numbers of ticks and lots as the exact decimals they stand for."""

from decimal import Decimal


class Digits:
    """Write counts of one `step` (a tick size or lot size), all with the same number of decimals.

    A step of 0.10 gives one decimal, of 25 none. Thousands are parted by commas; no float is involved.
    """

    def __init__(self, step: Decimal) -> None:
        _, digits, exponent = step.normalize().as_tuple()
        power = int(exponent)
        self._factor = int("".join(map(str, digits))) * 10 ** max(power, 0)
        self.decimals = max(-power, 0)
        self._unit = 10**self.decimals

    def __call__(self, count: int) -> str:
        """Give `count` steps as text."""
        total = int(count) * self._factor
        whole, part = divmod(abs(total), self._unit)
        sign = "-" if total < 0 else ""
        return f"{sign}{whole:,}.{part:0{self.decimals}d}" if self.decimals else f"{sign}{whole:,}"

    def __repr__(self) -> str:
        return f"Digits(decimals={self.decimals}, like {self(1234)!r})"
