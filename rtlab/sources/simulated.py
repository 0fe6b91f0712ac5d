"""A simulated market: a seeded, deterministic flow of orders whose book looks like one."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from zlib import compress, decompress

import msgspec
import numpy as np

from rtlab.compiling import announce
from rtlab.errors import ConfigError, InstrumentError
from rtlab.model import COMMAND, Instrument
from rtlab.sources.flow import Commands
from rtlab.sources.simulation import generate, make_memory
from rtlab.sources.simulation.layout import CLOCK_BITS, OPENING

Number = Decimal | int | str | float

SLOWEST, FASTEST = 1, 10_000_000
"""Commands a second."""

LOWEST = 2_000
"""Ticks at which an instrument may open: below it the book would have no room."""

_USUAL = 20_000  # ticks, where nothing is said
_FOREVER = (1 << 62) - 1
_SKIPPED = 1 << 18  # at once: their rows need memory
_CHANGING = 7  # arrays of the memory; the others are tables
_STATE = msgspec.msgpack.Decoder(tuple[int, list[bytes]])


def demo_instruments() -> tuple[Instrument, ...]:
    """Give the three instruments of the demo, on grids of their own."""
    return (
        Instrument("BTC-USD", Decimal("0.5"), Decimal("0.0001")),
        Instrument("ETH-USD", Decimal("0.05"), Decimal("0.001")),
        Instrument("SOL-USD", Decimal("0.01"), Decimal("0.01")),
    )


DEMO_PRICES: Mapping[str, Decimal] = {
    "BTC-USD": Decimal(60_000),
    "ETH-USD": Decimal(3_000),
    "SOL-USD": Decimal(150),
}
"""Where the instruments of the demo open."""


class Simulated:
    """Commands of a marked point process: quotes, cancellations, replacements and takers of several instruments.

    `rate` is commands a second of all instruments together, on average: quiet and busy times follow each other.
    The second instrument gets half as many as the first, the third a third, and so on. `start` is the ts of the
    opening, in ns. `prices` says where instruments open (those of the demo are known, others open at 20,000
    ticks). The same arguments give the same commands, however they are cut into batches.

    InstrumentError: no instrument, or one twice. ConfigError: rate, seed or price out of range.
    """

    def __init__(
        self,
        instruments: Sequence[Instrument],
        *,
        rate: float = 2000,
        seed: int = 1,
        start: int = 0,
        prices: Mapping[str, Number] | None = None,
    ) -> None:
        symbols = [instrument.symbol for instrument in instruments]
        if not symbols or len(set(symbols)) < len(symbols):
            raise InstrumentError("a market needs instruments, each once", got=", ".join(symbols) or "none")
        if not SLOWEST <= rate <= FASTEST:
            raise ConfigError(
                "the market's rate is out of range",
                expected=f"{SLOWEST} to {FASTEST:,} commands a second",
                got=rate,
            )
        if not 0 <= seed < 1 << 63:
            raise ConfigError("the market's seed is out of range", expected="0 to 2**63 - 1", got=seed)
        self.instruments, self.rate, self.seed, self.start = tuple(instruments), rate, seed, start
        opens: Mapping[str, Number] = {**DEMO_PRICES, **(prices or {})}
        self._memory = make_memory(
            [_open_at(instrument, opens.get(instrument.symbol)) for instrument in instruments],
            rate=rate,
            seed=seed,
            start=start,
        )
        self.given = 0  # commands so far
        with announce("the simulated market"):
            generate(self._memory, np.zeros(0, COMMAND), 0)

    @property
    def opening(self) -> int:
        """The number of commands that fill the books before trading begins; their ts is `start`."""
        return 2 * OPENING * len(self.instruments)

    @property
    def due(self) -> int:
        """The ts of the next command, in ns."""
        return self.start + (int(np.asarray(self._memory.state)["due"][0]) >> CLOCK_BITS)

    def skip(self, count: int) -> None:
        """Leave out the next `count` commands."""
        while count > 0:
            count -= len(self.batch(min(count, _SKIPPED)))

    def state(self) -> bytes:
        """Give all that the next commands depend on, for `resume` of a market with the same arguments."""
        arrays = [np.asarray(one).tobytes() for one in self._memory[:_CHANGING]]
        return compress(msgspec.msgpack.encode((self.given, arrays)), 1)

    def resume(self, state: bytes) -> None:
        """Go on where `state()` was taken; ConfigError when that was of other instruments."""
        self.given, arrays = _STATE.decode(decompress(state))
        for mine, told in zip(self._memory[:_CHANGING], arrays, strict=True):
            into = np.asarray(mine).view(np.uint8)
            if len(into) != len(told):
                raise ConfigError(
                    "the state is of another simulated market", expected=f"{len(into)} bytes", got=len(told)
                )
            into[:] = np.frombuffer(told, np.uint8)

    def batch(self, count: int) -> Commands:
        """Give the next `count` commands as COMMAND rows."""
        commands = np.zeros(count, COMMAND)
        generate(self._memory, commands, _FOREVER)
        self.given += count
        return commands

    def until(self, ts: int) -> Commands:
        """Give all commands up to and including `ts` (ns) as COMMAND rows."""
        clock = (ts - self.start + 1 << CLOCK_BITS) - 1
        size = max(64, int(self.rate * (ts - self.due) / 1e9 * 1.5))
        parts: list[Commands] = []
        while True:
            commands = np.zeros(size, COMMAND)
            written = generate(self._memory, commands, clock)
            parts.append(commands[:written])
            self.given += written
            if written < size:
                return np.concatenate(parts) if len(parts) > 1 else parts[0]

    def chunks(self, window_ns: int = 0) -> Iterator[tuple[int, Commands]]:
        """Yield (ts of the first command, all COMMAND rows up to `window_ns` after it), without end."""
        while True:
            first = self.due
            yield first, self.until(first + window_ns)


def _open_at(instrument: Instrument, price: Number | None) -> int:
    ticks = _USUAL if price is None else instrument.ticks(price)
    if not LOWEST <= ticks < 1 << 40:
        raise ConfigError(
            f"{instrument.symbol} cannot open at {price}",
            expected=f"at least {LOWEST:,} ticks of {instrument.tick_size}",
            got=f"{ticks} ticks",
        )
    return ticks
