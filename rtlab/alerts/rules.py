"""When an alert is due: pure rules over what is known of one instrument and its feed.

A rule speaks once when its condition begins to hold (also at the first look), and again only after it did not hold
in between: a price that stays above its line is one alert. Prices are compared in whole ticks, exactly.
"""

from abc import ABC, abstractmethod
from decimal import Decimal
from numbers import Real
from typing import NamedTuple

from rtlab.book import TickerRow
from rtlab.errors import ConfigError
from rtlab.model import Instrument
from rtlab.model.instrument import Number


def is_number(value: object) -> bool:
    """Whether a caller's value is a number, and no text of one."""
    return isinstance(value, Real | Decimal)


class Sight(NamedTuple):
    """What a rule looks at: the newest ticker row (ticks), seconds since the feed said anything, losses so far.

    `silent_s` is below 0 while it never said anything; `losses` counts gaps, wrong checksums and lost connections.
    """

    row: TickerRow = TickerRow()
    silent_s: float = -1.0
    losses: int = 0


class Said(NamedTuple):
    """What a rule has to say: the whole sentence, and the value that it saw."""

    text: str
    value: str


class Rule(ABC):
    """One condition on one instrument; `look` it over whenever something may have changed."""

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self._held = False

    def look(self, sight: Sight) -> Said | None:
        """Give what there is to say when the condition begins to hold."""
        said = self._judge(sight)
        begins, self._held = said is not None and not self._held, said is not None
        return said if begins else None

    @abstractmethod
    def _judge(self, sight: Sight) -> Said | None:
        """Give what to say where the condition holds."""

    @property
    @abstractmethod
    def condition(self) -> str:
        """The condition in words."""

    def __repr__(self) -> str:
        return f"{self.instrument.symbol}: {self.condition}"


class Price(Rule):
    """The last trade at or above `above`, or at or below `below`. GridError for a price between two ticks."""

    def __init__(
        self, instrument: Instrument, *, above: Number | None = None, below: Number | None = None
    ) -> None:
        super().__init__(instrument)
        if (above is None) == (below is None):
            raise ConfigError(
                "the caller's price alert has no one line", expected="above or below", got=(above, below)
            )
        self._up = above is not None
        line = above if above is not None else below
        assert line is not None
        self._line = instrument.ticks(line)

    @property
    def condition(self) -> str:
        """The condition in words."""
        return f"last price at or {'above' if self._up else 'below'} {self.instrument.price(self._line)}"

    def _judge(self, sight: Sight) -> Said | None:
        last = sight.row.last
        if last is None or (last < self._line if self._up else last > self._line):
            return None
        price = str(self.instrument.price(last))
        return Said(f"{self.instrument.symbol} traded at {price} ({self.condition})", price)


class Spread(Rule):
    """Best ask less best bid at least `wide`; where a side is empty there is no spread. GridError off the grid."""

    def __init__(self, instrument: Instrument, wide: Number) -> None:
        super().__init__(instrument)
        self._wide = instrument.ticks(wide, what="spread")
        if self._wide < 1:
            raise ConfigError("the caller's spread makes no alert", expected="at least a tick", got=wide)

    @property
    def condition(self) -> str:
        """The condition in words."""
        return f"spread of {self.instrument.price(self._wide)} or more"

    def _judge(self, sight: Sight) -> Said | None:
        row = sight.row
        if row.bid is None or row.ask is None or row.ask - row.bid < self._wide:
            return None
        spread = str(self.instrument.price(row.ask - row.bid))
        return Said(f"{self.instrument.symbol} has a spread of {spread} (rule: {self.condition})", spread)


class Silence(Rule):
    """The feed has said nothing (no message, not even a ping) for `seconds`."""

    def __init__(self, instrument: Instrument, seconds: float) -> None:
        super().__init__(instrument)
        if not is_number(seconds) or not seconds > 0:
            raise ConfigError(
                "the caller's silence makes no alert", expected="a number of seconds above 0", got=seconds
            )
        self._seconds = seconds

    @property
    def condition(self) -> str:
        """The condition in words."""
        return f"nothing heard of the feed for {self._seconds:g} s"

    def _judge(self, sight: Sight) -> Said | None:
        if sight.silent_s < self._seconds:
            return None
        return Said(f"{self.instrument.symbol} may be stale: {self.condition}", f"{sight.silent_s:.3f}")


class Loss(Rule):
    """Something of the feed was lost and had to be made good: a gap, a wrong checksum, the connection.

    It speaks each time that there are more than before; what was lost before its first look is not its matter.
    """

    def __init__(self, instrument: Instrument) -> None:
        super().__init__(instrument)
        self._losses: int | None = None

    @property
    def condition(self) -> str:
        """The condition in words."""
        return "a gap, a wrong checksum or a lost connection"

    def look(self, sight: Sight) -> Said | None:
        """See Rule."""
        before, self._losses = self._losses, sight.losses
        if before is None or sight.losses <= before:
            return None
        return self._judge(sight._replace(losses=sight.losses - before))

    def _judge(self, sight: Sight) -> Said:
        return Said(f"{self.instrument.symbol}: {sight.losses} new of {self.condition}", str(sight.losses))


def rule_for(
    instrument: Instrument,
    *,
    above: Number | None = None,
    below: Number | None = None,
    spread: Number | None = None,
    silent: float | None = None,
    gap: bool = False,
) -> Rule:
    """Make the one rule that is asked for; ConfigError when none is, or several are."""
    asked = [
        name
        for name, value in (("above", above), ("below", below), ("spread", spread), ("silent", silent))
        if value is not None
    ] + ["gap"] * gap
    if len(asked) != 1:
        raise ConfigError(
            "the caller's alert needs one condition",
            expected="one of above, below, spread, silent, gap",
            got=", ".join(asked) or "none",
        )
    if spread is not None:
        return Spread(instrument, spread)
    if silent is not None:
        return Silence(instrument, silent)
    return Loss(instrument) if gap else Price(instrument, above=above, below=below)
