"""A market whose steps go straight to the cold side, and what it did as plain rows: the truth of every read."""

from pathlib import Path

from support.command_flow import INSTRUMENTS, Flow

from rtlab.book import Market
from rtlab.engine import Engine
from rtlab.store.cold.columns import Stand, StepRows
from rtlab.store.cold.place import LocalPlace
from rtlab.store.cold.schema import Levels
from rtlab.store.cold.writer import ColdWriter

BTC = INSTRUMENTS[0]
DAY_NS = 86_400_000_000_000


class Made:
    """`make(steps)` brings the market on; `book` and `trades` are the rows (epoch, seq, ts, side, price, qty)."""

    def __init__(self, *, seed: int = 1, epoch: int = 1, begin_ns: int = 0, step_ns: int = 1_000_000) -> None:
        self.engine, self.market, self.flow = Engine(INSTRUMENTS), Market(INSTRUMENTS, epoch), Flow(seed)
        self.epoch, self.ts, self.step_ns = epoch, begin_ns, step_ns
        self.book: list[tuple[int, ...]] = []
        self.trades: list[tuple[int, ...]] = []
        self.books: dict[int, tuple[object, object]] = {0: ([], [])}
        self.rows = StepRows(Stand(epoch))
        self.market.on_step = self._note

    def _note(self, state, step) -> None:
        if state.instrument != BTC:
            return
        self.rows.add(step)
        for side, price, qty in zip(step.sides, step.prices, step.qtys, strict=True):
            self.book.append((self.epoch, len(self.book) + 1, step.ts, side, price, qty))
        for ts, price, qty, side in step.trades:
            self.trades.append((self.epoch, len(self.trades) + 1, ts, side, price, qty))
        self.books[len(self.book)] = (state.book.bids(), state.book.asks())

    def make(self, steps: int, commands: int = 20) -> None:
        for _ in range(steps):
            self.ts += self.step_ns
            rows = self.flow.take(commands)
            rows["ts"] = self.ts
            self.market.apply(self.engine.process(rows))

    def append_to(self, writer: ColdWriter) -> None:
        stand = self.rows.stand
        writer.append(self.rows.take(), stand)


def writer_of(folder: Path) -> ColdWriter:
    return ColdWriter(LocalPlace(folder), folder, BTC)


def keep(folder: Path, made: Made, *, rolls: int, steps: int = 20) -> None:
    """Record `rolls` files of `steps` steps each, and as many steps in the tail."""
    with writer_of(folder) as writer:
        if writer.stand != made.rows.stand:
            writer.begin(made.rows.stand, Levels.empty(), "start")
        for number in range(rolls + 1):
            made.make(steps)
            made.append_to(writer)
            if number < rolls:
                writer.roll()


def plain(table) -> list[tuple[int, ...]]:
    """Give rows as (epoch, seq, ts, side, price, qty)."""
    columns = ("epoch", "seq", "ts", "side", "price", "qty")
    return list(zip(*(table.column(name).to_pylist() for name in columns), strict=True))
