from pathlib import Path

from support import recordings

from rtlab.sources.binance import Binance
from rtlab.sources.flow import MarketData, OrderFlow
from rtlab.sources.lobster import Lobster
from rtlab.sources.simulated import Simulated, demo_instruments


def first_commands(source: OrderFlow) -> tuple[int, int]:
    ts, commands = next(source.chunks(1_000))
    assert int(commands["instrument"].max()) < len(source.instruments)
    return ts, len(commands)


def first_messages(source: MarketData) -> tuple[int, int]:
    ts, messages = next(source.chunks(1_000))
    assert {message.instrument for message in messages} <= {i.symbol for i in source.instruments}
    return ts, len(messages)


def test_every_source_is_driven_in_the_same_way(tmp_path: Path) -> None:
    lobster = recordings.lobster_pair(tmp_path, ["1.0,5,0,1,1000000,1 | 1010000,50,1000000,30"], day="")
    binance = recordings.write_gzip(tmp_path / "b", [recordings.depth(1, 2, ts_recv=5)])
    simulated = Simulated(demo_instruments(), start=9)
    assert first_commands(Lobster(lobster)) == (10**9, 2)
    assert first_commands(simulated) == (9, simulated.opening)
    assert first_messages(Binance(binance)) == (5, 1)
