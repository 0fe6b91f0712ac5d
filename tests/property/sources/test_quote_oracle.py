"""QuoteOracle against a second implementation that simply remembers everything."""

import random
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from rtlab.model import Level, Quote
from rtlab.sources.oracle import QuoteOracle

Shown = tuple[Level | None, Level | None]


@dataclass
class Memory:
    quotes: list[Quote] = field(default_factory=list)
    reached: list[tuple[int, int]] = field(default_factory=list)
    shown: dict[int, Shown] = field(default_factory=dict)

    def counts(self) -> tuple[int, int, int, int, int]:
        equal = different = skipped = waiting = 0
        for quote in self.quotes:
            for update_id, seq in self.reached:
                if update_id != quote.update_id:
                    continue
                if seq in self.shown:
                    same = self.shown[seq] == ((quote.bid, quote.bid_qty), (quote.ask, quote.ask_qty))
                    equal, different = equal + same, different + (not same)
                elif self.shown and seq < max(self.shown):
                    skipped += 1
                else:
                    waiting += 1
        return equal + different + skipped + waiting, equal, different, skipped, waiting


@settings(deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 60))
def test_every_order_of_arrival_gives_the_counts_of_perfect_memory(seed: int, steps: int) -> None:
    rng, oracle, memory = random.Random(seed), QuoteOracle(), Memory()
    update_id = quote_id = seq = observed = 0
    for _ in range(steps):
        match rng.randrange(3):
            case 0:
                update_id, seq = update_id + rng.randint(1, 3), seq + rng.randint(0, 2)
                oracle.reached(update_id, seq)
                memory.reached.append((update_id, seq))
            case 1:
                quote_id += rng.randint(0, 3)
                quote = Quote(
                    instrument="X",
                    ts_event=0,
                    ts_recv=0,
                    update_id=quote_id,
                    bid=1,
                    bid_qty=rng.randint(1, 2),
                    ask=2,
                    ask_qty=1,
                )
                oracle.quote(quote)
                memory.quotes.append(quote)
            case 2 if seq > observed:
                observed = rng.randint(observed + 1, seq)  # a reader is never ahead of the producer
                shown: Shown = ((1, rng.randint(1, 2)), (2, 1))
                oracle.observe(observed, *shown)
                memory.shown[observed] = shown
        assert oracle.statistics()[:5] == memory.counts()
