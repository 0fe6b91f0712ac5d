import numpy as np
import pytest

from rtlab.book import INTERVALS_NS, Market, load_state, pack_state
from rtlab.engine import Engine
from rtlab.errors import InstrumentError, LocalError
from rtlab.model import Instrument
from rtlab.sources.simulated import Simulated

BTC = Instrument("BTC-USD", "0.01", "0.001")
SECOND = INTERVALS_NS["1s"]


def played(count=20_000, **kept):
    market, engine = Market([BTC], 5, **kept), Engine([BTC])
    market.source("bars", "BTC-USD", SECOND)
    for rows in np.array_split(Simulated([BTC], rate=2000, seed=4).batch(count), 200):
        market.apply(engine.process(rows))
    return market


def test_a_loaded_state_is_the_packed_one_in_the_same_objects():
    market, other = played(), Market([BTC], 1)
    book = other.book("BTC-USD")
    data = pack_state(market.state("BTC-USD"))
    load_state(other.state("BTC-USD"), data)
    assert other.book("BTC-USD") is book
    assert pack_state(other.state("BTC-USD")) == data
    assert {other.source(c, "BTC-USD").epoch for c in ("book", "trades", "ticker")} == {5}
    assert other.source("bars", "BTC-USD", SECOND).epoch == 5
    assert other.state("BTC-USD").position == market.state("BTC-USD").position > 0


@pytest.mark.parametrize("channel", ["book", "trades", "ticker", "bars"])
def test_a_loaded_state_tells_every_reader_what_the_packed_one_would(channel):
    market, other = played(tape_rows=50, tombstones=20), Market([BTC], 1, tape_rows=50, tombstones=20)
    load_state(other.state("BTC-USD"), pack_state(market.state("BTC-USD")))
    interval = SECOND if channel == "bars" else 0
    mine, theirs = (each.source(channel, "BTC-USD", interval) for each in (market, other))
    kinds = set()
    for seq in range(max(0, mine.seq - 300), mine.seq + 1):
        for depth, held in ((10, 10), (10, 5), (1 << 40, 1 << 40), (3, 0)):
            told = mine.since(5, seq, depth, held)
            assert theirs.since(5, seq, depth, held) == told
            kinds.add(told and told.kind)
    assert {"snapshot", None} <= kinds
    assert mine.digest(10) == theirs.digest(10)


def test_who_keeps_less_tells_less_but_nothing_false():
    market, other = played(), Market([BTC], 1, tape_rows=3, tombstones=2)
    load_state(other.state("BTC-USD"), pack_state(market.state("BTC-USD")))
    book, full = other.book("BTC-USD"), market.book("BTC-USD")
    assert len(other.source("trades", "BTC-USD").rows) == 3
    assert other.source("trades", "BTC-USD").totals == market.source("trades", "BTC-USD").totals
    assert max(side.floor for side in book.sides) > max(side.floor for side in full.sides)
    assert book.since(5, full.seq - 5000, 10, 10).kind == "snapshot"


def test_foreign_bytes_are_refused():
    state = Market([BTC], 1).state("BTC-USD")
    with pytest.raises(LocalError, match="no state of an instrument"):
        load_state(state, b"\xc1nonsense")
    other = Market([Instrument("BTC-USD", "0.5", "0.001")], 1).state("BTC-USD")
    with pytest.raises(InstrumentError, match=r"expected BTC-USD 0\.5 0\.001"):
        load_state(other, pack_state(state))
    data = bytearray(pack_state(state))
    data[1] = 99
    with pytest.raises(LocalError, match="another version"):
        load_state(state, bytes(data))
