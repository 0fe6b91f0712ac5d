"""Random hops over the depth cut, against a plain dictionary as the truth.

`python tests/property/book/depth_cut.py 1000000` prints how many hops were made and how many differed.
"""

import random
import sys
import time
from dataclasses import dataclass, field
from typing import NamedTuple
from zlib import crc32

from rtlab.book import WHOLE, BookView, L2Book
from rtlab.model import Side
from rtlab.protocol import Codec, Increment, Snapshot
from rtlab.protocol.channels import CHANNEL_KINDS, update_of

DEPTHS = (1, 2, 3, 4, 5, 8, 12, 20, WHOLE)


class Truth:
    """A book as plain as can be: it shares no code with the one under test."""

    def __init__(self):
        self.levels = {0: {}, 1: {}}

    def change(self, side, price, qty):
        self.levels[side][price] = qty
        if qty == 0:
            del self.levels[side][price]

    def top(self, depth):
        bids = sorted(self.levels[0].items(), reverse=True)
        asks = sorted(self.levels[1].items())
        return bids[:depth], asks[:depth]


@dataclass
class Reader:
    """A reader and what the server remembers of it."""

    view: BookView = field(default_factory=BookView)
    depth: int = 1
    told: int = 0


class Hops(NamedTuple):
    hops: int
    differences: int
    snapshots: int
    increments: int
    silent: int
    resumed: int
    coded: int


class Course:
    """Readers that stand anywhere, ask at random, change depth at random and come back at random."""

    def __init__(self, seed, *, new_book=L2Book, new_view=BookView, readers=8, width=None):
        self.random = random.Random(seed)
        self.width = width or self.random.choice((4, 8, 16, 40))
        self.book = new_book(tombstones=self.random.choice((1, 3, 10, 4096)))
        self.truth = Truth()
        self.readers = [Reader(new_view()) for _ in range(readers)]
        self.codecs = (Codec("msgpack"), Codec("json"))
        self.counts = dict.fromkeys(Hops._fields, 0)

    def run(self, hops):
        for _ in range(hops):
            self.change_some()
            self.hop(self.random.choice(self.readers))
        return Hops(**self.counts)

    def change_some(self):
        rnd = self.random
        few = rnd.random() < 0.95
        count = rnd.choice((0, 1, 1, 2, 3)) if few else rnd.randrange(4 * self.width)
        rows = []
        for _ in range(count):
            side = rnd.randrange(2)
            # most changes at the best prices: there the cut is crossed
            price = min(rnd.randrange(self.width), rnd.randrange(self.width))
            price = 1000 + price if side else 999 - price
            qty = 0 if rnd.random() < 0.4 else rnd.randrange(1, 4)
            if qty == 0 and price not in self.truth.levels[side]:
                continue
            rows.append((side, price, qty))
            self.truth.change(side, price, qty)
        if rnd.random() < 0.5:
            for side, price, qty in rows:
                self.book.set_level(Side(side), price, qty, self.book.seq + 1)
        elif rows:
            self.book.fold(*map(list, zip(*rows, strict=True)), self.book.seq + len(rows))

    def hop(self, reader):
        rnd, view = self.random, reader.view
        self.counts["hops"] += 1
        if rnd.random() < 0.2:
            reader.depth = rnd.choice(DEPTHS)
        if rnd.random() < 0.02:
            reader.view = view = type(view)()
            reader.told = 0
        elif rnd.random() < 0.2:
            self.counts["resumed"] += 1
            reader.told = view.seq  # the server forgot it and is told (epoch, seq, held)
        elif rnd.random() < 0.2:
            view.seq = reader.told  # a ping told it that it is exact up to there
        update = self.book.since(view.epoch, reader.told, reader.depth, view.held)
        if update is None:
            self.counts["silent"] += 1
            reader.told = self.book.seq
        else:
            if update.kind == "increment":
                update = update._replace(first_seq=view.seq + 1)
            if rnd.random() < 0.1:
                update = self.over_the_wire(update)
            self.counts[update.kind + "s"] += 1
            (view.load if update.kind == "snapshot" else view.apply)(update)
            reader.told = view.seq
        if (view.bids(), view.asks()) != self.truth.top(reader.depth):
            self.counts["differences"] += 1
            reader.view = type(view)()
            reader.told = 0

    def over_the_wire(self, update):
        self.counts["coded"] += 1
        codec = self.random.choice(self.codecs)
        checksum = crc32(self.book.digest(update.depth))
        payload = codec.encode(CHANNEL_KINDS["book"].message(7, update, checksum))
        message = codec.decode_server(payload)
        assert isinstance(message, Increment | Snapshot)
        assert message.checksum == checksum
        return update_of(message, update.depth)


def run(hops, *, seed=1, course=2000, **doubles):
    """Make `hops` hops in courses of `course` hops each, every one with another seed."""
    total = [0] * len(Hops._fields)
    while total[0] < hops:
        counts = Course(seed, **doubles).run(min(course, hops - total[0]))
        total = [sum(pair) for pair in zip(total, counts, strict=True)]
        seed += 1
    return Hops(*total)


if __name__ == "__main__":
    started = time.perf_counter()
    result = run(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
    print(", ".join(f"{count:,} {name}" for name, count in zip(Hops._fields, result, strict=True)))
    print(f"{time.perf_counter() - started:.1f} s")
    sys.exit(1 if result.differences else 0)
