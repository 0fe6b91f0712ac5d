"""Decimal text to whole steps of a grid: exact, without a float, and fast where numbers repeat."""

from decimal import Decimal

from rtlab.errors import GridError

_LONGEST = 40  # characters; beyond it no price or quantity is meant


class Grid(dict[str, int]):
    """How many whole steps each decimal text is: `Grid(Decimal("0.10"))["61800.20"] == 618002`.

    A lookup costs one dict access once a text was seen; at most `limit` texts are remembered, then all are
    forgotten. Raises GridError when the text is no plain decimal, is negative, or lies between two steps.
    """

    __slots__ = ("_numerator", "_places", "limit", "name", "step")

    def __init__(self, step: Decimal, name: str = "number", *, limit: int = 1 << 17) -> None:
        super().__init__()
        self.step, self.name, self.limit = step, name, limit
        _, digits, exponent = step.as_tuple()
        if not isinstance(exponent, int) or step <= 0:
            raise GridError(f"the step of a {name} must be a decimal above 0", got=str(step))
        # step = numerator / 10**places, in integers
        self._places = max(0, -exponent)
        self._numerator: int = int("".join(map(str, digits))) * 10 ** max(0, exponent)

    def __missing__(self, text: str) -> int:
        steps = self._steps(text)
        if len(self) >= self.limit:
            self.clear()
        self[text] = steps
        return steps

    def _steps(self, text: str) -> int:
        whole, _, fraction = text.partition(".")
        if not (whole + fraction).isdecimal() or not text.isascii() or len(text) > _LONGEST:
            raise GridError(
                f"the {self.name} is not a plain decimal", expected="digits and one point", got=text
            )
        fraction = fraction.rstrip("0")
        if len(fraction) <= self._places:
            scaled = int(whole + fraction.ljust(self._places, "0") or "0")
            steps, rest = divmod(scaled, self._numerator)
            if not rest:
                return steps
        raise GridError(f"the {self.name} is off the grid", expected=f"a multiple of {self.step}", got=text)
