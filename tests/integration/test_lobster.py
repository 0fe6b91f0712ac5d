"""NASDAQ's own order flow judges our engine: what it predicts, and why it is wrong where it is."""

import pytest
from support.recorded import recorded

from rtlab.engine import Engine
from rtlab.engine.reference import ReferenceEngine
from rtlab.model import EventKind
from rtlab.sources import Lobster, LobsterCheck, open_source

pytestmark = pytest.mark.recorded

MESSAGES = "lobster/AMZN_2012-06-21_message_1.csv.gz"
OUT_OF_ORDER = [1947, 1948, 3173, 3174, 25611, 25612, 38826, 38827]
JUMPED = [56084, 56085, 56086]


def test_amazons_day_is_predicted_and_every_miss_explained() -> None:
    source = open_source(recorded(MESSAGES))
    assert isinstance(source, Lobster)
    check, refused = LobsterCheck(source, Engine(source.instruments)), 0
    for step in source:
        refused += sum(int((events["kind"] == EventKind.REJECTED).sum()) for events in check.step(step))
    assert refused == 0
    report = check.report()
    print("\n".join(report.lines()))
    assert report.rows == 57_515
    assert report.predicted + report.revealed + report.untouched == report.rows
    assert (report.right, report.predicted) == (41_116, 41_117)
    assert (report.makers_right, report.makers) == (4_471, 4_482)
    assert report.executions == 8_974
    assert report.unexplained == 0
    assert [miss.row for miss in report.misses] == [*OUT_OF_ORDER, *JUMPED, 56089]
    by_row = {miss.row: miss for miss in report.misses}
    assert all("one sweep" in by_row[row].why for row in OUT_OF_ORDER)
    assert all("order 284135299 before what was revealed there" in by_row[row].why for row in JUMPED)
    assert by_row[56089].why.endswith("trades of rows 56084, 56085, 56086 to those ahead of it")


def test_the_chunks_are_the_commands_of_the_steps() -> None:
    source = Lobster(recorded(MESSAGES))
    engine, total = Engine(source.instruments), 0
    for _, commands in source.chunks(10**9):
        engine.process(commands)
        total += len(commands)
    assert total == engine.statistics().commands
    last = list(source.rows())[-1]
    bids, asks = engine.book("AMZN", 1)
    assert (bids[0], asks[0]) == last.best


def test_the_plain_twin_finds_the_same() -> None:
    source = Lobster(recorded(MESSAGES))
    twin, engine = ReferenceEngine(source.instruments), Engine(source.instruments)
    checks = LobsterCheck(source, twin), LobsterCheck(source, engine)
    for step, _ in zip(source, range(8_000), strict=False):
        theirs, ours = ([events.tobytes() for events in check.step(step)] for check in checks)
        assert theirs == ours
    assert checks[0].report() == checks[1].report()
