"""A market that only folds told steps, from a snapshot taken anywhere, is the market that told them."""

from itertools import pairwise

import msgspec
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from rtlab.book import INTERVALS_NS, Market, Step, load_state, pack_state
from rtlab.model import EVENT, DepthSnapshot, DepthUpdate, EventKind, Instrument, Side, VenueTrade

INSTRUMENTS = [Instrument(symbol, "0.01", "0.001") for symbol in ("A-USD", "B-USD")]
KINDS = [EventKind.LEVEL, EventKind.LEVEL, EventKind.TRADE, EventKind.ACCEPTED, EventKind.DONE]


class Follower:
    """Loads each instrument's state at once, then folds steps as they come over a wire."""

    def __init__(self, told: Market, *, tombstones: int) -> None:
        self.market = Market(INSTRUMENTS, 1, tape_rows=40, tombstones=tombstones)
        for symbol in told.symbols:
            load_state(self.market.state(symbol), pack_state(told.state(symbol)))
        told.on_step = self.take

    def take(self, state, step: Step) -> None:
        packed = msgspec.msgpack.encode(step)
        mine = self.market.state(state.instrument.symbol)
        before = mine.position
        mine.fold(msgspec.msgpack.decode(packed, type=Step))
        assert mine.position == before + step.changes == state.position


def random_events(rng: np.random.Generator, count: int) -> np.ndarray:
    rows = np.zeros(count, EVENT)
    rows["kind"] = rng.choice(KINDS, count)
    rows["instrument"] = rng.integers(0, len(INSTRUMENTS), count)
    rows["side"] = rng.integers(0, 2, count)
    rows["price"] = rng.integers(1, 40, count)
    rows["qty"] = rng.integers(0, 4, count) + (rows["kind"] == EventKind.TRADE)
    rows["ts"] = np.sort(rng.integers(0, 3 * 10**9, count))
    return rows


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    cuts=st.lists(st.integers(0, 2000), max_size=40),
    joined=st.integers(0, 2000),
    tombstones=st.sampled_from([3, 4096]),
)
def test_steps_of_an_engine_give_the_same_state_to_the_byte(seed, cuts, joined, tombstones):
    market = Market(INSTRUMENTS, 3, tape_rows=40, tombstones=tombstones)
    for symbol in market.symbols:
        for interval in INTERVALS_NS.values():
            market.source("bars", symbol, interval)
    rows = random_events(np.random.default_rng(seed), 2000)
    follower = None
    edges = sorted({0, joined, 2000, *cuts})
    for first, last in pairwise(edges):
        if first >= joined and follower is None:
            follower = Follower(market, tombstones=tombstones)
        market.apply(rows[first:last])
    for symbol in market.symbols if follower else ():
        assert pack_state(follower.market.state(symbol)) == pack_state(market.state(symbol))


def venue_message(rng: np.random.Generator, number: int):
    head = {"instrument": "A-USD", "ts_event": number, "ts_recv": number}
    levels = [[(int(p), int(rng.integers(0, 3))) for p in rng.permutation(20)[:6] + 1] for _ in range(2)]
    kind = rng.integers(0, 5)
    if kind == 0:
        return VenueTrade(**head, trade_id=number, aggressor_side=Side.BID, price=7, qty=2)
    if kind == 1:
        return DepthSnapshot(**head, last_id=10 * number, bids=levels[0], asks=levels[1])
    gap = int(rng.integers(0, 8) == 0)
    first = 10 * number - 9 + gap
    return DepthUpdate(
        **head, first_id=first, last_id=10 * number, prev_id=None, bids=levels[0], asks=levels[1]
    )


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_steps_of_a_venue_give_the_same_state_at_every_point(seed):
    rng = np.random.default_rng(seed)
    market = Market(INSTRUMENTS, 3, tape_rows=40)
    follower = Follower(market, tombstones=4096)
    for number in range(1, 120):
        message = venue_message(rng, number)
        if isinstance(message, VenueTrade):
            market.apply_trade(message)
        else:
            market.apply_depth("A-USD", message)
        assert pack_state(follower.market.state("A-USD")) == pack_state(market.state("A-USD"))
